//! Commissions calculated anew.

use serde::{Deserialize, Serialize};

use super::needs::Needs;
use crate::domain::ConversionId;

/// Calculates the commissions of a conversion anew by what the rules of their time say now. Attribution, limits and approval stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecalculateCommissions {
    pub conversion: ConversionId,
}

impl RecalculateCommissions {
    pub(super) fn needs(&self) -> Needs<'_> {
        Needs {
            conversion: Some(self.conversion),
            ..Needs::default()
        }
    }
}
