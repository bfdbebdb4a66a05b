//! Finds the programs of an installed PostgreSQL server, and says what to install when there are none.
//! It neither starts nor changes anything.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::user::{ServerUser, TOOL_TIMEOUT, succeed};

/// The oldest major version that the migrations run on.
const OLDEST_MAJOR: u32 = 15;
const PROGRAMS: [&str; 4] = ["postgres", "initdb", "pg_ctl", "psql"];

/// Where packages put the programs: every directory of `.0` whose name starts with `.1`, and `.2` below it.
const PLACES: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/local", "pgsql", "bin"),
    ("/usr/local", "bin", ""),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/opt/homebrew", "bin", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// The programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.dir.join(program)
    }

    /// For a new cluster: what PATH offers, else the newest that is installed.
    pub(super) async fn newest(user: &ServerUser) -> anyhow::Result<Self> {
        choose(&installed(user).await)
    }

    /// For a data directory that is already there: exactly its major version, no other can read it.
    pub(super) async fn of_major(user: &ServerUser, major: u32, data: &Path) -> anyhow::Result<Self> {
        let installed = installed(user).await;
        if installed.is_empty() {
            bail!(nothing_installed());
        }
        installed.iter().find(|found| found.major == major).cloned().ok_or_else(|| {
            anyhow!(
                "{} was made by PostgreSQL {major}, but only {} is installed. Install PostgreSQL {major}, or start with \
                 --fresh, which deletes this data",
                data.display(),
                versions(&installed)
            )
        })
    }
}

/// Every usable installation: those of PATH first, in its order, then newest first.
async fn installed(user: &ServerUser) -> Vec<Binaries> {
    let mut found = Vec::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for dir in std::env::split_paths(&path).filter(|dir| dir.is_absolute()) {
        found.extend(probe(user, dir).await);
    }
    let mut elsewhere = Vec::new();
    for (parent, prefix, below) in PLACES {
        for dir in subdirectories(Path::new(parent), prefix) {
            elsewhere.extend(probe(user, dir.join(below)).await);
        }
    }
    elsewhere.sort_by_key(|found| std::cmp::Reverse(found.major));
    found.extend(elsewhere);
    found
}

fn subdirectories(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
        })
        .map(|entry| entry.path())
        .collect()
}

/// Asks the server program itself, as the user who will run it: that user may be unable to reach it.
async fn probe(user: &ServerUser, dir: PathBuf) -> Option<Binaries> {
    if !PROGRAMS.iter().all(|program| dir.join(program).is_file()) {
        return None;
    }
    let printed = succeed(user.command(dir.join("postgres")).arg("--version"), TOOL_TIMEOUT)
        .await
        .ok()?;
    Some(Binaries {
        dir,
        major: major_in(&printed)?,
    })
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-1)` and `postgres (PostgreSQL) 19devel` name their major version.
fn major_in(printed: &str) -> Option<u32> {
    let version = printed.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn choose(installed: &[Binaries]) -> anyhow::Result<Binaries> {
    if installed.is_empty() {
        bail!(nothing_installed());
    }
    installed.iter().find(|found| found.major >= OLDEST_MAJOR).cloned().ok_or_else(|| {
        anyhow!(
            "PostgreSQL {OLDEST_MAJOR} or newer is needed, but only {} is installed. Install a newer one, or set \
             DATABASE_URL to a server you have",
            versions(installed)
        )
    })
}

fn versions(installed: &[Binaries]) -> String {
    let mut majors: Vec<u32> = installed.iter().map(|found| found.major).collect();
    majors.sort_unstable();
    majors.dedup();
    majors.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn nothing_installed() -> String {
    format!(
        "no PostgreSQL server ({}) in PATH, /usr/lib/postgresql or another usual place. Install one, version \
         {OLDEST_MAJOR} or newer (`apt-get install postgresql`, `dnf install postgresql-server`, \
         `brew install postgresql@17`), or set DATABASE_URL to a server you have",
        PROGRAMS.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32) -> Binaries {
        Binaries {
            dir: PathBuf::from(format!("/opt/{major}/bin")),
            major,
        }
    }

    #[test]
    fn versions_are_read_from_what_the_server_prints() {
        assert_eq!(
            major_in("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_in("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major_in("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_in("postgres (EnterpriseDB) x\n"), None);
    }

    #[test]
    fn the_first_that_is_new_enough_is_taken_and_the_sentences_say_what_to_do() {
        assert_eq!(
            choose(&[version(13), version(17), version(16)]).unwrap().major,
            17
        );
        let old = choose(&[version(13), version(14)]).unwrap_err().to_string();
        assert!(
            old.contains("only 13, 14 is installed") && old.contains("DATABASE_URL"),
            "{old}"
        );
        let none = choose(&[]).unwrap_err().to_string();
        for hint in [
            "apt-get install postgresql",
            "brew install postgresql@17",
            "DATABASE_URL",
        ] {
            assert!(none.contains(hint), "{none}");
        }
    }

    #[tokio::test]
    async fn data_of_a_version_that_is_not_installed_gets_a_sentence() {
        let user = ServerUser::choose().await.unwrap();
        let error = Binaries::of_major(&user, 9, Path::new("/some/data"))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("/some/data was made by PostgreSQL 9"), "{error}");
        assert!(error.contains("--fresh"), "{error}");
    }

    #[tokio::test]
    async fn the_installed_server_is_found_and_its_programs_exist() {
        let user = ServerUser::choose().await.unwrap();
        let found = Binaries::newest(&user).await.unwrap();
        assert!(found.major >= OLDEST_MAJOR);
        assert!(PROGRAMS.iter().all(|program| found.path(program).is_file()));
    }
}
