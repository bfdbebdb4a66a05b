//! The metrics of all roles: the one way to change each. Events are counted by batch, and requests by handles that are kept. Their
//! names are in [`names`].

mod counted;
mod http;
pub mod names;
pub mod system;

use std::time::Duration;

use metrics::{Counter, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use strum::IntoEnumIterator as _;

use self::names::{ALL, Kind, Metric};
pub use self::{
    counted::{Counted, dead, failed_again},
    http::answered,
};
use super::{labels, ranked};
use crate::domain::{Dialect, Reason};

const BATCH_EVENTS_BUCKETS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0];
/// Of batches, transactions and commits.
const BATCH_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// A caller waits 3 s for an outcome, 10 s if it asks for it.
const HTTP_BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 3.0, 10.0];
/// Observations wait in memory until they are summed up.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The recorder of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// The recorder could not be installed: the process has one already.
#[derive(Debug, thiserror::Error)]
#[error("installing the metrics recorder failed")]
pub struct InstallError(#[source] BuildError);

impl Metrics {
    /// Makes this the recorder of the process, with all metrics at 0, so that a dashboard sees a rate from the first event.
    ///
    /// # Errors
    /// When the process has a recorder already.
    pub fn install() -> Result<Self, InstallError> {
        let handle = builder()
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(InstallError)?;
        register();
        let process = metrics_process::Collector::default();
        process.describe();
        Ok(Self { handle, process })
    }

    /// The Prometheus text of now.
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// Sums up observations for ever: without it a process that nobody scrapes would keep each of them.
    pub async fn keep_up(self) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            self.handle.run_upkeep();
        }
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let buckets: [(&str, &[f64]); 5] = [
        (names::BATCH_EVENTS, &BATCH_EVENTS_BUCKETS),
        (names::BATCH_DURATION, &BATCH_BUCKETS),
        (names::BATCH_APPLY_DURATION, &BATCH_BUCKETS),
        (names::BATCH_COMMIT_DURATION, &BATCH_BUCKETS),
        (names::HTTP_DURATION, &HTTP_BUCKETS),
    ];
    let builder = PrometheusBuilder::new();
    buckets.iter().try_fold(builder, |builder, (name, buckets)| {
        builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)
    })
}

fn describe(metric: &Metric) {
    let Metric {
        name,
        kind,
        unit,
        help,
        ..
    } = *metric;
    match (kind, unit) {
        (Kind::Counter, _) => describe_counter!(name, help),
        (Kind::Gauge, None) => describe_gauge!(name, help),
        (Kind::Gauge, Some(unit)) => describe_gauge!(name, unit, help),
        (Kind::Histogram, None) => describe_histogram!(name, help),
        (Kind::Histogram, Some(unit)) => describe_histogram!(name, unit, help),
    }
}

/// Describes all metrics and starts those at 0 that count, as far as their labels are known beforehand. Histograms show with the
/// first that they measure.
fn register() {
    ALL.iter().for_each(describe);
    for metric in ALL {
        if metric.kind == Kind::Counter && metric.labels.is_empty() {
            counter!(metric.name).absolute(0);
        }
    }
    for dialect in Dialect::iter() {
        counter!(names::EVENTS_ACCEPTED, "dialect" => dialect.name()).absolute(0);
    }
    for source in Source::iter() {
        counter!(names::EVENTS_TAKEN, "source" => <&str>::from(source)).absolute(0);
    }
    for reason in Reason::iter() {
        counter!(names::EVENTS_REFUSED, "reason" => reason.code()).absolute(0);
    }
    for code in ["undecodable", "crash_loop", "missing_parent", "panic", "too_old"] {
        dead(code.to_owned(), 0);
    }
    for how in ["together", "alone"] {
        suspected(how, 0);
    }
    for cause in ["database", "deploy"] {
        counter!(names::WORKER_PAUSES, "cause" => cause).absolute(0);
    }
    for status in ["refused", "dead"] {
        counter!(names::REPLAYS_FAILED, "status" => status).absolute(0);
    }
}

/// What runs in this process, once at its start.
pub fn build_info(role: &'static str, version: &'static str) {
    gauge!(names::BUILD_INFO, "version" => version, "role" => role).set(1.0);
}

/// Whether the process can do its work.
pub fn ready(is_ready: bool) {
    gauge!(names::READY).set(f64::from(u8::from(is_ready)));
}

/// Where events were taken from to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Source {
    Broker,
    Spool,
    Bulk,
    /// Queued by `commissary import`.
    Import,
    /// Tried again: by an operator, or after others were in its way.
    Replay,
    /// What falls due by itself.
    Due,
    /// Queued for another reason, such as waiting for what may be under way.
    Queued,
    /// A request of the control plane that applies its event itself.
    Api,
}

/// Worker, api: events taken, from a [`Source`] or what is called so.
pub fn taken(source: impl Into<&'static str>, events: usize) {
    let (source, events) = (source.into(), u64::try_from(events).unwrap_or(u64::MAX));
    counter!(names::EVENTS_TAKEN, "source" => source).increment(events);
}

