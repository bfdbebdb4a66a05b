//! What the documentation points to is there.

use super::files;

/// The pages.
fn pages() -> Vec<files::Source> {
    let at_the_root = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
    let at_the_root = at_the_root.map(|path| files::Source::new(path, &files::read(path)));
    let others = files::written().into_iter().filter(|source| source.is_a("md"));
    at_the_root.into_iter().chain(others).collect()
}

/// The targets of links, and what stands in backticks and looks like a path of ours.
fn pointers(text: &str) -> Vec<(bool, String)> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.filter(|target| !target.starts_with("http") && !target.starts_with('#'));
    let folders: Vec<_> = files::CRATES.into_iter().chain(files::FOLDERS).collect();
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|words| {
        words
            .split_once('/')
            .is_some_and(|(folder, _)| folders.contains(&folder))
    });
    // `common/src/db/error.rs` and the like: neither a command with arguments nor a pattern.
    let paths = paths.filter(|path| {
        path.chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    });
    links
        .map(|link| (true, link.to_owned()))
        .chain(paths.map(|path| (false, path.to_owned())))
        .collect()
}

#[test]
fn what_pages_point_to_is_there() {
    let mut gone = Vec::new();
    for page in pages() {
        let (folder, _) = page.path.rsplit_once('/').unwrap_or_default();
        for (is_link, target) in pointers(&page.text) {
            let target = target.split('#').next().unwrap_or_default();
            let base = if is_link {
                files::root().join(folder)
            } else {
                files::root()
            };
            if !base.join(target).exists() {
                gone.push(format!("{} points to {target}", page.path));
            }
        }
    }
    super::none(&gone, "files that are not there: follow them to where they moved");
}

#[test]
fn pointers_are_found() {
    let text = "See [this](docs/X.md#part), [that](https://example.com), `common/src/x.rs`, `cargo run`, `/1.6/x`, `a/b`, `scripts/test -p x`.";
    let found: Vec<_> = pointers(text).into_iter().map(|(_, target)| target).collect();
    assert_eq!(found, ["docs/X.md#part", "common/src/x.rs"]);
}
