//! One process of the product: its output in files, its signals, its end.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::wait::wait_for;

/// A process that was asked to end has ended by then, whatever it was doing.
const END: Duration = Duration::from_secs(20);
/// How long what a process says is waited for.
const SAY: Duration = Duration::from_secs(30);
/// Lines of a log that are printed when a test panics.
const TAIL: usize = 60;

/// Killed when dropped; if a test panics its log is printed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    out: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, with standard output and error in files of `directory` called after `name`.
    pub fn start(name: &str, command: &mut Command, directory: &Path) -> Self {
        let (out, log) = (
            directory.join(format!("{name}.out")),
            directory.join(format!("{name}.log")),
        );
        let file = |path: &Path| File::create(path).expect("a file for the output of a process");
        let child = command
            .stdin(Stdio::null())
            .stdout(file(&out))
            .stderr(file(&log))
            .spawn()
            .expect("the binary starts");
        Self {
            name: name.to_owned(),
            child,
            ended: None,
            out,
            log,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// What it has written to standard output so far.
    pub fn out(&self) -> String {
        read(&self.out)
    }

    pub fn is_running(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("a child can be asked");
        }
        self.ended.is_none()
    }

    /// Waits until a line of its log holds `text`, `count` times, and gives the last such line.
    pub async fn logged(&mut self, text: &str, count: usize) -> String {
        let what = format!("{} logs {text:?} {count} times", self.name);
        wait_for(&what, SAY, async || {
            let running = self.is_running();
            let log = self.log();
            let mut lines = log.lines().filter(|line| line.contains(text));
            let found = lines.nth(count - 1).map(str::to_owned);
            assert!(found.is_some() || running, "{} ended early", self.name);
            found
        })
        .await
    }

    /// As a crash: no handler runs, nothing is flushed.
    pub async fn kill9(&mut self) {
        signal("KILL", self.pid());
        self.end().await;
    }

    /// Asks it to end, as an orchestrator does. It must end by itself, in time, and well.
    pub async fn terminate(&mut self) {
        self.ask("TERM").await;
    }

    /// Asks it to end, as Ctrl-C does.
    pub async fn interrupt(&mut self) {
        self.ask("INT").await;
    }

    /// Waits until it has ended, however that came.
    pub async fn end(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        wait_for(&what, END, async || {
            self.is_running();
            self.ended
        })
        .await
    }

    async fn ask(&mut self, how: &str) {
        signal(how, self.pid());
        let status = self.end().await;
        assert_eq!(status.code(), Some(0), "{} after SIG{how}: {status}", self.name);
        let log = self.log();
        assert!(!log.contains("panicked at"), "{} panicked", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            // It may end by itself between the two.
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
            eprintln!("--- the end of the log of {}\n{}", self.name, tail.join("\n"));
        }
    }
}

/// Sends a signal by name, such as `STOP`.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .expect("the program `kill`");
    assert!(sent.success(), "kill -{name} {pid}");
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the output of a process");
    String::from_utf8_lossy(&bytes).into_owned()
}
