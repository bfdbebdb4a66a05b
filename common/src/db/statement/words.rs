//! Movements in words, for the person whose money it is. Pure.

use rust_decimal::Decimal;

use super::cause::Cause;
use crate::domain::{
    ConversionStatus, Currency,
    ledger::Account::{self, Expense, Paid, Payable, Pending},
};

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
        Cause::Chargeback { reversed: false } => Some("charged back by the bank".to_owned()),
        Cause::Chargeback { reversed: true } => Some("the chargeback was reversed".to_owned()),
        Cause::Superseded(by) => Some(format!("superseded by the signed order, conversion {by}")),
        Cause::Deleted => Some("the conversion was deleted".to_owned()),
        Cause::Edited(amount) => Some(edited("conversion edited", *amount, currency)),
        Cause::CommissionEdited { amount } => {
            Some(edited("this commission alone was edited", *amount, currency))
        }
        Cause::CommissionsAdded => Some("added to the conversion".to_owned()),
        Cause::HoldEnded => Some("its hold ended".to_owned()),
        Cause::Recurred(period) => Some(format!("repetition {period}")),
        Cause::Bonus(month) => Some(format!("target of {} reached", month.format("%Y-%m"))),
        Cause::Payment(payment) => payment.map(|payment| format!("payment {payment}")),
        // Payments have no other event than themselves.
        Cause::Event(_) | Cause::Forgotten if from == Paid || to == Paid => None,
        Cause::Event(kind) => Some(format!("by an event {kind}")),
        Cause::Forgotten => Some("its event is no longer kept".to_owned()),
    }
}

fn edited(what: &str, amount: Option<Decimal>, currency: Currency) -> String {
    amount.map_or_else(
        || what.to_owned(),
        |amount| format!("{what}, amount set to {}", currency.shown(amount)),
    )
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

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
        let bonus = Subject {
            kind: Some("bonus"),
            order: None,
            conversion: None,
            ..order
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
            (
                order,
                Payable,
                Expense,
                Cause::Edited(Some(thirty)),
                "commission 12 of order ORD005 reversed: conversion edited, amount set to 30.00",
            ),
            (
                order,
                Pending,
                Payable,
                Cause::CommissionEdited { amount: None },
                "commission 12 of order ORD005 approved: this commission alone was edited",
            ),
            (
                order,
                Expense,
                Payable,
                Cause::CommissionEdited { amount: Some(thirty) },
                "commission 12 of order ORD005 accrued, payable: this commission alone was edited, amount set to 30.00",
            ),
            (
                order,
                Expense,
                Pending,
                Cause::CommissionsAdded,
                "commission 12 of order ORD005 accrued, pending: added to the conversion",
            ),
            (
                order,
                Expense,
                Payable,
                Cause::Chargeback { reversed: true },
                "commission 12 of order ORD005 accrued, payable: the chargeback was reversed",
            ),
            (
                bonus,
                Expense,
                Pending,
                Cause::Bonus(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap()),
                "bonus commission 12 accrued, pending: target of 2026-10 reached",
            ),
            (
                payment,
                Payable,
                Paid,
                Cause::Payment(Some(3)),
                "paid out: payment 3",
            ),
            (payment, Payable, Paid, Cause::Forgotten, "paid out"),
            (payment, Paid, Payable, Cause::Forgotten, "payment taken back"),
        ] {
            assert_eq!(describe(subject, from, to, &cause, usd), want);
        }
    }
}