/// Both planes: a request, or a line of a batch, that became no event. `field` may be a name that the caller chose: only so many
/// are told apart.
pub fn rejected(dialect: &'static str, route: &str, reason: &'static str, field: &str) {
    let (route, field) = (route.to_owned(), labels::bounded(field));
    counter!(names::REQUESTS_REJECTED, "dialect" => dialect, "route" => route, "reason" => reason, "field" => field)
        .increment(1);
}

/// Ingest: a pixel whose signature was sent and is wrong.
pub fn wrong_pixel_signature() {
    counter!(names::WRONG_PIXEL_SIGNATURES).increment(1);
}

/// Ingest: an event that the broker confirmed or Postgres committed.
pub fn accepted(dialect: Dialect) {
    ACCEPTED.with(|handles| {
        if let Some((_, counter)) = handles.iter().find(|(of, _)| *of == dialect) {
            counter.increment(1);
        }
    });
}

thread_local! {
    /// A handle for each dialect, made by the first use, when the recorder is there: no label is made for an event.
    static ACCEPTED: Vec<(Dialect, Counter)> = Dialect::iter()
        .map(|dialect| (dialect, counter!(names::EVENTS_ACCEPTED, "dialect" => dialect.name())))
        .collect();
}

/// Worker: events that may have ended a process, applied `together` or `alone`.
pub fn suspected(how: &'static str, events: usize) {
    let events = u64::try_from(events).unwrap_or(u64::MAX);
    counter!(names::EVENTS_SUSPECTED, "applied" => how).increment(events);
}

/// Worker: a transaction of so many events was committed.
pub fn committed(events: usize, apply: Duration, commit: Duration) {
    histogram!(names::BATCH_EVENTS).record(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
    histogram!(names::BATCH_APPLY_DURATION).record(apply.as_secs_f64());
    histogram!(names::BATCH_COMMIT_DURATION).record(commit.as_secs_f64());
}

/// Worker: a batch was applied and answered.
pub fn batch(source: &'static str, took: Duration) {
    histogram!(names::BATCH_DURATION, "source" => source).record(took.as_secs_f64());
}

/// Worker: nothing can be applied for now, because of the `database` or of the `deploy`.
pub fn paused(cause: &'static str) {
    counter!(names::WORKER_PAUSES, "cause" => cause).increment(1);
}

/// Ingest and api: a handler panicked.
pub fn handler_panicked() {
    counter!(names::HANDLER_PANICS).increment(1);
}

/// A connection found no place: the `server`'s are taken, or all that a `client` may have.
pub fn connection_refused(why: &'static str) {
    counter!(names::CONNECTIONS_REFUSED, "by" => why).increment(1);
}

/// Ingest: the organisations with the most events under way, and how many each.
pub fn under_way_of_most_loaded(loads: &[(String, u32)]) {
    ranked::set(names::UNDER_WAY, loads);
}

/// Ingest: events that go to bulk.
pub fn to_bulk(events: u64) {
    counter!(names::TO_BULK).increment(events);
}

/// Every role: a task was started again so many times; 0 makes it known.
pub fn task_restarts(task: &str, restarts: u64) {
    counter!(names::TASK_RESTARTS, "task" => task.to_owned()).increment(restarts);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_there_from_the_start() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            register();
            let counted = Counted {
                applied: 3,
                ..Counted::default()
            };
            counted.count();
            taken(Source::Import, 2);
            committed(7, Duration::from_millis(4), Duration::from_millis(2));
        });
        let text = handle.render();
        for line in [
            "# TYPE commissary_events_accepted_total counter",
            "commissary_events_accepted_total{dialect=\"yaplet\"} 0",
            "commissary_events_refused_total{reason=\"duplicate_order\"} 0",
            "commissary_events_applied_total 3",
            "commissary_events_parked_total 0",
            "commissary_events_dead_total{code=\"undecodable\"} 0",
            "commissary_events_suspected_total{applied=\"alone\"} 0",
            "commissary_events_taken_total{source=\"import\"} 2",
            "commissary_http_handler_panics_total 0",
            "commissary_batch_events_bucket{le=\"10\"} 1",
            "commissary_batch_apply_duration_seconds_bucket{le=\"0.005\"} 1",
            "commissary_batch_commit_duration_seconds_bucket{le=\"0.0025\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn the_page_of_operators_lists_them() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
        let page = std::fs::read_to_string(page).unwrap();
        for metric in ALL {
            let Metric {
                name,
                kind,
                labels,
                help,
                ..
            } = metric;
            let line = format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "));
            assert!(
                page.lines().any(|found| found == line),
                "docs/OPERATIONS.md: {line}"
            );
        }
    }

    #[test]
    fn names_are_of_one_form() {
        for metric in ALL {
            let Metric { name, kind, .. } = *metric;
            assert!(name.starts_with("commissary_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert_eq!(
                name.ends_with("_seconds"),
                metric.unit == Some(metrics::Unit::Seconds),
                "{name}"
            );
            assert_eq!(ALL.iter().filter(|other| other.name == name).count(), 1, "{name}");
        }
    }
}
