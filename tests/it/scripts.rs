//! The scripts: each explains itself without building or starting anything, and a failed run of the tests says how to run what
//! failed again.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const SCRIPTS: [&str; 10] = [
    "attack",
    "dev",
    "flood",
    "fuzz",
    "list-bench",
    "load",
    "pin-images",
    "servers",
    "test",
    "upgrade-test",
];

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts")
}

#[test]
fn help_is_there_without_a_build() {
    // A cargo that leaves a mark when it is called.
    let directory = tempfile::tempdir().unwrap();
    let (cargo, mark) = (directory.path().join("cargo"), directory.path().join("called"));
    fs::write(&cargo, format!("#!/bin/sh\n: >'{}'\nexit 1\n", mark.display())).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    for script in SCRIPTS {
        let mut command = Command::new(scripts().join(script));
        command.arg("--help").env_clear().env("PATH", &path);
        let output = command.output().unwrap();
        assert!(output.status.success(), "scripts/{script} --help");
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(
            help.contains(&format!("usage: scripts/{script}")),
            "scripts/{script} --help: {help}"
        );
        assert!(!mark.exists(), "scripts/{script} --help called cargo");
    }
}

/// What others can read below a directory, but for what a closed directory hides from them.
fn open_to_others(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let open = entries.filter(|entry| entry.metadata().unwrap().permissions().mode() & 0o007 != 0);
    open.flat_map(|entry| {
        if entry.metadata().unwrap().is_dir() {
            open_to_others(&entry.path())
        } else {
            vec![entry.path()]
        }
    })
    .collect()
}

#[tokio::test]
async fn data_and_logs_of_private_servers_are_nobody_elses() {
    let servers = commissary_tests::Servers::new();
    servers.run("postgres-start").await;
    servers.run("rabbitmq-start").await;
    let all = fs::read_dir(servers.path()).unwrap().count();
    assert!(all >= 3, "{all}");
    let open = open_to_others(servers.path());
    assert!(open.is_empty(), "others can read {open:?}");
}

#[test]
fn failed_tests_are_named_with_the_way_to_run_them_again() {
    // A test whose own output looks like that of the harness, a program that ended without a word, a test in documentation,
    // a crate that does not compile.
    let output = "\
     Running unittests src/lib.rs (target/debug/deps/commissary_common-e7b51c1b2bfe20b1)

running 3 tests
test money::tests::rounds ... FAILED
test money::tests::adds ... FAILED
test money::tests::good ... ok

failures:

---- money::tests::rounds stdout ----
failures:
    not_a_test

test result: FAILED. 0 passed; 1 failed; 0 ignored


failures:
    money::tests::adds
    money::tests::rounds

\u{1b}[1mtest result: \u{1b}[31mFAILED\u{1b}[0m. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.09s

\u{1b}[1m\u{1b}[91merror\u{1b}[0m: test failed, to rerun pass `-p commissary-common --lib`
     Running unittests src/lib.rs (target/debug/deps/commissary_worker-aa59a181355136a2)

running 1 test
error: test failed, to rerun pass `-p commissary-worker --lib`

Caused by:
  process didn't exit successfully: `target/debug/deps/commissary_worker-aa59a181355136a2` (signal: 6, SIGABRT)
     Running it/main.rs (target/debug/deps/it-6640d1d4a1cf3573)

failures:
    batch::spool::lines

test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.09s

error: test failed, to rerun pass `-p commissary-tests --test it`
   Doc-tests commissary_api

failures:
    api/src/lib.rs - f (line 1)

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.13s

error: doctest failed, to rerun pass `-p commissary-api --doc`
error: could not compile `commissary-ingest` (lib test) due to 1 previous error
error: could not compile `commissary-ingest` (lib) due to 1 previous error
error: 4 targets failed:
    `-p commissary-common --lib`
";
    let wanted = "\
-p commissary-common --lib money::tests::adds -- --exact\tmoney::tests::adds
-p commissary-common --lib money::tests::rounds -- --exact\tmoney::tests::rounds
-p commissary-worker --lib\ta test program that did not name all of its failed tests
-p commissary-tests --test it batch::spool::lines -- --exact\tbatch::spool::lines
-p commissary-tests --test it\ta test program that did not name all of its failed tests
-p commissary-api --doc 'api/src/lib.rs - f (line 1)' -- --exact\tapi/src/lib.rs - f (line 1)
-p commissary-ingest\tcommissary-ingest does not compile
";
    assert_eq!(failed_tests(output), wanted);
    let passed =
        "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    assert_eq!(failed_tests(passed), "");
}

fn failed_tests(output: &str) -> String {
    let mut awk = Command::new("awk")
        .arg("-f")
        .arg(scripts().join("lib/failed_tests.awk"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    awk.stdin.take().unwrap().write_all(output.as_bytes()).unwrap();
    let told = awk.wait_with_output().unwrap();
    assert!(told.status.success());
    String::from_utf8(told.stdout).unwrap()
}
