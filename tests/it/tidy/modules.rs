//! The modules of a crate: which file each is, what a path that is written somewhere means, and which file defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    code::{Code, Import},
    files::Source,
};

/// Re-exports that are looked through, one after the other, at most.
const MAX_REEXPORTS: usize = 16;

/// A crate, or a test program.
#[derive(Debug)]
pub(super) struct Crate {
    /// As others name it.
    pub(super) name: String,
    pub(super) files: Vec<File>,
    by_module: BTreeMap<Vec<String>, usize>,
}

#[derive(Debug)]
pub(super) struct File {
    /// From the repository's root.
    pub(super) path: String,
    /// Its module, from the crate's root.
    pub(super) module: Vec<String>,
    /// Only tests have it.
    pub(super) is_test: bool,
    pub(super) code: Code,
}

/// A path that a file names, from the root of a crate: `common::db::pool::begin`, `tokio::spawn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: Vec<String>,
    /// By `use`.
    pub(super) is_import: bool,
    pub(super) line: usize,
}

impl Named {
    pub(super) fn text(&self) -> String {
        self.path.join("::")
    }
}

impl Crate {
    /// Of those sources that lie below `folder`, which is that of `lib.rs` or `main.rs`.
    pub(super) fn read(name: &str, folder: &str, sources: &[Source]) -> Self {
        let prefix = format!("{folder}/");
        let mut files: Vec<File> = sources
            .iter()
            .filter(|source| source.is_a("rs"))
            .filter_map(|source| {
                let module = module_of(source.path.strip_prefix(&prefix)?);
                let code = Code::read(&source.text);
                let path = source.path.clone();
                Some(File {
                    path,
                    module,
                    is_test: false,
                    code,
                })
            })
            .collect();
        let by_module: BTreeMap<_, _> = files
            .iter()
            .enumerate()
            .map(|(number, file)| (file.module.clone(), number))
            .collect();
        let tests: BTreeSet<Vec<String>> = files
            .iter()
            .flat_map(|file| {
                let tests = file.code.modules.iter().filter(|(_, is_test)| *is_test);
                tests.map(|(module, _)| joined(&file.module, module))
            })
            .collect();
        for file in &mut files {
            file.is_test = (1..=file.module.len()).any(|length| tests.contains(&file.module[..length]));
        }
        Self {
            name: name.to_owned(),
            files,
            by_module,
        }
    }

    /// All that a file names, in its imports and elsewhere. All that a path has (`use tokio::*`) ends with `*`.
    pub(super) fn named(&self, file: &File) -> Vec<Named> {
        let imported = file.code.imports.iter().map(|import| {
            let mut path = self.import(file, import, MAX_REEXPORTS);
            path.extend((import.alias == "*").then(|| "*".to_owned()));
            Named {
                path,
                is_import: true,
                line: import.line,
            }
        });
        let names = file.code.names.iter().map(|name| Named {
            path: self.expanded(file, &name.within, &name.segments, None, MAX_REEXPORTS),
            is_import: false,
            line: name.line,
        });
        imported.chain(names).collect()
    }

