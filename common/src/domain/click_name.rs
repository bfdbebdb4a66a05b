//! A click's names. All but the client's own are its number and its first moment in another spelling, so no column stores
//! them; a name counts only if both parts are right.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ClickId;

/// A click as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClickName {
    /// One of our names: the number, and the unix milliseconds of the first moment.
    Ours { id: ClickId, millis: i64 },
    /// The client's own id (seed: AFFY), or nothing that we know.
    Theirs(String),
}

const PREFIX: &str = "cust_";
/// Version 8 of RFC 9562: 48 bits of time, then bits of one's own.
const VERSION: u128 = 8;
const VARIANT: u128 = 0b10;
const LOW_BITS: u32 = 62;

impl ClickName {
    pub fn parse(text: &str) -> Self {
        code(text)
            .or_else(|| uuid(text))
            .unwrap_or_else(|| Self::Theirs(text.to_owned()))
    }
}

/// `cust_<number>_<unix ms>` (seed: Affitor).
pub fn click_code(id: ClickId, first: DateTime<Utc>) -> String {
    format!("{PREFIX}{id}_{}", first.timestamp_millis())
}

/// The same as a UUID (seed: REST 1.6).
pub fn click_uuid(id: ClickId, first: DateTime<Utc>) -> Uuid {
    let millis = u128::from(first.timestamp_millis().unsigned_abs()) & ((1 << 48) - 1);
    let low = u128::from(id.0.unsigned_abs()) & ((1 << LOW_BITS) - 1);
    Uuid::from_u128(millis << 80 | VERSION << 76 | VARIANT << LOW_BITS | low)
}

fn code(text: &str) -> Option<ClickName> {
    let (id, millis) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let (id, millis) = (id.parse().ok()?, millis.parse().ok()?);
    let name = ClickName::Ours {
        id: ClickId(id),
        millis,
    };
    (format!("{PREFIX}{id}_{millis}") == text).then_some(name)
}

fn uuid(text: &str) -> Option<ClickName> {
    let bits = Uuid::parse_str(text).ok()?.as_u128();
    let is_ours = bits >> 76 & 0xf == VERSION
        && bits >> LOW_BITS & 0b11 == VARIANT
        && (bits >> 64).trailing_zeros() >= 12;
    let millis = i64::try_from(bits >> 80).ok()?;
    let id = ClickId(i64::try_from(bits & ((1 << LOW_BITS) - 1)).ok()?);
    is_ours.then_some(ClickName::Ours { id, millis })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_names_lead_back_to_the_number(id in 0i64..1 << 60, millis in 0i64..1 << 47) {
            let first = DateTime::from_timestamp_millis(millis).unwrap();
            let want = ClickName::Ours { id: ClickId(id), millis };
            prop_assert_eq!(ClickName::parse(&click_code(ClickId(id), first)), want.clone());
            prop_assert_eq!(ClickName::parse(&click_uuid(ClickId(id), first).to_string()), want);
        }
    }

    #[test]
    fn anything_else_is_a_name_of_the_client() {
        for text in [
            "",
            "cust_",
            "cust_1",
            "cust_01_2",
            "cust_1_2_3",
            "click_unique_id",
            "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        ] {
            assert_eq!(ClickName::parse(text), ClickName::Theirs(text.to_owned()));
        }
    }
}
