//! What falls due by itself. A schedule's row becomes one event in one transaction, so each takes effect exactly once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    bonus_due::BonusDue,
    needs::{Needs, NewRows},
};
use crate::domain::{CommissionId, ConversionId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduled {
    /// The commissions of a conversion have waited long enough: those that nobody touched are approved.
    HoldEnds { conversion: ConversionId },
    /// A recurring commission comes again.
    Recur(Repetition),
    /// A month has ended in which an affiliate reached a bonus's target, or has changed since the bonus was given.
    Bonus(BonusDue),
}

/// One repetition of a recurring commission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repetition {
    pub conversion: ConversionId,
    /// The commission that started it.
    pub commission: CommissionId,
    /// 1 is the first repetition.
    pub period: u32,
    pub due: DateTime<Utc>,
}

impl Scheduled {
    pub(super) fn needs(&self) -> Needs<'_> {
        match self {
            Self::HoldEnds { conversion } => Needs {
                conversion: Some(*conversion),
                ..Needs::default()
            },
            Self::Recur(repetition) => Needs {
                conversion: Some(repetition.conversion),
                new_rows: NewRows {
                    commission_lines: 1,
                    ..NewRows::default()
                },
                ..Needs::default()
            },
            Self::Bonus(due) => Needs {
                bonus: Some(due),
                ..Needs::default()
            },
        }
    }
}