    /// The files of this crate whose items a file uses, and the line that does. A re-export is no use: who goes through it uses
    /// what it leads to. Neither is an import of all that a module has.
    pub(super) fn uses<'a>(&'a self, file: &'a File) -> impl Iterator<Item = (&'a File, usize)> {
        let imports = file.code.imports.iter();
        let imports = imports.filter(|import| !import.is_reexport && import.alias != "*");
        let imports = imports.map(|import| (self.import(file, import, MAX_REEXPORTS), import.line));
        let names = file.code.names.iter().map(|name| {
            let path = self.expanded(file, &name.within, &name.segments, None, MAX_REEXPORTS);
            (path, name.line)
        });
        imports.chain(names).filter_map(|(path, line)| {
            let (first, rest) = path.split_first()?;
            let (target, _) = (*first == self.name).then(|| self.defining(rest, MAX_REEXPORTS))??;
            (target.path != file.path).then_some((target, line))
        })
    }

    fn import(&self, file: &File, import: &Import, depth: usize) -> Vec<String> {
        self.expanded(file, &import.within, &import.path, Some(import), depth)
    }

    /// What `segments` mean in `file`, within its inline modules. `itself`: the import that they are of.
    fn expanded(
        &self,
        file: &File,
        within: &[String],
        segments: &[String],
        itself: Option<&Import>,
        depth: usize,
    ) -> Vec<String> {
        let Some((first, rest)) = segments.split_first() else {
            return Vec::new();
        };
        let mut here: Vec<String> = std::iter::once(&self.name)
            .chain(&file.module)
            .chain(within)
            .cloned()
            .collect();
        match first.as_str() {
            "crate" => {
                let root = std::iter::once(&self.name);
                return root.chain(rest).cloned().collect();
            }
            "self" => {
                here.extend_from_slice(rest);
                return here;
            }
            "super" => {
                let ups = segments.iter().take_while(|segment| *segment == "super").count();
                here.truncate(here.len().saturating_sub(ups));
                here.extend_from_slice(&segments[ups..]);
                return here;
            }
            _ => {}
        }
        let imports = file.code.imports.iter();
        let found = imports
            .filter(|import| import.alias == *first && import.within == within && Some(*import) != itself)
            .find(|import| import.path.first() != Some(first) || import.path.len() > 1);
        if let Some(import) = found
            && depth > 0
        {
            let mut path = self.import(file, import, depth - 1);
            path.extend_from_slice(rest);
            return path;
        }
        let is_local = file.code.modules.iter().any(|(module, _)| module == first)
            || file.code.defines.contains(&(within.to_vec(), first.clone()));
        if is_local {
            here.extend_from_slice(segments);
            return here;
        }
        // By `use module::*`.
        let stars = file.code.imports.iter();
        let stars = stars.filter(|import| import.alias == "*" && import.within == within && itself.is_none());
        for star in stars {
            let module = self.import(file, star, MAX_REEXPORTS);
            if module.first() == Some(&self.name) && self.has(&module[1..], first) {
                return module.iter().chain(segments).cloned().collect();
            }
        }
        segments.to_vec()
    }

    /// Whether a module defines or imports a name.
    fn has(&self, module: &[String], name: &str) -> bool {
        self.by_module.get(module).is_some_and(|number| {
            let code = &self.files[*number].code;
            let mut imports = code.imports.iter();
            code.defines.contains(&(Vec::new(), name.to_owned()))
                || imports.any(|import| import.alias == name)
        })
    }

    /// The items of this crate that a file names, each with the file that defines it, its name there, and the line that names it.
    pub(super) fn items<'a>(&'a self, file: &'a File) -> impl Iterator<Item = (&'a File, String, usize)> {
        self.named(file).into_iter().filter_map(|named| {
            let (first, rest) = named.path.split_first()?;
            let (target, item) = (*first == self.name).then(|| self.defining(rest, MAX_REEXPORTS))??;
            Some((target, item, named.line))
        })
    }

    /// The file that defines what a path from this crate's root names, and its name there. `None`: it names a module, whose
    /// contents are not used by that.
    fn defining(&self, path: &[String], depth: usize) -> Option<(&File, String)> {
        let length = (0..=path.len())
            .rev()
            .find(|length| self.by_module.contains_key(&path[..*length]))?;
        let file = &self.files[self.by_module[&path[..length]]];
        let (item, rest) = path[length..].split_first()?;
        let defines = |item: &String| file.code.defines.contains(&(Vec::new(), item.clone()));
        if item == "*" || defines(item) || depth == 0 {
            return Some((file, item.clone()));
        }
        let exports = file.code.imports.iter().filter(|import| import.within.is_empty());
        for import in exports {
            let mut leads_to = self.import(file, import, depth - 1);
            if import.alias == *item {
                leads_to.extend_from_slice(rest);
            } else if import.alias == "*" && import.is_reexport {
                leads_to.extend_from_slice(&path[length..]);
            } else {
                continue;
            }
            let Some((name, leads_to)) = leads_to.split_first() else {
                continue;
            };
            if *name != self.name {
                // Of another crate.
                if import.alias == *item {
                    return None;
                }
                continue;
            }
            let found = self.defining(leads_to, depth - 1);
            let by_star = import.alias == "*";
            match found {
                Some((found, name))
                    if !by_star || found.code.defines.contains(&(Vec::new(), item.clone())) =>
                {
                    return Some((found, name));
                }
                None if !by_star => return None,
                _ => {}
            }
        }
        // Made by a macro.
        Some((file, item.clone()))
    }
}

fn joined(module: &[String], child: &str) -> Vec<String> {
    let mut path = module.to_vec();
    path.push(child.to_owned());
    path
}

/// `db/keys/mod.rs` is the module `db::keys`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs");
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    let last = parts.last().map(String::as_str);
    let is_root = parts.len() == 1 && matches!(last, Some("lib" | "main"));
    if is_root || last == Some("mod") {
        parts.pop();
    }
    parts
}

/// The crates of the product and of its tests, with the folder of their roots.
const CRATES: [(&str, &str); 8] = [
    ("common", "common/src"),
    ("ingest", "ingest/src"),
    ("worker", "worker/src"),
    ("api", "api/src"),
    ("commissary", "cli/src"),
    ("commissary_tests", "tests/src"),
    ("it", "tests/it"),
    ("amqp", "common/tests/amqp"),
];

pub(super) fn crates(sources: &[Source]) -> Vec<Crate> {
    CRATES
        .iter()
        .map(|(name, folder)| Crate::read(name, folder, sources))
        .collect()
}
