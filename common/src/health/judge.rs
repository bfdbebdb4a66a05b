//! What of all this is wrong, in a sentence that says what to do.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    check::Check,
    lag::{Lag, Place, is_alive},
    look::Database,
};
use crate::{
    db::{
        backlog::{Connections, Failed},
        doctor::Lately,
        heartbeats::Heartbeat,
    },
    queue::amqp::QueueDepth,
};

/// An event that has waited for longer is late.
pub const MAX_LAG: TimeDelta = TimeDelta::seconds(30);
/// Clocks further apart than this confuse receipts and reports.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(5);
/// Refusals in a quarter of an hour that are looked at at all.
pub const REFUSALS: i64 = 20;
/// They grow when there are so many times those of the quarter before.
const GROWTH: i64 = 3;
/// Free connections of the database, in hundredths of all, below which they are short.
pub const FEW_CONNECTIONS: i64 = 10;
/// Processes that are named.
const NAMED: usize = 4;

/// Everything that the database tells. `now`: by the clock of whoever looks.
pub fn judge(
    found: &Database,
    lately: Option<&Lately>,
    queue_since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let mut checks = vec![workers(found), others(found), clock(found, now)];
    let lag = Lag::of(found, queue_since);
    checks.extend([
        lag_of(&lag),
        spool(found, &lag),
        waiting(found),
        replays(found.failed.as_ref()),
    ]);
    if let Some(lately) = lately {
        checks.extend([dead(found, lately), refusals(found, lately), partitions(lately)]);
    }
    checks.push(connections(found.connections));
    checks
}

/// One of the broker's queues.
pub fn judge_queue(name: &str, depth: QueueDepth) -> Check {
    let said = format!(
        "{name}: {} messages, {} consumers",
        depth.messages, depth.consumers
    );
    match depth.consumers {
        0 => Check::wrong(
            "queue",
            format!(
                "{said}. No worker takes from it: start `commissary worker` with this AMQP_URL, or see its log"
            ),
        ),
        _ => Check::well("queue", said),
    }
}

fn workers(found: &Database) -> Check {
    let now = found.now();
    let all: Vec<&Heartbeat> = found.processes.iter().filter(|said| said.applies()).collect();
    let (alive, gone): (Vec<_>, Vec<_>) = all.into_iter().partition(|said| is_alive(said, now));
    if alive.is_empty() {
        let last = gone.first().map_or_else(
            || "None has been seen in the last day".to_owned(),
            |said| format!("The last was {}, {} ago", named(said), long(now - said.seen_at)),
        );
        return Check::wrong(
            "workers",
            format!(
                "no worker lives: what is accepted waits, and nothing is lost. {last}. Start `commissary worker`"
            ),
        );
    }
    let troubled = alive.iter().find_map(|said| Some((said, said.trouble.as_ref()?)));
    if let Some((said, trouble)) = troubled {
        return Check::wrong(
            "workers",
            format!("{} cannot work: {trouble}. Its log says more", named(said)),
        );
    }
    let mut sentence = format!("{} live: ", counted(alive.len(), "worker"));
    let names: Vec<String> = alive.iter().take(NAMED).map(|said| named(said)).collect();
    sentence.push_str(&names.join(", "));
    if alive.len() > NAMED {
        // Writing to a text cannot fail.
        write!(sentence, " and {} more", alive.len() - NAMED).unwrap_or_default();
    }
    if let Some(said) = gone.first() {
        let ago = long(now - said.seen_at);
        write!(sentence, "; {} ended without a word {ago} ago", named(said)).unwrap_or_default();
    }
    Check::well("workers", sentence)
}

/// Those that accept and answer.
fn others(found: &Database) -> Check {
    let alive = || found.processes.iter().filter(|said| is_alive(said, found.now()));
    let troubled = alive().find_map(|said| Some((said, said.trouble.as_ref().filter(|_| !said.applies())?)));
    if let Some((said, trouble)) = troubled {
        return Check::wrong(
            "processes",
            format!("the {} of {}: {trouble}", said.role, named(said)),
        );
    }
    let of_role = |role: &str| alive().filter(|said| said.role == role).count();
    let sentence = match of_role("dev") {
        0 => format!(
            "{} of ingest and {} of api live",
            of_role("ingest"),
            of_role("api")
        ),
        _ => "`commissary dev` is all of them".to_owned(),
    };
    Check::well("processes", sentence)
}

fn named(said: &Heartbeat) -> String {
    format!("process {} on {} (version {})", said.pid, said.host, said.version)
}

fn clock(found: &Database, now: DateTime<Utc>) -> Check {
    let skew = (found.now() - now).abs();
    let other = found.processes.iter().filter(|said| is_alive(said, found.now()));
    let worst = other.max_by_key(|said| (said.seen_at - said.clock_at).abs());
    if skew > CLOCK_SKEW {
        return Check::wrong(
            "clock",
            format!(
                "{} s apart from the database's; {} s are tolerated. Let NTP set both",
                skew.num_seconds(),
                CLOCK_SKEW.num_seconds()
            ),
        );
    }
    match worst.filter(|said| (said.seen_at - said.clock_at).abs() > CLOCK_SKEW) {
        Some(said) => Check::wrong(
            "clock",
            format!(
                "that of the {} of {} is {} s apart from the database's; {} s are tolerated. Let NTP set it",
                said.role,
                named(said),
                (said.seen_at - said.clock_at).abs().num_seconds(),
                CLOCK_SKEW.num_seconds()
            ),
        ),
        None => Check::well(
            "clock",
            format!(
                "{} s apart from the database's; {} s are tolerated",
                skew.num_seconds(),
                CLOCK_SKEW.num_seconds()
            ),
        ),
    }
}

