//! How values of the domain look in JSON.

use chrono::{DateTime, SecondsFormat, Utc};
pub(crate) use common::tapfiliate_json::number;

/// RFC 3339 to the millisecond: our own `/v1`.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_times_have_milliseconds() {
        let at = DateTime::from_timestamp_millis(1_614_775_159_250).unwrap();
        assert_eq!(time(at), "2021-03-03T12:39:19.250Z");
    }
}
