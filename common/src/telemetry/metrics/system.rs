//! Gauges of the whole installation, as the last look found it. What a look did not find is not a number (NaN): nobody is told an old
//! value as if it were new.

use chrono::{DateTime, Utc};
use metrics::gauge;

use super::names;
use crate::telemetry::ranked;

/// A look at the `database` or the `broker` was made `at` this time; `None`: it failed.
pub fn looked(what: &'static str, at: Option<DateTime<Utc>>) {
    gauge!(names::LOOKS, "at" => what).set(f64::from(u8::from(at.is_some())));
    if let Some(at) = at {
        gauge!(names::LOOK_TIME, "at" => what).set(whole(at.timestamp()));
    }
}

/// The lag of the whole system, in seconds.
pub fn oldest_unapplied(seconds: Option<f64>) {
    gauge!(names::OLDEST_UNAPPLIED).set(or_unknown(seconds));
}

/// How long the oldest has waited in this place, in seconds.
pub fn oldest_waiting(place: &'static str, seconds: Option<f64>) {
    gauge!(names::OLDEST_WAITING, "place" => place).set(or_unknown(seconds));
}

/// The organisations that wait longest, and for how many seconds.
pub fn orgs_oldest(lags: &[(String, u32)]) {
    ranked::set(names::ORG_OLDEST, lags);
}

/// Nobody knows of any organisation.
pub fn orgs_unknown() {
    ranked::unknown(names::ORG_OLDEST);
    ranked::unknown(names::BULK_ENVELOPES);
}

pub fn events_waiting(status: &'static str, events: Option<i64>) {
    gauge!(names::EVENTS_WAITING, "status" => status).set(or_unknown(events.map(whole)));
}

pub fn events_failed(status: &'static str, events: Option<i64>) {
    gauge!(names::EVENTS_FAILED, "status" => status).set(or_unknown(events.map(whole)));
}

pub fn spool_envelopes(lane: &'static str, envelopes: Option<i64>) {
    gauge!(names::SPOOL_ENVELOPES, "lane" => lane).set(or_unknown(envelopes.map(whole)));
}

/// The organisations with the most bulk, and how many envelopes each.
pub fn bulk_of_most_loaded(loads: &[(String, u32)]) {
    ranked::set(names::BULK_ENVELOPES, loads);
}

/// A queue of the broker: messages that are ready, and consumers.
pub fn queue(queue: &'static str, seen: Option<(u32, u32)>) {
    let (messages, consumers) = seen.unzip();
    gauge!(names::QUEUE_MESSAGES, "queue" => queue).set(or_unknown(messages.map(f64::from)));
    gauge!(names::QUEUE_CONSUMERS, "queue" => queue).set(or_unknown(consumers.map(f64::from)));
}

pub fn processes_alive(role: &'static str, processes: Option<usize>) {
    let processes = processes.map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    gauge!(names::PROCESSES_ALIVE, "role" => role).set(or_unknown(processes));
}

/// Seconds since a worker said that it lives.
pub fn worker_seen(seconds: Option<f64>) {
    gauge!(names::WORKER_SEEN).set(or_unknown(seconds));
}

/// Clients of the database server: those that are there, and the most that it takes.
pub fn database_connections(seen: Option<(i64, i64)>) {
    let (used, most) = seen.unzip();
    gauge!(names::DATABASE_CONNECTIONS).set(or_unknown(used.map(whole)));
    gauge!(names::DATABASE_CONNECTIONS_MAX).set(or_unknown(most.map(whole)));
}

/// How many seconds the database's clock is ahead.
pub fn clock_skew(seconds: Option<f64>) {
    gauge!(names::CLOCK_SKEW).set(or_unknown(seconds));
}

fn or_unknown(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

/// Exact up to 2^53, which no count of ours reaches.
#[expect(clippy::cast_precision_loss, reason = "no count of ours reaches 2^53")]
fn whole(value: i64) -> f64 {
    value as f64
}
