//! Failures by what they have in common: five thousand refused orders are one thing to mend.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{filter::Filter, fingerprint::fingerprint, list::EVENTS};
use crate::{
    db::{Connection, DbError},
    domain::EventStatus,
};

/// Events that are looked at for groups, the latest ones; of more the totals are still told.
pub const MAX_GROUPED: u32 = 100_000;
/// Parts of the time from the first failure to the last.
pub const PARTS: usize = 16;
/// A part is no shorter.
const SHORTEST_PART: TimeDelta = TimeDelta::seconds(1);

/// Events that failed alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Eight characters that stand for the fingerprint: `--fingerprint` takes them.
    pub id: String,
    /// The code, and what it is about.
    pub fingerprint: String,
    pub status: EventStatus,
    /// The reason of a refusal, or the code of a dead event.
    pub code: String,
    /// The sentence of the sample.
    pub detail: Option<String>,
    pub events: u64,
    /// Of these, those that were tried more than once.
    pub again: u64,
    /// When the first of them failed for the first time, where that is known, or came; and when the last one failed.
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// Whose they are, the most first; `None`: nobody knows.
    pub orgs: Vec<OfOrg>,
    /// The latest of them.
    pub sample: Uuid,
    /// How many failed in each part of the time from [`Groups::from`] to [`Groups::to`].
    pub parts: Vec<u64>,
}

/// How many of a group are an organisation's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfOrg {
    pub org: Option<String>,
    pub events: u64,
}

/// All that matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub refused: u64,
    pub dead: u64,
    /// Of both, those that were tried more than once.
    pub again: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Groups {
    pub totals: Totals,
    /// The groups tell of the latest so many only.
    pub grouped: u64,
    /// The earliest and the latest of the last failures of all events.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// The latest first.
    pub groups: Vec<Group>,
}

/// One event, as far as its group is concerned.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Member {
    event_id: Uuid,
    org: Option<String>,
    status: EventStatus,
    reason: String,
    detail: Option<String>,
    fingerprint: String,
    attempt: i32,
    first: DateTime<Utc>,
    at: DateTime<Utc>,
}

const MEMBER: &str = concat!(
    "SELECT e.event_id, o.slug AS org, e.status, e.reason, e.attempt,
     CASE e.status WHEN 'refused' THEN e.outcome -> 'refused' ->> 'detail' ELSE f.detail END AS detail, ",
    fingerprint!(),
    " AS fingerprint, COALESCE(f.first_at, e.received_at) AS first, COALESCE(f.last_at, e.applied_at, e.received_at) AS at FROM "
);

/// How many match, whatever their number.
///
/// # Errors
/// When the database does not answer.
pub async fn totals(conn: &mut Connection, filter: &Filter) -> Result<Totals, DbError> {
    let before = format!(
        "SELECT count(*) FILTER (WHERE e.status = 'refused'), count(*) FILTER (WHERE e.status = 'dead'),
                count(*) FILTER (WHERE e.status IN ('refused', 'dead') AND e.attempt > 1) FROM {EVENTS} WHERE "
    );
    let (refused, dead, again): (i64, i64, i64) = filter
        .conditions()
        .statement(&before)
        .build_query_as()
        .fetch_one(conn)
        .await
        .map_err(|error| DbError::new("ops.totals", error))?;
    let number = |count| u64::try_from(count).unwrap_or_default();
    Ok(Totals {
        refused: number(refused),
        dead: number(dead),
        again: number(again),
    })
}

/// Refused and dead events that match, by their fingerprints.
///
/// # Errors
/// When the database does not answer.
pub async fn groups(conn: &mut Connection, filter: &Filter) -> Result<Groups, DbError> {
    let totals = totals(conn, filter).await?;
    let mut sql = filter.conditions().statement(&format!("{MEMBER}{EVENTS} WHERE "));
    sql.push(" AND e.status IN ('refused', 'dead') ORDER BY e.event_id DESC LIMIT ")
        .push_bind(i64::from(MAX_GROUPED));
    let members: Vec<Member> = sql
        .build_query_as()
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("ops.groups", error))?;
    Ok(grouped(totals, members))
}

