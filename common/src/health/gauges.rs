//! What a look found, as gauges.

use chrono::{DateTime, TimeDelta, Utc};
use strum::IntoEnumIterator as _;

use super::{
    lag::{Lag, Place, is_alive},
    look::{Database, Queues},
};
use crate::telemetry::metrics::system;

/// The roles that are counted.
const ROLES: [&str; 4] = ["ingest", "worker", "api", "dev"];

pub(super) fn set(
    database: &Result<Database, String>,
    queues: Option<&Result<Queues, String>>,
    queue_since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) {
    system::looked("database", database.is_ok().then_some(now));
    if let Some(queues) = queues {
        system::looked("broker", queues.is_ok().then_some(now));
        of_queues(queues.as_ref().ok());
    }
    let database = database.as_ref().ok();
    match database {
        Some(database) => of_lag(&Lag::of(database, queue_since)),
        None => without_database(queue_since, now),
    }
    of_database(database, now);
}

fn of_queues(queues: Option<&Queues>) {
    let seen = |depth: crate::queue::amqp::QueueDepth| (depth.messages, depth.consumers);
    system::queue("events", queues.map(|queues| seen(queues.events)));
    system::queue("bulk", queues.map(|queues| seen(queues.bulk)));
    system::queue("undeliverable", queues.map(|queues| seen(queues.undeliverable)));
}

fn of_lag(lag: &Lag) {
    for place in Place::iter() {
        system::oldest_waiting(place.into(), Some(lag.at(place).as_seconds_f64()));
    }
    let most = lag.most().map_or(TimeDelta::zero(), |(_, waits)| waits);
    system::oldest_unapplied(Some(most.as_seconds_f64()));
}

/// Nothing is applied without the database, and what waits at the broker is still known. Of the rest nobody knows.
fn without_database(queue_since: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    for place in Place::iter().filter(|place| *place != Place::Broker) {
        system::oldest_waiting(place.into(), None);
    }
    let waits = queue_since.map(|since| (now - since).as_seconds_f64().max(0.0));
    system::oldest_waiting(Place::Broker.into(), waits);
    system::oldest_unapplied(waits);
}

fn of_database(database: Option<&Database>, now: DateTime<Utc>) {
    system::spool_envelopes("express", database.map(|found| found.spool.express));
    system::spool_envelopes("bulk", database.map(|found| found.spool.bulk));
    system::spool_envelopes("newer", database.map(|found| found.spool.newer));
    system::events_waiting("queued", database.map(|found| found.waiting.queued));
    system::events_waiting("parked", database.map(|found| found.waiting.parked));
    let failed = database.and_then(|found| found.failed.as_ref());
    system::events_failed("refused", failed.map(|failed| failed.refused));
    system::events_failed("dead", failed.map(|failed| failed.dead));
    let connections = database.map(|found| (found.connections.used, found.connections.most));
    system::database_connections(connections);
    system::clock_skew(database.map(|found| (found.now() - now).as_seconds_f64()));
    let parked = database.map(|found| {
        let since = found.waiting.parked_since;
        since.map_or(0.0, |since| (found.now() - since).as_seconds_f64().max(0.0))
    });
    system::oldest_waiting("parked", parked);
    for role in ROLES {
        let alive = database.map(|found| {
            let of_role = found.processes.iter().filter(|said| said.role == role);
            of_role.filter(|said| is_alive(said, found.now())).count()
        });
        system::processes_alive(role, alive);
    }
    let worker = database.and_then(|found| {
        let mut workers = found.processes.iter().filter(|said| said.applies());
        workers
            .next()
            .map(|said| (found.now() - said.seen_at).as_seconds_f64().max(0.0))
    });
    system::worker_seen(worker);
    database.map_or_else(system::orgs_unknown, of_orgs);
}

fn of_orgs(found: &Database) {
    let named = |org: &Option<String>| org.clone().unwrap_or_else(|| "unknown".to_owned());
    let lags = found.orgs.iter().map(|lag| {
        let seconds = (found.now() - lag.since).num_seconds().max(0);
        (named(&lag.org), u32::try_from(seconds).unwrap_or(u32::MAX))
    });
    system::orgs_oldest(&lags.collect::<Vec<_>>());
    let loads = found.bulk.iter().map(|load| {
        (
            named(&load.org),
            u32::try_from(load.envelopes).unwrap_or(u32::MAX),
        )
    });
    system::bulk_of_most_loaded(&loads.collect::<Vec<_>>());
}
