//! Movements in words, for the person whose money it is. Pure.

use rust_decimal::Decimal;

use crate::domain::{
    Body, ConversionStatus, Currency,
    ledger::Account::{self, Expense, Paid, Payable, Pending},
};

/// What is known of the event that caused a movement.
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
    /// An event of this kind, of which nothing else is recorded.
    Event(String),
    /// The event's row is gone with its day.
    Forgotten,
}

/// What tells the cause, gathered from the rows around a transfer.
#[derive(Clone, Debug, Default)]
pub(super) struct Traces {
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
    /// The event's kind, while it is kept.
    pub kind: Option<String>,
    /// What was asked for, while it is kept, if it was an update.
    pub body: Option<Body>,
}

impl Traces {
    pub(super) fn cause(self) -> Cause {
        if self.is_sale {
            return Cause::Sale;
        }
        if self.is_refund {
            return Cause::Refund(self.refunded);
        }
        if let Some(Body::UpdateConversion(update)) = self.body {
            return Cause::Update {
                amount: update.amount,
                status: update.status,
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

/// What a movement is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub commission: Option<i64>,
    /// `regular`, `level`, `bonus` or `recurring`.
    pub kind: Option<&'a str>,
    pub order: Option<&'a str>,
    pub conversion: Option<i64>,
}

/// A sentence such as `commission 12 of order ORD005 reversed: refund of 30.00`.
pub(super) fn describe(
    subject: Subject<'_>,
    from: Account,
    to: Account,
    cause: &Cause,
    currency: Currency,
) -> String {
    let mut sentence = about(subject);
    sentence.push_str(happened(from, to));
    if let Some(because) = because(from, to, cause, currency) {
        sentence.push_str(": ");
        sentence.push_str(&because);
    }
    sentence
}

fn about(subject: Subject<'_>) -> String {
    let Some(commission) = subject.commission else {
        return String::new();
    };
    let kind = match subject.kind {
        Some(kind) if kind != "regular" => format!("{kind} "),
        _ => String::new(),
    };
    let sale = match (subject.order, subject.conversion) {
        (Some(order), _) => format!(" of order {order}"),
        (None, Some(conversion)) => format!(" of conversion {conversion}"),
        (None, None) => String::new(),
    };
    format!("{kind}commission {commission}{sale} ")
}

fn happened(from: Account, to: Account) -> &'static str {
    match (from, to) {
        (Expense, Pending) => "accrued, pending",
        (Expense, Payable) => "accrued, payable",
        (Pending, Payable) => "approved",
        (Payable, Pending) => "no longer approved",
        (Pending | Payable, Expense) => "reversed",
        (Payable, Paid) => "paid out",
        (Paid, Payable) => "payment taken back",
        (Pending, Paid) => "paid out before approval",
        (Paid, Pending) => "payment taken back, pending",
        (Expense, Paid) => "paid out beside commissions",
        (Paid, Expense) => "payment written off",
        // The database refuses them.
        (Expense, Expense) | (Pending, Pending) | (Payable, Payable) | (Paid, Paid) => "not moved",
    }
}

/// What the words for the movement itself do not say yet.
fn because(from: Account, to: Account, cause: &Cause, currency: Currency) -> Option<String> {
    match cause {
        Cause::Sale => None,
        // An approval is the only update that approves.
        Cause::Update { .. } if (from, to) == (Pending, Payable) => None,
        Cause::Refund(Some(amount)) => Some(format!("refund of {}", currency.shown(*amount))),
        Cause::Refund(None) => Some("refund of all that was left".to_owned()),
        Cause::Update { amount, status } => {
            let amount = amount.map(|amount| format!("amount set to {}", currency.shown(amount)));
            let status = status.map(|status| match status {
                ConversionStatus::Approved => "approved".to_owned(),
                ConversionStatus::Disapproved => "disapproved".to_owned(),
            });
            let changes: Vec<_> = amount.into_iter().chain(status).collect();
            Some(format!("order updated, {}", changes.join(", ")))
        }
        // Payments have no other event than themselves.
        Cause::Event(_) | Cause::Forgotten if from == Paid || to == Paid => None,
        Cause::Event(kind) => Some(format!("by an event {kind}")),
        Cause::Forgotten => Some("its event is no longer kept".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movements_have_words() {
        let usd: Currency = "USD".parse().unwrap();
        let order = Subject {
            commission: Some(12),
            kind: Some("regular"),
            order: Some("ORD005"),
            conversion: Some(7),
        };
        let unnamed = Subject {
            kind: Some("level"),
            order: None,
            ..order
        };
        let payment = Subject {
            commission: None,
            kind: None,
            order: None,
            conversion: None,
        };
        let thirty = Decimal::from(30);
        let update = Cause::Update {
            amount: Some(thirty),
            status: Some(ConversionStatus::Approved),
        };
        for (subject, from, to, cause, want) in [
            (
                order,
                Expense,
                Pending,
                Cause::Sale,
                "commission 12 of order ORD005 accrued, pending",
            ),
            (
                unnamed,
                Expense,
                Payable,
                Cause::Sale,
                "level commission 12 of conversion 7 accrued, payable",
            ),
            (
                order,
                Pending,
                Payable,
                update.clone(),
                "commission 12 of order ORD005 approved",
            ),
            (
                order,
                Pending,
                Expense,
                update,
                "commission 12 of order ORD005 reversed: order updated, amount set to 30.00, approved",
            ),
            (
                order,
                Payable,
                Expense,
                Cause::Refund(Some(thirty)),
                "commission 12 of order ORD005 reversed: refund of 30.00",
            ),
            (
                order,
                Payable,
                Expense,
                Cause::Forgotten,
                "commission 12 of order ORD005 reversed: its event is no longer kept",
            ),
            (
                order,
                Payable,
                Expense,
                Cause::Event("create_conversion".into()),
                "commission 12 of order ORD005 reversed: by an event create_conversion",
            ),
            (payment, Payable, Paid, Cause::Forgotten, "paid out"),
            (payment, Paid, Payable, Cause::Forgotten, "payment taken back"),
        ] {
            assert_eq!(describe(subject, from, to, &cause, usd), want);
        }
    }

    #[test]
    fn what_is_recorded_outlives_the_event() {
        let traces = Traces {
            amount_set: Some(Decimal::ONE),
            status_set: Some(false),
            ..Default::default()
        };
        let update = Cause::Update {
            amount: Some(Decimal::ONE),
            status: Some(ConversionStatus::Disapproved),
        };
        assert_eq!(traces.cause(), update);
        assert_eq!(Traces::default().cause(), Cause::Forgotten);
    }
}
