//! What falls due by itself. A schedule's row becomes one event in one transaction, so each takes effect exactly once.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{AffiliateId, CommissionId, ConversionId, ProgramId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduled {
    /// The commissions of a conversion have waited long enough: those that nobody touched are approved.
    HoldEnds { conversion: ConversionId },
    /// A recurring commission comes again.
    Recur {
        conversion: ConversionId,
        /// The commission that started it.
        commission: CommissionId,
        /// 1 is the first repetition.
        period: u32,
        due: DateTime<Utc>,
    },
    /// A month has ended in which an affiliate reached a bonus's target.
    Bonus {
        program: ProgramId,
        bonus: String,
        affiliate: AffiliateId,
        /// Its first day, in UTC.
        month: NaiveDate,
    },
}
