//! The names of all metrics, their labels and what they say: here and nowhere else. docs/OPERATIONS.md lists them, and a test holds it.
//!
//! Labels come from closed sets, or are bounded; no key, order or partner is ever one.

use metrics::Unit;

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub unit: Option<Unit>,
    pub help: &'static str,
}

pub const BUILD_INFO: &str = "commissary_build_info";
pub const READY: &str = "commissary_ready";
pub const TASK_RESTARTS: &str = "commissary_task_restarts_total";

pub const HTTP_REQUESTS: &str = "commissary_http_requests_total";
pub const HTTP_DURATION: &str = "commissary_http_request_duration_seconds";
pub const HANDLER_PANICS: &str = "commissary_http_handler_panics_total";
pub const CONNECTIONS_REFUSED: &str = "commissary_http_connections_refused_total";
pub const REQUESTS_REJECTED: &str = "commissary_requests_rejected_total";
pub const WRONG_PIXEL_SIGNATURES: &str = "commissary_pixel_signatures_wrong_total";

pub const EVENTS_ACCEPTED: &str = "commissary_events_accepted_total";
pub const EVENTS_TAKEN: &str = "commissary_events_taken_total";
pub const EVENTS_APPLIED: &str = "commissary_events_applied_total";
pub const EVENTS_REFUSED: &str = "commissary_events_refused_total";
pub const EVENTS_PARKED: &str = "commissary_events_parked_total";
pub const EVENTS_DEAD: &str = "commissary_events_dead_total";
pub const EVENTS_SUSPECTED: &str = "commissary_events_suspected_total";
pub const REPLAYS_FAILED: &str = "commissary_replays_failed_total";
pub const TO_BULK: &str = "commissary_events_to_bulk_total";

pub const BATCH_EVENTS: &str = "commissary_batch_events";
pub const BATCH_DURATION: &str = "commissary_batch_duration_seconds";
pub const BATCH_APPLY_DURATION: &str = "commissary_batch_apply_duration_seconds";
pub const BATCH_COMMIT_DURATION: &str = "commissary_batch_commit_duration_seconds";
pub const WORKER_PAUSES: &str = "commissary_worker_pauses_total";

pub const LOOKS: &str = "commissary_look_succeeded";
pub const LOOK_TIME: &str = "commissary_look_timestamp_seconds";
pub const OLDEST_UNAPPLIED: &str = "commissary_oldest_unapplied_event_seconds";
pub const OLDEST_WAITING: &str = "commissary_oldest_waiting_seconds";
pub const ORG_OLDEST: &str = "commissary_org_oldest_unapplied_event_seconds";
pub const EVENTS_WAITING: &str = "commissary_events_waiting";
pub const EVENTS_FAILED: &str = "commissary_events_failed";
pub const SPOOL_ENVELOPES: &str = "commissary_spool_envelopes";
pub const BULK_ENVELOPES: &str = "commissary_bulk_envelopes_of_most_loaded";
pub const UNDER_WAY: &str = "commissary_events_under_way_of_most_loaded";
pub const QUEUE_MESSAGES: &str = "commissary_queue_messages";
pub const QUEUE_CONSUMERS: &str = "commissary_queue_consumers";
pub const PROCESSES_ALIVE: &str = "commissary_processes_alive";
pub const WORKER_SEEN: &str = "commissary_worker_last_seen_seconds";
pub const DATABASE_CONNECTIONS: &str = "commissary_database_connections";
pub const DATABASE_CONNECTIONS_MAX: &str = "commissary_database_connections_max";
pub const CLOCK_SKEW: &str = "commissary_database_clock_skew_seconds";

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    let (kind, unit) = (Kind::Counter, None);
    Metric {
        name,
        kind,
        labels,
        unit,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    let (kind, unit) = (Kind::Gauge, None);
    Metric {
        name,
        kind,
        labels,
        unit,
        help,
    }
}

const fn seconds(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        unit: Some(Unit::Seconds),
        help,
    }
}

