//! What is not written yet.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::{
    db::rejections::{Group, Rejected},
    http::TurnedAway,
};

/// Groups that wait to be written, at most; what belongs to further ones is only in the metrics.
pub const MAX_PENDING: usize = 1_000;
/// Characters of a message: it may repeat what was sent.
const MAX_MESSAGE: usize = 300;

/// Requests that were turned away since the last were written. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Rejections(Arc<Mutex<BTreeMap<Group, Rejected>>>);

impl Rejections {
    /// Notes one. Without an organisation nobody could see it.
    pub fn note(&self, turned_away: TurnedAway, now: DateTime<Utc>) {
        let Some(org) = turned_away.org else { return };
        let group = Group {
            org,
            dialect: turned_away.dialect.to_owned(),
            method: turned_away.method.to_string(),
            route: turned_away.route,
            reason: turned_away.reason.to_owned(),
            field: turned_away.field,
        };
        let latest = Rejected {
            message: turned_away.message.chars().take(MAX_MESSAGE).collect(),
            sample: turned_away.sample,
            count: 1,
            first_at: now,
            last_at: now,
        };
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = pending.len() < MAX_PENDING;
        match pending.get_mut(&group) {
            Some(known) => known.follow(latest),
            None if has_room => _ = pending.insert(group, latest),
            None => {}
        }
    }

    /// All of them: they do not wait any more.
    pub(super) fn take(&self) -> BTreeMap<Group, Rejected> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What could not be written waits again, as far as there is room.
    pub(super) fn put_back(&self, taken: BTreeMap<Group, Rejected>) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (group, mut earlier) in taken {
            match pending.remove(&group) {
                Some(later) => {
                    earlier.follow(later);
                    pending.insert(group, earlier);
                }
                None if pending.len() < MAX_PENDING => _ = pending.insert(group, earlier),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::domain::OrgId;

    fn turned_away(org: Option<i64>, field: &str) -> TurnedAway {
        TurnedAway {
            org: org.map(OrgId),
            dialect: "yaplet",
            method: Method::POST,
            route: "/x/{code}".into(),
            reason: "invalid",
            field: field.to_owned(),
            message: format!("{field} is required{}", "!".repeat(MAX_MESSAGE)),
            sample: json!({}),
        }
    }

    #[test]
    fn equal_ones_are_counted_and_the_rest_is_bounded() {
        let (rejections, now) = (Rejections::default(), DateTime::UNIX_EPOCH);
        rejections.note(turned_away(None, "a"), now);
        for second in 0..3 {
            rejections.note(turned_away(Some(1), "a"), now + TimeDelta::seconds(second));
        }
        for number in 0..MAX_PENDING {
            rejections.note(turned_away(Some(1), &format!("f{number}")), now);
        }
        let taken = rejections.take();
        assert_eq!(taken.len(), MAX_PENDING, "one group had no room");
        let known = taken.iter().find(|(group, _)| group.field == "a").unwrap().1;
        assert_eq!(
            (known.count, known.first_at, known.last_at),
            (3, now, now + TimeDelta::seconds(2))
        );
        assert_eq!(known.message.chars().count(), MAX_MESSAGE);

        rejections.note(turned_away(Some(1), "a"), now + TimeDelta::seconds(9));
        rejections.put_back(taken);
        let again = rejections.take();
        let known = again.iter().find(|(group, _)| group.field == "a").unwrap().1;
        assert_eq!(
            (known.count, known.first_at, known.last_at),
            (4, now, now + TimeDelta::seconds(9))
        );
        assert!(rejections.take().is_empty());
    }
}
