//! The metrics of all roles: their names, and the one way to change each. Counted by batch, never by request.
//!
//! Labels come from closed sets; no key, order or partner is ever one, and of organisations only the few that are most loaded.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use strum::IntoEnumIterator as _;

use super::{labels, ranked};
use crate::domain::{Dialect, Reason};

pub const REQUESTS_REJECTED: &str = "commissary_requests_rejected_total";
pub const WRONG_PIXEL_SIGNATURES: &str = "commissary_pixel_signatures_wrong_total";
pub const EVENTS_ACCEPTED: &str = "events_accepted_total";
pub const EVENTS_APPLIED: &str = "events_applied_total";
pub const EVENTS_REFUSED: &str = "events_refused_total";
pub const EVENTS_PARKED: &str = "events_parked_total";
pub const EVENTS_DEAD: &str = "events_dead_total";
pub const EVENTS_SUSPECTED: &str = "events_suspected_total";
pub const BATCH_EVENTS: &str = "batch_events";
pub const BATCH_APPLY_DURATION: &str = "batch_apply_duration_seconds";
pub const SPOOL_ENVELOPES: &str = "spool_envelopes";
pub const BULK_ENVELOPES: &str = "bulk_envelopes_of_most_loaded";
pub const UNDER_WAY: &str = "events_under_way_of_most_loaded";
pub const TO_BULK: &str = "events_to_bulk_total";
pub const HANDLER_PANICS: &str = "http_handler_panics_total";
pub const CONNECTIONS_REFUSED: &str = "http_connections_refused_total";
pub const OLDEST_UNAPPLIED: &str = "oldest_unapplied_event_seconds";
pub const TASK_RESTARTS: &str = "task_restarts_total";

const BATCH_EVENTS_BUCKETS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0];
const BATCH_APPLY_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Observations wait in memory until they are summed up.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The recorder of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
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
        Ok(Self { handle })
    }

    /// The Prometheus text of now.
    pub fn render(&self) -> String {
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
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(BATCH_EVENTS.to_owned()), &BATCH_EVENTS_BUCKETS)?
        .set_buckets_for_metric(
            Matcher::Full(BATCH_APPLY_DURATION.to_owned()),
            &BATCH_APPLY_BUCKETS,
        )
}

/// Describes all metrics and starts those at 0 that count. Histograms show with their first batch.
fn register() {
    describe_counter!(
        REQUESTS_REJECTED,
        "Requests that became no event, by wire format, call, reason and field"
    );
    describe_counter!(
        WRONG_PIXEL_SIGNATURES,
        "Pixels with a signature that is not theirs: their conversions wait for approval"
    );
    counter!(WRONG_PIXEL_SIGNATURES).absolute(0);
    describe_counter!(
        EVENTS_ACCEPTED,
        "Events durably accepted, by the wire format they came in"
    );
    describe_counter!(EVENTS_APPLIED, "Events that took effect");
    describe_counter!(EVENTS_REFUSED, "Events refused, by reason");
    describe_counter!(EVENTS_PARKED, "Events that wait for the event they depend on");
    describe_counter!(EVENTS_DEAD, "Events that could not be applied, by code");
    describe_counter!(
        EVENTS_SUSPECTED,
        "Events applied with care since a process ended in the middle of their batch, together or alone"
    );
    describe_histogram!(BATCH_EVENTS, "Events in a batch of a worker");
    describe_histogram!(
        BATCH_APPLY_DURATION,
        Unit::Seconds,
        "Time from taking a batch to its commit"
    );
    describe_gauge!(SPOOL_ENVELOPES, "Envelopes in the Postgres spool");
    describe_gauge!(
        BULK_ENVELOPES,
        "Envelopes in the bulk of the spool, of the few organisations that have the most"
    );
    describe_gauge!(
        UNDER_WAY,
        "Events that this process took and that are not answered, of the few organisations that have the most"
    );
    describe_counter!(
        TO_BULK,
        "Events that exceeded their organisation's share, or came in batches, and wait in bulk"
    );
    counter!(TO_BULK).absolute(0);
    describe_gauge!(
        OLDEST_UNAPPLIED,
        Unit::Seconds,
        "Age of the oldest event that waits to be applied, 0 when none does"
    );
    describe_counter!(HANDLER_PANICS, "HTTP requests that ended in a panic, each a bug");
    counter!(HANDLER_PANICS).absolute(0);
    describe_counter!(
        CONNECTIONS_REFUSED,
        "Connections that found no place, by what was full"
    );
    describe_counter!(
        TASK_RESTARTS,
        "Tasks of this process that were started again after a panic or an unexpected end, by name"
    );
    for dialect in Dialect::iter() {
        accepted(dialect, 0);
    }
    for reason in Reason::iter() {
        refused(reason, 0);
    }
    applied(0);
    parked(0);
    for code in ["undecodable", "crash_loop", "missing_parent", "panic"] {
        dead(code.to_owned(), 0);
    }
    for how in ["together", "alone"] {
        suspected(how, 0);
    }
    spool_envelopes(0);
    oldest_unapplied(Duration::ZERO);
}

