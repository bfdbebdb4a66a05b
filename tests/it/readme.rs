//! What the documentation says is what the binary says of itself: the README's tables of variables and of calls, and every
//! command that any page names.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use commissary_tests::{Queue, World, commissary};
use serde_json::Value;

const ROLES: [&str; 6] = ["dev", "ingest", "worker", "api", "migrate", "doctor"];

/// By variable: the roles that have it, and the defaults that it has in any of them.
type Variables = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

#[test]
fn the_table_of_variables_is_what_the_help_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- configuration").unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    assert_eq!(of_table(table), of_help());
}

const PAGES: [&str; 9] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "migrations/README.md",
    "docs/ARCHITECTURE.md",
    "docs/BACKUP.md",
    "docs/DEPLOYMENT.md",
    "docs/OPERATIONS.md",
    "docs/PIXEL.md",
];

#[test]
fn commands_that_pages_name_are_there() {
    let commands = subcommands(&[]);
    assert!(commands.contains("dev"), "{commands:?}");
    let below: BTreeMap<String, BTreeSet<String>> = commands
        .iter()
        .map(|command| (command.clone(), subcommands(&[command])))
        .collect();
    for page in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        let text = std::fs::read_to_string(path).unwrap();
        for named in text.split("commissary ").skip(1) {
            let end = named.find(['`', '\n', '#']).unwrap_or(named.len());
            let mut words = named[..end].split_whitespace();
            let Some(below) = words.next().and_then(|command| below.get(command)) else {
                let word = named.split_whitespace().next().unwrap_or_default();
                panic!("{page} names `commissary {word}`, which is no command");
            };
            let second = words.next().filter(|_| !below.is_empty());
            let names_one = second.is_none_or(|word| below.contains(word) || word.starts_with(['{', '-']));
            assert!(names_one, "{page} names `commissary {}`", &named[..end]);
        }
    }
}

/// The commands that the help of a command lists.
fn subcommands(command: &[&str]) -> BTreeSet<String> {
    let output = commissary().args(command).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // What a command is for may take more lines, further to the right.
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// Paths without the names of their parameters and their last slash.
fn plain(path: &str) -> String {
    let mut plain = String::new();
    let mut is_inside = false;
    for c in path.trim_end_matches('/').chars() {
        is_inside = (is_inside || c == '{') && c != '}';
        if !is_inside {
            plain.push(if c == '}' { '*' } else { c });
        }
    }
    plain
}

/// The paths in backticks: `POST /a/{b,c}/` are two.
fn quoted_paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.filter_map(|words| words.split_whitespace().find(|word| word.starts_with('/')));
    let paths = paths.map(|path| path.split('?').next().unwrap().trim_end_matches(".gif"));
    paths.flat_map(alternatives).map(|path| plain(&path)).collect()
}

fn alternatives(path: &str) -> Vec<String> {
    let braces = path.match_indices('{').find_map(|(at, _)| {
        let (inside, after) = path[at + 1..].split_once('}')?;
        inside.contains(',').then_some((at, inside, after))
    });
    let Some((at, inside, after)) = braces else {
        return vec![path.to_owned()];
    };
    let each = inside
        .split(',')
        .map(|one| format!("{}{one}{after}", &path[..at]));
    each.flat_map(|path| alternatives(&path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_calls_is_what_the_description_says() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("## What it speaks today").unwrap();
    let (table, _) = rest.split_once("\n## ").unwrap();
    let told: BTreeSet<String> = quoted_paths(table).into_iter().collect();

    let world = World::start(Queue::Spool).await;
    let document: Value = world.shop.get_as("/openapi.json", None).await.expect(200).body;
    world.finish().await;
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(|path| plain(path))
        .collect();

    let unknown: Vec<_> = told.difference(&described).collect();
    assert!(
        unknown.is_empty(),
        "the README names calls that there are not: {unknown:?}"
    );
    // Beside a list stands each of its rows.
    let is_told = |path: &&String| {
        told.contains(*path) || path.strip_suffix("/*").is_some_and(|list| told.contains(list))
    };
    let untold: Vec<_> = described.iter().filter(|path| !is_told(path)).collect();
    assert!(
        untold.is_empty(),
        "the README does not name these calls: {untold:?}"
    );
}

fn of_table(table: &str) -> Variables {
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let name = cells[1].trim_matches('`').to_owned();
        let roles = match cells[2] {
            "all" => ROLES.map(str::to_owned).into(),
            some => some.split(',').map(|role| role.trim().to_owned()).collect(),
        };
        // Each default stands in backticks.
        let defaults = cells[3]
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        (name, (roles, defaults))
    })
    .collect()
}

fn of_help() -> Variables {
    let mut variables = Variables::new();
    for role in ROLES {
        let help = commissary().args([role, "--help"]).output().unwrap();
        assert!(help.status.success(), "{role} --help");
        let help = String::from_utf8(help.stdout).unwrap();
        for option in options(&help) {
            let Some(name) = bracketed(&option, "env: ") else {
                continue;
            };
            let name = name.split('=').next().unwrap().to_owned();
            let (roles, defaults) = variables.entry(name).or_default();
            roles.insert(role.to_owned());
            defaults.extend(bracketed(&option, "default: "));
        }
    }
    variables
}

/// The text of each option, on one line.
fn options(help: &str) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    for line in help.lines().map(str::trim) {
        if line.starts_with('-') {
            options.push(String::new());
        }
        if let Some(option) = options.last_mut() {
            option.push_str(line);
            option.push(' ');
        }
    }
    options
}

fn bracketed(option: &str, what: &str) -> Option<String> {
    let (_, rest) = option.split_once(&format!("[{what}"))?;
    let (value, _) = rest.split_once(']')?;
    Some(value.trim().to_owned())
}
