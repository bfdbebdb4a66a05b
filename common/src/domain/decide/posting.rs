//! How much of a conversion's commissions is earned at present, and the transfers that bring the ledger there.

use rust_decimal::Decimal;

use super::{Context, Effects, effects::transfers_to};
use crate::domain::{
    Money,
    entities::{Change, CommissionKind, Conversion},
    ledger::{CommissionBalance, Transfer},
    pricing::{adopt, exact_gross, net},
    trace::Rule,
};

/// Brings each commission to its net amount, and the ledger to where the commission's state says.
pub(super) fn post_transfers(context: &Context<'_>, conversion: &mut Conversion, effects: &mut Effects) {
    effects.transfers.extend(due_transfers(context, conversion));
}

/// Brings each commission to its net amount, and returns the transfers that follow from that.
pub(super) fn due_transfers(context: &Context<'_>, conversion: &mut Conversion) -> Vec<Transfer> {
    let (given_back, sale, is_gone) = (conversion.given_back(), conversion.amount, is_gone(conversion));
    let original = conversion.original_amount;
    let rules = &conversion.trace.rules;
    let mut due = Vec::new();
    for (index, commission) in conversion.commissions.iter_mut().enumerate() {
        adopt(commission, original, said(rules.get(index)));
        let currency = commission.currency;
        let amount = match commission.kind {
            // It was earned in a later period: refunds of the sale do not reduce it.
            CommissionKind::Recurring | CommissionKind::Bonus => Money::rounded(commission.gross, currency),
            CommissionKind::Regular | CommissionKind::Level if is_gone => Money::zero(currency),
            CommissionKind::Regular | CommissionKind::Level => {
                net(&exact_gross(commission, original), given_back, sale, currency)
            }
        };
        commission.settled_on = Some(sale - given_back);
        let target = CommissionBalance::target(amount.amount(), commission.approved);
        due.extend(transfers_to(context, commission, target));
        commission.amount = amount.amount();
        if conversion.change == Change::Update {
            commission.change.touch();
        }
    }
    due
}

/// The amount that a rule said, before rounding.
fn said(rule: Option<&Rule>) -> Option<Decimal> {
    rule.filter(|rule| rule.percent.is_none()).map(|rule| rule.exact)
}

/// All of the sale was given back, or the bank took it. A sale of 0 is gone with its first refund.
pub(super) fn is_gone(conversion: &Conversion) -> bool {
    let beyond = !conversion.refunds.is_empty() && conversion.refunded >= conversion.amount;
    conversion.charged_back || conversion.fully_refunded || beyond
}

/// What the seller's own commissions bring at present, in the minor unit of the currency of the first. What other currencies hold
/// (a fixed rate pays in the program's) is no part of one sum.
pub(super) fn sellers_commissions(conversion: &Conversion) -> Decimal {
    let of_seller = conversion.commissions.iter().filter(|commission| {
        commission.affiliate == conversion.affiliate && commission.kind == CommissionKind::Regular
    });
    let first = of_seller.clone().next().map(|commission| commission.currency);
    let of_seller = of_seller.filter(|commission| Some(commission.currency) == first);
    // What was disapproved brings nothing that a refund could take.
    let counts = of_seller.filter(|commission| commission.approved != Some(false));
    counts.map(|commission| commission.amount).sum()
}
