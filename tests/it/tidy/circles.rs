//! Circles of files: sets of files each of which uses, directly or not, what all others of the set define.

use std::collections::BTreeMap;

use super::{files::Source, modules::Crate};

/// A circle: its files, and one use between two of them for each file, to find it by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) files: Vec<String>,
    pub(super) uses: Vec<String>,
}

pub(super) fn circles(of: &Crate) -> Vec<Circle> {
    let numbers: BTreeMap<&str, usize> = of
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| (file.path.as_str(), number))
        .collect();
    let arrows: Vec<BTreeMap<usize, usize>> = of
        .files
        .iter()
        .map(|file| {
            of.uses(file)
                .map(|(target, line)| (numbers[target.path.as_str()], line))
                .collect()
        })
        .collect();
    let reach: Vec<Vec<bool>> = (0..arrows.len()).map(|from| reachable(&arrows, from)).collect();
    let mut found = Vec::new();
    let mut is_told = vec![false; arrows.len()];
    for from in 0..arrows.len() {
        let members: Vec<usize> = (0..arrows.len())
            .filter(|to| reach[from][*to] && reach[*to][from])
            .collect();
        if is_told[from] || members.len() < 2 {
            continue;
        }
        for member in &members {
            is_told[*member] = true;
        }
        let path = |number: usize| of.files[number].path.clone();
        let uses = members.iter().flat_map(|member| {
            let inside = arrows[*member]
                .iter()
                .filter(|(target, _)| members.contains(target));
            inside.map(|(target, line)| format!("{}:{line} uses {}", path(*member), path(*target)))
        });
        found.push(Circle {
            files: members.iter().map(|member| path(*member)).collect(),
            uses: uses.collect(),
        });
    }
    found
}

fn reachable(arrows: &[BTreeMap<usize, usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; arrows.len()];
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in arrows[file].keys() {
            if !reached[*next] {
                reached[*next] = true;
                open.push(*next);
            }
        }
    }
    reached
}

/// Circles among files that are planted: (path below `src`, content).
fn planted(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sources: Vec<_> = files
        .iter()
        .map(|(path, text)| Source::new(&format!("x/src/{path}"), text))
        .collect();
    let found = circles(&Crate::read("x", "x/src", &sources));
    let name = |path: &String| path.trim_start_matches("x/src/").to_owned();
    found
        .iter()
        .map(|circle| circle.files.iter().map(name).collect())
        .collect()
}

#[test]
fn planted_circles_are_found() {
    // By way of an import, of a path, of a re-export, of another name, of a star.
    for back in [
        "use crate::a::A; pub struct B;",
        "pub struct B; fn f() { super::a::A::new(); }",
        "pub struct B; fn f(_: crate::A) {}",
        "use super::a; pub struct B; fn f() { a::A::new(); }",
        "use super::a::A as Other; pub struct B;",
        "use crate::*; pub struct B; fn f(_: A) {}",
        "pub struct B; impl From<crate::a::A> for B {}",
        "pub struct B; mod inner { use crate::a::A; }",
        "pub struct B; fn f() { let x = 0..super::a::LIMIT; }",
    ] {
        let root = "mod a; mod b; pub use a::A; pub use b::B;";
        let a = "pub struct A(crate::b::B); pub const LIMIT: u8 = 1;";
        let found = planted(&[("lib.rs", root), ("a.rs", a), ("b.rs", back)]);
        assert_eq!(found, [["a.rs", "b.rs"]], "{back}");
    }
    // A parent and its child; three files.
    let parent = "mod child; pub struct Shared; fn f() { child::g(); }";
    let child = "pub fn g(_: super::Shared) {}";
    assert_eq!(
        planted(&[("lib.rs", "mod p;"), ("p/mod.rs", parent), ("p/child.rs", child)]),
        [["p/mod.rs", "p/child.rs"]]
    );
    assert_eq!(
        planted(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "pub struct A; use crate::b::B;"),
            ("b.rs", "pub struct B; use crate::c::C;"),
            ("c.rs", "pub struct C; use crate::a::A;"),
        ]),
        [["a.rs", "b.rs", "c.rs"]]
    );
}

#[test]
fn what_is_no_use_makes_no_circle() {
    // A parent that declares and re-exports; a use of a sibling through the parent; a use in tests and in comments.
    let parent = "mod a; mod b; pub use a::A; pub use b::B;";
    let a = "pub struct A;";
    for b in [
        "pub struct B(super::A);",
        "use super::A; pub struct B(A);",
        "use super::*; pub struct B(A);",
    ] {
        assert!(
            planted(&[
                ("lib.rs", "mod p;"),
                ("p/mod.rs", parent),
                ("p/a.rs", a),
                ("p/b.rs", b)
            ])
            .is_empty(),
            "{b}"
        );
    }
    let tested = "/// See [`crate::b::B`].\npub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }";
    let user = "use crate::a::A; pub struct B;";
    assert!(planted(&[("lib.rs", "mod a; mod b;"), ("a.rs", tested), ("b.rs", user)]).is_empty());
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources = super::files::rust();
    let found = super::modules::crates(&sources);
    let found: Vec<String> = found
        .iter()
        .flat_map(circles)
        .map(|circle| circle.uses.join("\n  "))
        .collect();
    super::none(
        &found,
        "files use each other in a circle: what both need goes into a file of its own, which uses neither",
    );
}
