//! Which bonus an affiliate may get, and for which month.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::{AffiliateId, ProgramId};

/// A bonus that an affiliate may get for a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusDue {
    pub program: ProgramId,
    pub bonus: String,
    pub affiliate: AffiliateId,
    /// Its first day, in UTC.
    pub month: NaiveDate,
}