fn lag_of(lag: &Lag) -> Check {
    let Some((place, waits)) = lag.most() else {
        return Check::well("lag", "no event waits to be applied".to_owned());
    };
    let sentence = format!("the oldest event waits for {} {}", long(waits), at(place));
    if waits <= MAX_LAG {
        return Check::well("lag", sentence);
    }
    let way_out = match place {
        Place::Worker => "Its log says why, or a statement of the database is stuck: see pg_stat_activity",
        Place::Broker | Place::Spool => "See the check of workers; when they live, start another one",
        Place::Bulk => "Nothing is wrong with what is not bulk; another worker shortens it",
        Place::Queued => "See `commissary events list --status queued`, and the log of the workers",
    };
    Check::wrong(
        "lag",
        format!(
            "{sentence}; {} s are usual at most. {way_out}",
            MAX_LAG.num_seconds()
        ),
    )
}

fn at(place: Place) -> &'static str {
    match place {
        Place::Broker => "at the broker",
        Place::Worker => "in a batch that a worker applies",
        Place::Spool => "in the spool",
        Place::Bulk => "in bulk, where organisations take turns",
        Place::Queued => "in its row (an import, a replay, or what falls due)",
    }
}

fn spool(found: &Database, lag: &Lag) -> Check {
    let spool = &found.spool;
    let said = format!("{} envelopes wait, and {} in bulk", spool.express, spool.bulk);
    let waits = lag.at(Place::Spool).max(lag.at(Place::Bulk));
    if waits > MAX_LAG {
        return Check::wrong(
            "spool",
            format!(
                "{said}; the oldest for {}: it does not drain. Are there workers, and can they use the database?",
                long(waits)
            ),
        );
    }
    Check::well("spool", said)
}

fn waiting(found: &Database) -> Check {
    let waiting = &found.waiting;
    let since = waiting.parked_since.map(|since| long(found.now() - since));
    let parked = since.map_or_else(String::new, |since| {
        format!(", the oldest for {since} (24 h at most)")
    });
    Check::well(
        "events",
        format!("{} queued, {} parked{parked}", waiting.queued, waiting.parked),
    )
}

fn replays(failed: Option<&Failed>) -> Check {
    let Some(failed) = failed else {
        return Check::wrong(
            "replays",
            "so much has failed that it could not be counted in time: see `commissary dlq groups --from 1h`"
                .to_owned(),
        );
    };
    match failed.again {
        0 => Check::well("replays", "nothing that was replayed has failed again".to_owned()),
        again => Check::wrong(
            "replays",
            format!(
                "{} failed again after a replay or a retry. See `commissary dlq groups --again`; mend the cause and replay, or discard them",
                counted_i64(again, "event")
            ),
        ),
    }
}

fn dead(found: &Database, lately: &Lately) -> Check {
    let all = found
        .failed
        .as_ref()
        .map_or_else(|| "many".to_owned(), |failed| failed.dead.to_string());
    match lately.dead {
        0 => Check::well(
            "dead letters",
            format!("{all} are dead, none of them new in the last quarter of an hour"),
        ),
        new => Check::wrong(
            "dead letters",
            format!(
                "{} died in the last quarter of an hour, {all} are dead. See `commissary dlq groups`",
                counted_i64(new, "event")
            ),
        ),
    }
}

/// Some are refused all the time: the merchants' mistakes. That there are suddenly many more is somebody's fault.
fn refusals(found: &Database, lately: &Lately) -> Check {
    let said = format!(
        "{} refused in the last quarter of an hour, {} in the one before, {} in all",
        lately.refused,
        lately.refused_before,
        found
            .failed
            .as_ref()
            .map_or_else(|| "many".to_owned(), |failed| failed.refused.to_string())
    );
    if lately.refused >= REFUSALS && lately.refused >= lately.refused_before.saturating_mul(GROWTH) {
        return Check::wrong(
            "refusals",
            format!(
                "{said}: they grow. `commissary dlq groups --from 15m` says why; mend the cause, then replay them"
            ),
        );
    }
    Check::well("refusals", said)
}

fn partitions(lately: &Lately) -> Check {
    match lately.missing_days.as_slice() {
        [] => Check::well(
            "partitions",
            "events of today, tomorrow and the day after have their partitions".to_owned(),
        ),
        missing => Check::wrong(
            "partitions",
            format!(
                "there is none for {}: events go to the default partition, and are slow there. Workers make them, as does `commissary migrate`",
                missing.join(", ")
            ),
        ),
    }
}

fn connections(found: Connections) -> Check {
    let free = (found.most - found.used).max(0);
    let said = format!("{} of the database's {} are taken", found.used, found.most);
    if free * 100 < found.most * FEW_CONNECTIONS {
        return Check::wrong(
            "connections",
            format!(
                "{said}: they are short. Raise max_connections, or let fewer processes run; pg_stat_activity says whose they are"
            ),
        );
    }
    Check::well("connections", said)
}

/// How long, in the largest unit that says enough.
pub(super) fn long(time: TimeDelta) -> String {
    match time.num_seconds().max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn counted(count: usize, what: &str) -> String {
    counted_i64(i64::try_from(count).unwrap_or(i64::MAX), what)
}

fn counted_i64(count: i64, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
