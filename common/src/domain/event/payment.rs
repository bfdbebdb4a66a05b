//! Money that has left the organisation for an affiliate.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::needs::{Needs, NewRows};
use crate::domain::{Currency, PaymentId};

/// Payments that are recorded together: all of them, or none (seed: REST 1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pay {
    pub payments: Vec<PaymentOrder>,
}

impl Pay {
    pub(super) fn needs(&self) -> Needs<'_> {
        let orders = self.payments.iter();
        Needs {
            payees: orders.map(|order| order.affiliate.as_str()).collect(),
            new_rows: NewRows {
                payments: self.payments.len(),
                ..NewRows::default()
            },
            ..Needs::default()
        }
    }
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentOrder {
    /// The affiliate's id.
    pub affiliate: String,
    /// Above zero. May exceed the balance, which is negative then.
    pub amount: Decimal,
    pub currency: Currency,
}

/// Takes a payment back: the amount is the affiliate's balance again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelPayment {
    pub payment: PaymentId,
}

impl CancelPayment {
    pub(super) fn needs(&self) -> Needs<'_> {
        Needs {
            payment: Some(self.payment),
            ..Needs::default()
        }
    }
}
