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

/// A sentence such as `commission 12 of order ORD005 reversed: refund of 30.00`. `sale`: the currency of its sale, if it has one;
/// amounts of the sale are money of that.
pub(super) fn describe(
    subject: Subject<'_>,
    from: Account,
    to: Account,
    cause: &Cause,
    currency: Currency,
    sale: Option<Currency>,
) -> String {
    let mut sentence = about(subject);
    sentence.push_str(happened(from, to));
    let coin = Coin {
        currency,
        sale: sale.unwrap_or(currency),
    };
    if let Some(because) = because(from, to, cause, coin) {
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

/// The currency of a commission, and that of its sale: they are not the same where a fixed rate is paid.
#[derive(Clone, Copy)]
struct Coin {
    currency: Currency,
    sale: Currency,
}

impl Coin {
    /// An amount of the sale. The account has another currency: then it says which.
    fn of_sale(self, amount: Decimal) -> String {
        let shown = self.sale.shown(amount);
        if self.sale == self.currency {
            shown.to_string()
        } else {
            format!("{shown} {}", self.sale)
        }
    }
}

/// What the words for the movement itself do not say yet.
fn because(from: Account, to: Account, cause: &Cause, coin: Coin) -> Option<String> {
    match cause {
        Cause::Sale => None,
        // An approval is the only update that approves.
        Cause::Update { .. } if (from, to) == (Pending, Payable) => None,
        Cause::Refund(Some(amount)) => Some(format!("refund of {}", coin.of_sale(*amount))),
        Cause::Refund(None) => Some("refund of all that was left".to_owned()),
        Cause::Update { amount, status } => {
            let amount = amount.map(|amount| format!("amount set to {}", coin.of_sale(amount)));
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
        Cause::Edited(amount) => Some(edited(
            "conversion edited",
            amount.map(|amount| coin.of_sale(amount)),
        )),
        Cause::CommissionEdited { amount } => Some(edited(
            "this commission alone was edited",
            amount.map(|amount| coin.currency.shown(amount).to_string()),
        )),
        Cause::CommissionsAdded => Some("added to the conversion".to_owned()),
        Cause::Recalculated => Some("recalculated by the rules of its time".to_owned()),
        Cause::HoldEnded => Some("its hold ended".to_owned()),
        Cause::Recurred(period) => Some(format!("repetition {period}")),
        Cause::Bonus(month) if from == Expense => {
            Some(format!("target of {} reached", month.format("%Y-%m")))
        }
        Cause::Bonus(month) => Some(format!("less was sold in {} after all", month.format("%Y-%m"))),
        Cause::Payment(payment) => payment.map(|payment| format!("payment {payment}")),
        // Payments have no other event than themselves.
        Cause::Event(_) | Cause::Forgotten if from == Paid || to == Paid => None,
        Cause::Event(kind) => Some(format!("by an event {kind}")),
        Cause::Forgotten => Some("its event is no longer kept".to_owned()),
    }
}

fn edited(what: &str, amount: Option<String>) -> String {
    amount.map_or_else(
        || what.to_owned(),
        |amount| format!("{what}, amount set to {amount}"),
    )
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    const ORDER: Subject<'static> = Subject {
        commission: Some(12),
        kind: Some("regular"),
        order: Some("ORD005"),
        conversion: Some(7),
    };
    const PAYMENT: Subject<'static> = Subject {
        commission: None,
        kind: None,
        order: None,
        conversion: None,
    };
    const THIRTY: Option<Decimal> = Some(Decimal::from_parts(30, 0, 0, false, 0));

    fn sentence(subject: Subject<'_>, from: Account, to: Account, cause: &Cause) -> String {
        let sentence = describe(subject, from, to, cause, "USD".parse().unwrap(), None);
        sentence.replace("commission 12 of order ORD005 ", "")
    }

    #[test]
    fn subjects_have_words() {
        let words = |subject| sentence(subject, Expense, Payable, &Cause::Sale);
        let level = Subject {
            kind: Some("level"),
            order: None,
            ..ORDER
        };
        let bonus = Subject {
            kind: Some("bonus"),
            conversion: None,
            ..level
        };
        assert_eq!(words(ORDER), "accrued, payable");
        assert_eq!(
            words(level),
            "level commission 12 of conversion 7 accrued, payable"
        );
        assert_eq!(words(bonus), "bonus commission 12 accrued, payable");
    }

    #[test]
    fn movements_have_words() {
        let update = Cause::Update {
            amount: THIRTY,
            status: Some(ConversionStatus::Approved),
        };
        for (from, to, cause, want) in [
            (Expense, Pending, Cause::Sale, "accrued, pending"),
            (Pending, Payable, update.clone(), "approved"),
            (
                Pending,
                Expense,
                update,
                "reversed: order updated, amount set to 30.00, approved",
            ),
            (
                Payable,
                Expense,
                Cause::Refund(THIRTY),
                "reversed: refund of 30.00",
            ),
            (
                Payable,
                Expense,
                Cause::Forgotten,
                "reversed: its event is no longer kept",
            ),
            (
                Payable,
                Expense,
                Cause::Event("create_conversion".into()),
                "reversed: by an event create_conversion",
            ),
        ] {
            assert_eq!(sentence(ORDER, from, to, &cause), want);
        }
    }

    #[test]
    fn causes_that_come_later_have_words() {
        let october = NaiveDate::from_ymd_opt(2026, 10, 1).unwrap();
        let alone = |amount| Cause::CommissionEdited { amount };
        let bank = |reversed| Cause::Chargeback { reversed };
        for (from, to, cause, want) in [
            (
                Payable,
                Expense,
                Cause::Edited(THIRTY),
                "reversed: conversion edited, amount set to 30.00",
            ),
            (
                Pending,
                Payable,
                alone(None),
                "approved: this commission alone was edited",
            ),
            (
                Expense,
                Payable,
                alone(THIRTY),
                "accrued, payable: this commission alone was edited, amount set to 30.00",
            ),
            (
                Expense,
                Pending,
                Cause::CommissionsAdded,
                "accrued, pending: added to the conversion",
            ),
            (
                Payable,
                Expense,
                bank(false),
                "reversed: charged back by the bank",
            ),
            (
                Expense,
                Payable,
                bank(true),
                "accrued, payable: the chargeback was reversed",
            ),
            (
                Expense,
                Pending,
                Cause::Bonus(october),
                "accrued, pending: target of 2026-10 reached",
            ),
            (
                Pending,
                Expense,
                Cause::Superseded(9),
                "reversed: superseded by the signed order, conversion 9",
            ),
        ] {
            assert_eq!(sentence(ORDER, from, to, &cause), want);
        }
        let payment = &Cause::Payment(Some(3));
        assert_eq!(sentence(PAYMENT, Payable, Paid, payment), "paid out: payment 3");
        assert_eq!(sentence(PAYMENT, Payable, Paid, &Cause::Forgotten), "paid out");
        assert_eq!(
            sentence(PAYMENT, Paid, Payable, &Cause::Forgotten),
            "payment taken back"
        );
    }
}
