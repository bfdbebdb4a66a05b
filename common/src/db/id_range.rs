//! Times as bounds on event ids: a UUIDv7 begins with its milliseconds, and a bound on the id prunes partitions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// No event received before `at` has an id as large as this, and every later one has a larger.
pub(crate) fn first_id_at(at: DateTime<Utc>) -> Uuid {
    const RANDOM_BITS: u32 = 80;
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << RANDOM_BITS)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{domain::OrgId, message::EventIds};

    #[test]
    fn the_bound_lies_between_the_milliseconds() {
        let now = DateTime::from_timestamp_millis(1_795_176_000_123).unwrap();
        let id = EventIds::new(&"a secret".into()).unwrap().issue(OrgId(1), now).0;
        assert!(first_id_at(now) < id);
        assert!(id < first_id_at(now + TimeDelta::milliseconds(1)));
        assert!(first_id_at(DateTime::UNIX_EPOCH - TimeDelta::days(1)).is_nil());
    }
}