/// Every metric of ours. Those of the process (`process_…`) have the names that all exporters give them.
pub const ALL: &[Metric] = &[
    gauge(BUILD_INFO, &["version", "role"], "1, with what runs here"),
    gauge(
        READY,
        &[],
        "Whether this process can do its work: 1, or 0 with the reason in /readyz",
    ),
    counter(
        TASK_RESTARTS,
        &["task"],
        "Tasks of this process that were started again after a panic or an unexpected end, by name",
    ),
    counter(
        HTTP_REQUESTS,
        &["method", "route", "status"],
        "HTTP requests answered, by route and status",
    ),
    seconds(
        Kind::Histogram,
        HTTP_DURATION,
        &["method", "route"],
        "Time from the head of a request to its answer, the wait for the outcome included",
    ),
    counter(
        HANDLER_PANICS,
        &[],
        "HTTP requests that ended in a panic, each a bug",
    ),
    counter(
        CONNECTIONS_REFUSED,
        &["by"],
        "Connections that found no place, by what was full",
    ),
    counter(
        REQUESTS_REJECTED,
        &["dialect", "route", "reason", "field"],
        "Requests that became no event, by wire format, call, reason and field",
    ),
    counter(
        WRONG_PIXEL_SIGNATURES,
        &[],
        "Pixels with a signature that is not theirs: their conversions wait for approval",
    ),
    counter(
        EVENTS_ACCEPTED,
        &["dialect"],
        "Events durably accepted over HTTP, by the wire format they came in",
    ),
    counter(
        EVENTS_TAKEN,
        &["source"],
        "Events taken to be applied, by where from",
    ),
    counter(
        EVENTS_APPLIED,
        &[],
        "Events that took effect, by whatever way they came",
    ),
    counter(EVENTS_REFUSED, &["reason"], "Events refused, by reason"),
    counter(
        EVENTS_PARKED,
        &[],
        "Events that wait for the event they depend on",
    ),
    counter(
        EVENTS_DEAD,
        &["code"],
        "Events that could not be applied, by code",
    ),
    counter(
        EVENTS_SUSPECTED,
        &["applied"],
        "Events applied with care since a process ended in the middle of their batch, together or alone",
    ),
    counter(
        REPLAYS_FAILED,
        &["status"],
        "Events that were tried again, by an operator or by themselves, and were refused or died again",
    ),
    counter(
        TO_BULK,
        &[],
        "Events that exceeded their organisation's share, or came in batches, and wait in bulk",
    ),
    Metric {
        name: BATCH_EVENTS,
        kind: Kind::Histogram,
        labels: &[],
        unit: None,
        help: "Events in a transaction of a worker",
    },
    seconds(
        Kind::Histogram,
        BATCH_DURATION,
        &["source"],
        "Time from taking a batch to its being applied and answered, by where it came from",
    ),
    seconds(
        Kind::Histogram,
        BATCH_APPLY_DURATION,
        &[],
        "Time from the begin of a transaction to its commit's being asked for",
    ),
    seconds(Kind::Histogram, BATCH_COMMIT_DURATION, &[], "Time of a commit"),
    counter(
        WORKER_PAUSES,
        &["cause"],
        "Times that nothing could be applied and events waited: the database, or a schema that does not fit",
    ),
    gauge(
        LOOKS,
        &["at"],
        "Whether the last look at the database or the broker succeeded; where it is 0 the gauges below that come from there are NaN",
    ),
    seconds(
        Kind::Gauge,
        LOOK_TIME,
        &["at"],
        "When the last look that succeeded was made, since 1970",
    ),
    seconds(
        Kind::Gauge,
        OLDEST_UNAPPLIED,
        &[],
        "Age of the oldest event that waits to be applied, wherever it is, 0 when none does: the lag of the whole system",
    ),
    seconds(
        Kind::Gauge,
        OLDEST_WAITING,
        &["place"],
        "The same by where it waits; parked events, which wait for another, are not in the lag",
    ),
    seconds(
        Kind::Gauge,
        ORG_OLDEST,
        &["org"],
        "The same in bulk and among queued events, of the few organisations that wait longest",
    ),
    gauge(
        EVENTS_WAITING,
        &["status"],
        "Events that have a row and wait: queued (imports, replays, what falls due), or parked",
    ),
    gauge(
        EVENTS_FAILED,
        &["status"],
        "Events that are refused or dead now, without those that only repeat an earlier one",
    ),
    gauge(
        SPOOL_ENVELOPES,
        &["lane"],
        "Envelopes in the Postgres spool: express, bulk, or waiting for newer workers",
    ),
    gauge(
        BULK_ENVELOPES,
        &["org"],
        "Envelopes in the bulk of the spool, of the few organisations that have the most",
    ),
    gauge(
        UNDER_WAY,
        &["org"],
        "Events that this process took and that are not answered, of the few organisations that have the most",
    ),
    gauge(
        QUEUE_MESSAGES,
        &["queue"],
        "Messages ready in the broker's queues",
    ),
    gauge(QUEUE_CONSUMERS, &["queue"], "Consumers of the broker's queues"),
    gauge(
        PROCESSES_ALIVE,
        &["role"],
        "Processes that said lately that they live, by role",
    ),
    seconds(
        Kind::Gauge,
        WORKER_SEEN,
        &[],
        "Time since any worker said that it lives; NaN: none is known",
    ),
    gauge(
        DATABASE_CONNECTIONS,
        &[],
        "Clients that are connected to the database server",
    ),
    gauge(
        DATABASE_CONNECTIONS_MAX,
        &[],
        "Clients that it takes, without those reserved for superusers",
    ),
    seconds(
        Kind::Gauge,
        CLOCK_SKEW,
        &[],
        "How far the database's clock is ahead of this process's",
    ),
];
