//! What is known of the event that caused a movement. Pure.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::{Body, ConversionStatus, Scheduled};

/// Why money moved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cause {
    /// The sale itself.
    Sale,
    /// `None`: all that was left of the sale.
    Refund(Option<Decimal>),
    Update {
        amount: Option<Decimal>,
        status: Option<ConversionStatus>,
    },
    /// The bank took the money, or gave it again.
    Chargeback {
        reversed: bool,
    },
    /// This authenticated conversion took the place of the one that was not.
    Superseded(i64),
    Deleted,
    Edited(Option<Decimal>),
    /// One commission by itself.
    CommissionEdited {
        amount: Option<Decimal>,
    },
    CommissionsAdded,
    Recalculated,
    HoldEnded,
    /// The number of the repetition.
    Recurred(u32),
    /// The month whose target was reached.
    Bonus(NaiveDate),
    /// The payment's number, where it is known.
    Payment(Option<i64>),
    /// An event of this kind, of which nothing else is recorded.
    Event(String),
    /// The event's row is gone with its day.
    Forgotten,
}

/// What tells the cause, gathered from the rows around a transfer.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a row that is there or not")]
pub(super) struct Evidence {
    /// The event created the conversion.
    pub is_sale: bool,
    /// The event is in the refunds. Those stay when the event is gone.
    pub is_refund: bool,
    /// The refund's amount. `None`: all that was left.
    pub refunded: Option<Decimal>,
    /// The amount, where the conversion still has it from this event.
    pub amount_set: Option<Decimal>,
    /// The commission's approval, where the conversion still has its status from this event.
    pub status_set: Option<bool>,
    /// The conversion is charged back or not, where it still is so by this event.
    pub charged_back: Option<bool>,
    /// The conversion that took the place of this one by this event.
    pub superseded_by: Option<i64>,
    /// The conversion was deleted in the same moment.
    pub is_deletion: bool,
    /// It names no commission: it is a payment or takes one back.
    pub is_payment: bool,
    /// The payment that the event ordered.
    pub payment: Option<i64>,
    /// The event's kind, while it is kept.
    pub kind: Option<String>,
    /// What was asked for, while it is kept, if it says more than the kind.
    pub body: Option<Body>,
}

impl Evidence {
    /// What is recorded with the money comes before what the event said, as the event is gone some day.
    pub(super) fn cause(self) -> Cause {
        if self.is_sale {
            return Cause::Sale;
        }
        if self.is_refund {
            return Cause::Refund(self.refunded);
        }
        if let Some(by) = self.superseded_by {
            return Cause::Superseded(by);
        }
        if self.is_deletion {
            return Cause::Deleted;
        }
        if let Some(cause) = self.body.as_ref().and_then(cause_in) {
            return cause;
        }
        if self.is_payment {
            return Cause::Payment(self.payment);
        }
        if let Some(charged_back) = self.charged_back {
            return Cause::Chargeback {
                reversed: !charged_back,
            };
        }
        if self.amount_set.is_some() || self.status_set.is_some() {
            let status = self.status_set.map(|approved| {
                if approved {
                    ConversionStatus::Approved
                } else {
                    ConversionStatus::Disapproved
                }
            });
            return Cause::Update {
                amount: self.amount_set,
                status,
            };
        }
        self.kind.map_or(Cause::Forgotten, Cause::Event)
    }
}

/// The cause that the event itself names.
fn cause_in(body: &Body) -> Option<Cause> {
    Some(match body {
        Body::UpdateConversion(update) => Cause::Update {
            amount: update.amount,
            status: update.status,
        },
        Body::Chargeback(chargeback) => Cause::Chargeback {
            reversed: chargeback.reversed,
        },
        Body::EditConversion(edit) if edit.delete => Cause::Deleted,
        Body::EditConversion(edit) => Cause::Edited(edit.amount),
        Body::EditCommission(edit) => Cause::CommissionEdited { amount: edit.amount },
        Body::AddCommissions(_) => Cause::CommissionsAdded,
        Body::RecalculateCommissions(_) => Cause::Recalculated,
        Body::CancelPayment(cancel) => Cause::Payment(Some(cancel.payment.0)),
        Body::Scheduled(Scheduled::HoldEnds { .. }) => Cause::HoldEnded,
        Body::Scheduled(Scheduled::Recur(repetition)) => Cause::Recurred(repetition.period),
        Body::Scheduled(Scheduled::Bonus(due)) => Cause::Bonus(due.month),
        // Sales, refunds and payments are known by the rows that they leave; the others move no money.
        Body::CreateConversion(_)
        | Body::Refund(_)
        | Body::Pay(_)
        | Body::Click(_)
        | Body::CreateCustomer(_)
        | Body::UpdateCustomer(_)
        | Body::Lead(_)
        | Body::Test(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_outlives_the_event() {
        let evidence = Evidence {
            amount_set: Some(Decimal::ONE),
            status_set: Some(false),
            ..Default::default()
        };
        let update = Cause::Update {
            amount: Some(Decimal::ONE),
            status: Some(ConversionStatus::Disapproved),
        };
        assert_eq!(evidence.cause(), update);
        let evidence = Evidence {
            charged_back: Some(false),
            ..Default::default()
        };
        assert_eq!(evidence.cause(), Cause::Chargeback { reversed: true });
        assert_eq!(Evidence::default().cause(), Cause::Forgotten);
    }
}
