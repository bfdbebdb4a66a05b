//! `commissary bench`: a short run measures, proves and leaves nothing behind.

use std::{path::Path, process::Command, time::Duration};

use commissary_tests::{Database, Process, commissary, required, signal, wait_until};
use serde_json::Value;
use tempfile::TempDir;

/// A durable server starts and stops within this on a busy machine.
const SERVERS: Duration = Duration::from_mins(4);

fn directory() -> TempDir {
    let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    let made = tempfile::Builder::new()
        .prefix("commissary-bench-")
        .permissions(passable)
        .tempdir();
    made.unwrap()
}

fn bench(arguments: &[&str], state: &Path) -> Command {
    let mut command = commissary();
    command.arg("bench").args(arguments).arg("--state").arg(state);
    command
}

fn figure<'a>(report: &'a Value, scenario: &str, name: &str) -> &'a Value {
    let mut figures = report["figures"].as_array().unwrap().iter();
    figures
        .find(|figure| figure["scenario"] == scenario && figure["name"] == name)
        .unwrap_or_else(|| panic!("no figure {scenario}: {name} in {report}"))
}

/// Through the broker and through the spool.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_run_measures_and_proves() {
    let home = directory();
    let (state, chart) = (home.path().join("state"), home.path().join("chart.svg"));
    let chart_file = chart.display().to_string();
    let arguments = [
        "sync",
        "drain",
        "spool",
        "--quick",
        "--seconds",
        "1",
        "--rows",
        "300",
        "--connections",
        "1,4",
        "--json",
        "--svg",
        &chart_file,
    ];
    let mut command = bench(&arguments, &state);
    command
        .env("DATABASE_URL", required("DATABASE_URL"))
        .env("AMQP_URL", required("AMQP_URL"));
    let output = tokio::process::Command::from(command).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["proved"], true, "{report}");
    for proof in report["proofs"].as_array().unwrap() {
        assert_eq!(proof["ledger_violations"], 0, "{proof}");
        assert!(proof["applied"].as_u64().unwrap() > 0, "{proof}");
    }
    for (scenario, name) in [
        ("sync", "1 connection"),
        ("sync", "maximum"),
        ("drain", "what callers waited for"),
        ("drain", "what nobody waited for"),
        ("spool", "RabbitMQ"),
        ("spool", "the spool"),
    ] {
        let figure = figure(&report, scenario, name);
        assert!(figure["per_second"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(figure["ratio"]["value"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(figure["floors"]["b"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(figure["floors"]["d"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(figure["costs"]["wal_bytes"].as_f64().unwrap() > 0.0, "{figure}");
    }
    let drawn = std::fs::read_to_string(chart).unwrap();
    assert!(
        drawn.starts_with("<svg ") && drawn.contains("sync: maximum"),
        "{drawn}"
    );
    assert!(!state.exists(), "nothing private was started");
}

/// Waits until it measures: servers are started before, and floors measured.
async fn measures(process: &mut Process) {
    wait_until("the measurement is under way", SERVERS, async || {
        assert!(process.is_running(), "it ended early: {}", process.log());
        process.log().contains("sync: 2 connections")
    })
    .await;
}

/// Neither of private servers nor on given ones, where no superuser is needed.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_nothing_behind() {
    let home = directory();
    let state = home.path().join("state");
    let server = Database::new(&required("DATABASE_URL"));
    let user = format!("bench_user_{}", std::process::id());
    server.sql(&format!("CREATE ROLE {user} LOGIN CREATEDB")).await;
    let arguments = ["sync", "--seconds", "600", "--connections", "2"];
    // The broker is given, so that only the private cluster is started.
    let mut command = bench(&arguments, &state);
    command.env("AMQP_URL", required("AMQP_URL"));
    let mut private = Process::start("private", &mut command, home.path());
    let mut command = bench(&arguments, &home.path().join("unused"));
    command
        .env("DATABASE_URL", server.as_user(&user).url())
        .env("AMQP_URL", required("AMQP_URL"));
    let mut given = Process::start("given", &mut command, home.path());
    measures(&mut private).await;
    measures(&mut given).await;
    let own = format!(
        "SELECT count(*) FROM pg_database WHERE datdba = '{user}'::regrole AND datname LIKE 'bench_%'"
    );
    assert_eq!(server.count(&own).await, 1);
    for process in [&mut private, &mut given] {
        signal("INT", process.pid());
        wait_until("the measurement ends", SERVERS, async || !process.is_running()).await;
        assert_eq!(process.end().await.code(), Some(1));
        let log = process.log();
        assert!(log.contains("stopped before it was measured"), "{log}");
    }
    assert!(!state.exists(), "the private cluster is gone with its data");
    assert_eq!(server.count(&own).await, 0);
    server.sql(&format!("DROP ROLE {user}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_are_listed_and_others_refused() {
    let home = directory();
    let run = async |arguments: &[&str]| {
        let command = bench(arguments, &home.path().join("state"));
        tokio::process::Command::from(command).output().await.unwrap()
    };
    let listed = run(&["--list"]).await;
    assert!(listed.status.success());
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    for scenario in [
        "sync",
        "paced",
        "async",
        "drain",
        "hot",
        "customers",
        "duplicates",
        "mix",
        "stored",
        "spool",
    ] {
        assert!(text.contains(scenario), "{text}");
    }
    let refused = run(&["nonsense"]).await;
    assert_eq!(refused.status.code(), Some(2));
    let refused = run(&["sync", "--connections", "0"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--connections are numbers from 1 to 10000"));
}