/// `members`: the latest first.
fn grouped(totals: Totals, members: Vec<Member>) -> Groups {
    let (from, to) = (
        members.iter().map(|member| member.at).min(),
        members.iter().map(|member| member.at).max(),
    );
    let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
    let mut places: HashMap<(EventStatus, String), usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for member in members {
        let part = part(member.at, from, to);
        let key = (member.status, member.fingerprint.clone());
        let place = *places.entry(key).or_insert_with(|| {
            groups.push(Group::of(&member));
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.add(member, part);
        }
    }
    for group in &mut groups {
        group
            .orgs
            .sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.org.cmp(&b.org)));
    }
    groups.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.id.cmp(&b.id)));
    Groups {
        totals,
        grouped: count,
        from,
        to,
        groups,
    }
}

/// In which part of the time `at` is.
fn part(at: DateTime<Utc>, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> usize {
    let (Some(from), Some(to)) = (from, to) else {
        return 0;
    };
    let parts = i64::try_from(PARTS).unwrap_or(1);
    let length = ((to - from).num_milliseconds() / parts + 1).max(SHORTEST_PART.num_milliseconds());
    usize::try_from((at - from).num_milliseconds() / length).map_or(0, |part| part.min(PARTS - 1))
}

/// As [`super::fingerprint::group_id`] says it in SQL.
fn short(fingerprint: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(fingerprint));
    digits.truncate(8);
    digits
}

impl Group {
    fn of(first: &Member) -> Self {
        Self {
            id: short(&first.fingerprint),
            fingerprint: first.fingerprint.clone(),
            status: first.status,
            code: first.reason.clone(),
            detail: first.detail.clone(),
            events: 0,
            again: 0,
            first_at: first.first,
            last_at: first.at,
            orgs: Vec::new(),
            sample: first.event_id,
            parts: vec![0; PARTS],
        }
    }

    fn add(&mut self, member: Member, part: usize) {
        self.events += 1;
        self.again += u64::from(member.attempt > 1);
        self.first_at = self.first_at.min(member.first);
        self.last_at = self.last_at.max(member.at);
        if let Some(part) = self.parts.get_mut(part) {
            *part += 1;
        }
        match self.orgs.iter_mut().find(|of| of.org == member.org) {
            Some(of) => of.events += 1,
            None => self.orgs.push(OfOrg {
                org: member.org,
                events: 1,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, org: &str, at: i64, attempt: i32) -> Member {
        Member {
            event_id: Uuid::from_u128(u128::try_from(at).unwrap()),
            org: Some(org.to_owned()),
            status: EventStatus::Refused,
            reason: "unknown_partner".to_owned(),
            detail: None,
            fingerprint: format!("unknown_partner: {id}"),
            attempt,
            first: DateTime::from_timestamp(at, 0).unwrap(),
            at: DateTime::from_timestamp(at, 0).unwrap(),
        }
    }

    #[test]
    fn what_failed_alike_is_one_group() {
        let members = vec![
            member("a", "demo", 1_600, 1),
            member("b", "demo", 900, 1),
            member("a", "other", 800, 2),
            member("a", "other", 0, 1),
        ];
        let found = grouped(Totals::default(), members);
        assert_eq!(found.grouped, 4);
        let [a, b] = found.groups.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((a.events, a.again, b.events), (3, 1, 1));
        assert_ne!(a.id, b.id);
        assert_eq!(a.sample, Uuid::from_u128(1_600), "the latest");
        assert_eq!((a.first_at.timestamp(), a.last_at.timestamp()), (0, 1_600));
        assert_eq!(a.orgs[0].org.as_deref(), Some("other"));
        assert_eq!(a.parts.iter().sum::<u64>(), 3);
        assert_eq!((a.parts[0], a.parts[PARTS - 1]), (1, 1));
    }

    #[test]
    fn what_failed_at_once_is_in_one_part() {
        let found = grouped(
            Totals::default(),
            vec![member("a", "demo", 7, 1), member("a", "demo", 7, 1)],
        );
        assert_eq!(found.groups[0].parts[0], 2);
        assert_eq!(grouped(Totals::default(), Vec::new()).groups, []);
    }
}
