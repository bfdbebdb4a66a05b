//! The database as an operator sees it: by psql. So tests share no code with what they look at.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

/// A database by its URL.
#[derive(Clone, Debug)]
pub struct Database {
    url: String,
}

impl Database {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL for sessions in which a setting has this value.
    pub(crate) fn url_saying(&self, setting: &str, value: &str) -> String {
        let sign = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{sign}options=-c%20{setting}%3D{value}", self.url)
    }

    /// Another database of the same server.
    #[must_use]
    pub fn sibling(&self, name: &str) -> Self {
        let (address, query) = match self.url.split_once('?') {
            Some((address, query)) => (address, format!("?{query}")),
            None => (self.url.as_str(), String::new()),
        };
        let (server, _) = address.rsplit_once('/').expect("the URL names a database");
        Self {
            url: format!("{server}/{name}{query}"),
        }
    }

    /// The same database for another user, who needs no password.
    #[must_use]
    pub fn as_user(&self, user: &str) -> Self {
        let (scheme, rest) = self.url.split_once("://").expect("a URL");
        let path = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Self {
            url: format!("{scheme}://{user}@{host}{path}"),
        }
    }

    /// Runs a statement; the result has a line for a row and `|` between columns. Panics when it fails.
    pub async fn sql(&self, statement: &str) -> String {
        self.try_sql(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}\n{error}"))
    }

    /// As [`Database::sql`], with the server's refusal or absence as an error.
    pub async fn try_sql(&self, statement: &str) -> Result<String, String> {
        let mut command = tokio::process::Command::from(self.psql());
        let output = command
            .args(["-c", statement])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.expect("psql runs");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Runs a file of statements, which may read these variables of its environment. Panics when one fails.
    pub async fn file(&self, path: &std::path::Path, variables: &[(&str, &str)]) {
        let mut command = tokio::process::Command::from(self.psql());
        let output = command
            .arg("-f")
            .arg(path)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.expect("psql runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", path.display());
    }

    /// A number, such as that of `SELECT count(*)`.
    pub async fn count(&self, statement: &str) -> i64 {
        let answer = self.sql(statement).await;
        answer
            .parse()
            .unwrap_or_else(|_not_a_number| panic!("{statement} gave {answer:?}"))
    }

    /// A session that stays open, to hold locks.
    pub fn session(&self) -> Session {
        let mut child = tokio::process::Command::from(self.psql())
            .arg("-q")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("psql starts");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = child.stdout.take().expect("its output is a pipe");
        Session {
            _child: child,
            input,
            output: BufReader::new(output).lines(),
        }
    }

    /// Drops the database, if it can; for the end of a test.
    pub(crate) fn drop_database(&self, name: &str) {
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let mut command = self.psql();
        command
            .args(["-c", &statement])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // The server may be gone: some tests kill theirs.
        command.status().ok();
    }

    fn psql(&self) -> Command {
        let mut command = Command::new(program());
        command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url]);
        command
    }
}

/// An open session of psql. Dropped, its transaction is rolled back.
#[derive(Debug)]
pub struct Session {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Session {
    /// Runs statements and waits until they are done.
    pub async fn run(&mut self, statements: &str) {
        const DONE: &str = "-- done --";
        let script = format!("{statements};\n\\echo {DONE}\n");
        self.input
            .write_all(script.as_bytes())
            .await
            .expect("psql takes input");
        loop {
            let line = self.output.next_line().await.expect("psql answers");
            match line {
                Some(line) if line == DONE => return,
                Some(_) => {}
                None => panic!("psql ended at {statements:?}"),
            }
        }
    }
}

/// psql of PATH, or of an installed server.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|directory| directory.join("psql"));
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let installed = versions.map(|version| version.path().join("bin/psql"));
    in_path.chain(installed).find(|program| program.is_file()).expect(
        "psql is neither in PATH nor below /usr/lib/postgresql: install postgresql, or run ./scripts/test",
    )
}
