//! Rules and dashboards of deploy/, tried by Debian's Prometheus: the alerts by `promtool test rules`, and every expression against
//! running roles whose metrics it must find.

use std::{collections::BTreeSet, fs, path::Path, process::Command, time::Duration};

use commissary_tests::{Process, Queue, World, free_port, of_deploy, wait_for, wait_until};
use serde_json::Value;

/// These are there only when there is something to tell: they must be among the names of the metrics.
const ON_OCCASION: [&str; 4] = [
    "commissary_bulk_envelopes_of_most_loaded",
    "commissary_events_under_way_of_most_loaded",
    "commissary_http_connections_refused_total",
    "commissary_org_oldest_unapplied_event_seconds",
];
const SOON: Duration = Duration::from_secs(30);

fn promtool(arguments: &[&str], file: &str) {
    let output = Command::new("promtool")
        .args(arguments)
        .arg(of_deploy(file))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "promtool {arguments:?} {file}: {output:?}"
    );
}

#[test]
fn alerts_come_when_they_should_and_name_what_to_do() {
    promtool(&["check", "config"], "prometheus/prometheus.yml");
    promtool(&["check", "rules", "--lint-fatal"], "prometheus/rules.yml");
    promtool(&["test", "rules"], "prometheus/rules_test.yml");
    let (rules, tests) = (text("prometheus/rules.yml"), text("prometheus/rules_test.yml"));
    let mut alerts = 0;
    for line in rules.lines() {
        if let Some(name) = line.trim().strip_prefix("- alert: ") {
            assert!(tests.contains(&format!("name: {name}\n")), "{name} has no test");
            alerts += 1;
        }
        if let Some((page, named)) = line
            .trim()
            .strip_prefix("runbook: ")
            .and_then(|place| place.split_once('#'))
        {
            let text = fs::read_to_string(of_deploy("..").join(page)).unwrap();
            assert!(
                text.lines().filter_map(anchor).any(|anchor| anchor == named),
                "{page} has no part {named}"
            );
        }
    }
    assert!(alerts > 20);
}

/// As Markdown makes it of a heading.
fn anchor(line: &str) -> Option<String> {
    let heading = line.trim_start_matches('#');
    let is_heading = line.starts_with("##") && heading.starts_with(' ');
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    is_heading.then(|| {
        kept.chars()
            .filter(|c| c.is_alphanumeric() || *c == '-')
            .collect()
    })
}

fn text(path: &str) -> String {
    fs::read_to_string(of_deploy(path)).unwrap()
}

/// All expressions: of the rules, and of the panels of both dashboards, as Grafana asks for them.
fn expressions() -> Vec<String> {
    let rules: Value = serde_saphyr::from_str(&text("prometheus/rules.yml")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    let mut found: Vec<String> = rules
        .iter()
        .map(|rule| rule["expr"].as_str().unwrap().to_owned())
        .collect();
    for dashboard in ["events", "processes"] {
        let read: Value =
            serde_json::from_str(&text(&format!("grafana/dashboards/{dashboard}.json"))).unwrap();
        assert_eq!(read["uid"], format!("commissary-{dashboard}"));
        for panel in read["panels"].as_array().unwrap() {
            assert!(
                panel["gridPos"]["x"].as_u64().unwrap() + panel["gridPos"]["w"].as_u64().unwrap() <= 24,
                "{panel}"
            );
            let targets = panel["targets"].as_array().unwrap().iter();
            found.extend(targets.map(|target| target["expr"].as_str().unwrap().to_owned()));
        }
    }
    for file in ["datasources", "dashboards"] {
        let read: Value =
            serde_saphyr::from_str(&text(&format!("grafana/provisioning/{file}/commissary.yaml"))).unwrap();
        assert_eq!(read["apiVersion"], 1);
    }
    found
}

/// The metrics that an expression names.
fn metrics(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("commissary_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// A Prometheus with the delivered configuration, which scrapes these addresses.
fn prometheus(targets: &[String], directory: &Path) -> (Process, String) {
    let delivered = text("prometheus/prometheus.yml");
    let (head, _) = delivered.split_once("      - targets:").unwrap();
    let head = head.replace("15s", "1s");
    fs::write(
        directory.join("prometheus.yml"),
        format!("{head}      - targets: {targets:?}\n"),
    )
    .unwrap();
    fs::copy(of_deploy("prometheus/rules.yml"), directory.join("rules.yml")).unwrap();
    let port = free_port();
    let mut command = Command::new("prometheus");
    command
        .arg(format!(
            "--config.file={}",
            directory.join("prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            directory.join("data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--log.level=warn");
    (
        Process::start("prometheus", &mut command, directory),
        format!("http://127.0.0.1:{port}"),
    )
}

/// Whether the product's telemetry names it.
fn is_a_name(metric: &str) -> bool {
    let telemetry = of_deploy("../common/src/telemetry");
    let said = Command::new("grep")
        .args(["-rqF", &format!("\"{metric}\"")])
        .arg(telemetry)
        .status();
    said.unwrap().success()
}

struct Asked {
    http: reqwest::Client,
    url: String,
}

impl Asked {
    /// The answer to a query, once it answers.
    async fn query(&self, expression: &str) -> Option<Value> {
        let mut url = reqwest::Url::parse(&format!("{}/api/v1/query", self.url)).unwrap();
        url.query_pairs_mut().append_pair("query", expression);
        self.http.get(url).send().await.ok()?.json().await.ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_expression_finds_its_metrics_in_running_roles() {
    let ports = [free_port(), free_port(), free_port()];
    let address = |port: u16| format!("127.0.0.1:{port}");
    let world = World::of(Queue::Rabbit)
        .metrics_listen(address(ports[0]), address(ports[1]), address(ports[2]))
        .start()
        .await;
    world.shop.track("for-a-rate", 100).await.expect(200);
    world
        .shop
        .track_as(
            "demo-key",
            "NOBODY",
            &serde_json::json!({"order_id": "x", "total_amount": 1}),
        )
        .await;
    world.shop.get("/1.6/conversions/").await.expect(200);
    for plane in [&world.shop.ingest, &world.shop.api] {
        let url = format!("{plane}/metrics");
        let moved = world
            .shop
            .call(reqwest::Method::GET, &url, &[], None)
            .await
            .unwrap();
        moved.expect(404);
    }

    let directory = tempfile::tempdir().unwrap();
    let targets: Vec<_> = ports.iter().map(|port| address(*port)).collect();
    let (mut process, url) = prometheus(&targets, directory.path());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = Asked { http, url };
    wait_until("all roles are scraped twice", SOON, async || {
        assert!(process.is_running());
        let scraped = asked
            .query("min(count_over_time(up{job=\"commissary\"}[1m])) >= 2 and sum(up) == 3")
            .await;
        scraped.is_some_and(|answer| {
            answer["data"]["result"]
                .as_array()
                .is_some_and(|result| !result.is_empty())
        })
    })
    .await;
    let mut missing = BTreeSet::new();
    for expression in expressions() {
        let answer = wait_for("an answer", SOON, async || asked.query(&expression).await).await;
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        for metric in metrics(&expression) {
            if ON_OCCASION.contains(&metric.as_str()) {
                assert!(is_a_name(&metric), "{metric} is no metric");
                continue;
            }
            let found = wait_for("an answer", SOON, async || asked.query(&metric).await).await;
            if found["data"]["result"].as_array().is_none_or(Vec::is_empty) {
                missing.insert(metric);
            }
        }
    }
    assert!(missing.is_empty(), "no role has these: {missing:?}");
    process.terminate().await;
    world.finish().await;
}
