//! The README's table of variables is what the binary's help says.

use std::collections::{BTreeMap, BTreeSet};

use commissary_tests::commissary;

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