/// Both planes: a request, or a line of a batch, that became no event. `field` may be a name that the caller chose: only so many
/// are told apart.
pub fn rejected(dialect: &'static str, route: &str, reason: &'static str, field: &str) {
    let (route, field) = (route.to_owned(), labels::bounded(field));
    counter!(REQUESTS_REJECTED, "dialect" => dialect, "route" => route, "reason" => reason, "field" => field)
        .increment(1);
}

/// Ingest: a pixel whose signature was sent and is wrong.
pub fn wrong_pixel_signature() {
    counter!(WRONG_PIXEL_SIGNATURES).increment(1);
}

/// Ingest: events that the broker confirmed or Postgres committed.
pub fn accepted(dialect: Dialect, events: u64) {
    counter!(EVENTS_ACCEPTED, "dialect" => dialect.name()).increment(events);
}

/// Worker: events that took effect, after the commit.
pub fn applied(events: u64) {
    counter!(EVENTS_APPLIED).increment(events);
}

/// Worker: events refused.
pub fn refused(reason: Reason, events: u64) {
    counter!(EVENTS_REFUSED, "reason" => reason.code()).increment(events);
}

/// Worker: events parked.
pub fn parked(events: u64) {
    counter!(EVENTS_PARKED).increment(events);
}

/// Worker: dead events, by one of our codes.
pub fn dead(code: String, events: u64) {
    counter!(EVENTS_DEAD, "code" => code).increment(events);
}

/// Worker: events that may have ended a process, applied `together` or `alone`.
pub fn suspected(how: &'static str, events: usize) {
    let events = u64::try_from(events).unwrap_or(u64::MAX);
    counter!(EVENTS_SUSPECTED, "applied" => how).increment(events);
}

/// Worker: a batch was committed.
pub fn batch(events: usize, took: Duration) {
    histogram!(BATCH_EVENTS).record(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
    histogram!(BATCH_APPLY_DURATION).record(took.as_secs_f64());
}

/// Ingest and api: a handler panicked.
pub fn handler_panicked() {
    counter!(HANDLER_PANICS).increment(1);
}

/// A connection found no place: the `server`'s are taken, or all that a `client` may have.
pub fn connection_refused(why: &'static str) {
    counter!(CONNECTIONS_REFUSED, "by" => why).increment(1);
}

/// Envelopes in the spool, as last seen.
pub fn spool_envelopes(envelopes: u32) {
    gauge!(SPOOL_ENVELOPES).set(f64::from(envelopes));
}

/// Worker: the organisations with the most bulk, and how many envelopes each.
pub fn bulk_of_most_loaded(loads: &[(String, u32)]) {
    ranked::set(BULK_ENVELOPES, loads);
}

/// Ingest: the organisations with the most events under way, and how many each.
pub fn under_way_of_most_loaded(loads: &[(String, u32)]) {
    ranked::set(UNDER_WAY, loads);
}

/// Ingest: events that go to bulk.
pub fn to_bulk(events: u64) {
    counter!(TO_BULK).increment(events);
}

/// Age of the oldest event that waits, as last seen.
pub fn oldest_unapplied(age: Duration) {
    gauge!(OLDEST_UNAPPLIED).set(age.as_secs_f64());
}

/// Every role: a task was started again so many times; 0 makes it known.
pub fn task_restarts(task: &str, restarts: u64) {
    counter!(TASK_RESTARTS, "task" => task.to_owned()).increment(restarts);
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
            applied(3);
            batch(7, Duration::from_millis(4));
        });
        let text = handle.render();
        for line in [
            "# TYPE events_accepted_total counter",
            "events_accepted_total{dialect=\"yaplet\"} 0",
            "events_refused_total{reason=\"duplicate_order\"} 0",
            "events_applied_total 3",
            "events_parked_total 0",
            "events_dead_total{code=\"undecodable\"} 0",
            "events_suspected_total{applied=\"alone\"} 0",
            "spool_envelopes 0",
            "http_handler_panics_total 0",
            "oldest_unapplied_event_seconds 0",
            "batch_events_bucket{le=\"10\"} 1",
            "batch_apply_duration_seconds_bucket{le=\"0.005\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
