//! How much: the commission lines of a conversion, before anything is refunded.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    AffiliateId, CreateConversion, Currency, MAX_AMOUNT, Money, Reason, Refusal,
    catalog::{Affiliate, Affiliation, OrgCatalog, Program, Rate},
    entities::{Commission, CommissionKind},
};

/// Parents that are paid at most, however many levels a program declares: a guard against cycles in old data.
const MAX_LEVELS: i32 = 20;

/// A commission line that has no id yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub affiliate: AffiliateId,
    pub kind: CommissionKind,
    pub commission_type: String,
    pub name: String,
    pub rate: Option<Decimal>,
    pub sub_amount: Decimal,
    pub gross: Money,
    pub comment: Option<String>,
}

/// The lines of a conversion: the seller's own, then one per level and parent.
///
/// # Errors
/// [`Reason::UnknownCommissionType`], or [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub fn lines(
    create: &CreateConversion,
    affiliation: &Affiliation,
    program: &Program,
    catalog: &OrgCatalog,
    at: DateTime<Utc>,
    currency: Currency,
) -> Result<Vec<Line>, Refusal> {
    let seller = catalog.affiliate(affiliation.affiliate);
    let mut all = Vec::new();
    for part in parts(create, affiliation) {
        let identifier = match part.commission_type {
            None | Some("default") => &program.default_type,
            Some(other) => other,
        };
        let rule = program.commission_type(identifier, at).ok_or_else(|| {
            let detail = format!(
                "commission_type {identifier:?} is not known in program {:?}",
                program.slug
            );
            Refusal::new(Reason::UnknownCommissionType, detail)
        })?;
        let group = seller.and_then(|seller| seller.group.as_deref());
        let rate = affiliation.own_rate.unwrap_or_else(|| rule.rate_for(group));
        let (rate, gross) = match (part.exact, rate) {
            (Some(exact), _) => (None, money(exact, currency)?),
            (None, Rate::Percentage(percent)) => {
                (Some(percent), percentage(part.sub_amount, percent, currency)?)
            }
            (None, Rate::Fixed(amount)) => (None, money(amount, currency)?),
        };
        all.push(Line {
            affiliate: affiliation.affiliate,
            kind: CommissionKind::Regular,
            commission_type: rule.identifier.clone(),
            name: rule.title.clone(),
            rate,
            sub_amount: part.sub_amount,
            gross,
            comment: part.comment.map(ToOwned::to_owned),
        });
        all.extend(levels(seller, program, catalog, at, part.sub_amount, currency)?);
    }
    Ok(all)
}

/// A part of the sale that is paid as one.
struct Part<'a> {
    sub_amount: Decimal,
    exact: Option<Decimal>,
    commission_type: Option<&'a str>,
    comment: Option<&'a str>,
}

/// Explicit commission, explicit lines, or the whole sale: see DESIGN, Commission. A partner who ignores product
/// rates gets the own rate on the whole sale even then (seed: Yaplet, product commission overrides).
fn parts<'a>(create: &'a CreateConversion, affiliation: &Affiliation) -> Vec<Part<'a>> {
    let whole = |exact| {
        let commission_type = create.commission_type.as_deref();
        vec![Part {
            sub_amount: create.amount,
            exact,
            commission_type,
            comment: None,
        }]
    };
    if affiliation.ignore_product_rate {
        return whole(None);
    }
    match (create.commission, create.lines.is_empty()) {
        (Some(exact), _) => whole(Some(exact)),
        (None, true) => whole(None),
        (None, false) => create
            .lines
            .iter()
            .map(|line| Part {
                sub_amount: line.sub_amount,
                exact: None,
                commission_type: line.commission_type.as_deref(),
                comment: line.comment.as_deref(),
            })
            .collect(),
    }
}

/// Level 2 pays the seller's parent, level 3 the grandparent, on the same sub amount. A parent who is not approved in
/// the program earns nothing, but does not end the line.
fn levels(
    seller: Option<&Affiliate>,
    program: &Program,
    catalog: &OrgCatalog,
    at: DateTime<Utc>,
    sub_amount: Decimal,
    currency: Currency,
) -> Result<Vec<Line>, Refusal> {
    let mut lines = Vec::new();
    let mut parent = seller.and_then(|seller| seller.parent);
    for number in 2..=MAX_LEVELS {
        let (Some(level), Some(id)) = (program.level(number, at), parent) else {
            break;
        };
        let approved = catalog
            .affiliation(program.id, id)
            .is_some_and(|one| one.approved == Some(true));
        if approved {
            lines.push(Line {
                affiliate: id,
                kind: CommissionKind::Level,
                commission_type: format!("level-{number}"),
                name: level.title.clone(),
                rate: Some(level.percentage),
                sub_amount,
                gross: percentage(sub_amount, level.percentage, currency)?,
                comment: None,
            });
        }
        parent = catalog.affiliate(id).and_then(|affiliate| affiliate.parent);
    }
    Ok(lines)
}

fn money(amount: Decimal, currency: Currency) -> Result<Money, Refusal> {
    if amount > MAX_AMOUNT {
        let detail = format!("a commission of {amount} {currency} is above {MAX_AMOUNT}");
        return Err(Refusal::new(Reason::AmountOutOfRange, detail));
    }
    Ok(Money::rounded(amount, currency))
}

/// `percent` hundredths of `amount`, rounded once.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub fn percentage(amount: Decimal, percent: Decimal, currency: Currency) -> Result<Money, Refusal> {
    let product = amount
        .checked_mul(percent)
        .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED));
    match product {
        Some(product) => money(product, currency),
        None => Err(Refusal::new(
            Reason::AmountOutOfRange,
            format!("{percent} % of {amount} is out of range"),
        )),
    }
}

/// What is left of `gross` when `refunded` of a sale of `sale` was given back: `round(gross × (1 − refunded / sale))`,
/// so that any number of partial refunds ends exactly at zero. For a sale of 0 any refund is full.
pub fn net(gross: Money, refunded: Decimal, sale: Decimal) -> Money {
    if refunded.is_zero() {
        return gross;
    }
    if refunded >= sale {
        return Money::zero(gross.currency());
    }
    let left = gross
        .amount()
        .checked_mul(sale - refunded)
        .and_then(|share| share.checked_div(sale));
    // The product fits: gross and sale are at most MAX_AMOUNT, with 4 and 6 decimals.
    Money::rounded(left.unwrap_or_default(), gross.currency())
}

/// Calculates a commission anew after its conversion's amount changed from `before` to `after`.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub fn follow_amount(commission: &mut Commission, before: Decimal, after: Decimal) -> Result<(), Refusal> {
    let Some(percent) = commission.rate else {
        return Ok(());
    };
    commission.sub_amount = if commission.sub_amount == before || before.is_zero() {
        after
    } else {
        // One of several lines: each keeps its share of the sale.
        let share = commission
            .sub_amount
            .checked_mul(after)
            .and_then(|share| share.checked_div(before));
        share
            .unwrap_or(commission.sub_amount)
            .round_dp(super::money::ORDER_SCALE)
    };
    commission.gross = percentage(commission.sub_amount, percent, commission.currency)?.amount();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn refunds_never_gain_and_end_at_zero(gross in 0i64..1_000_000_000_000, sale in 0i64..1_000_000_000_000_000, part in 0u64..=1000) {
            let usd: Currency = "USD".parse().unwrap();
            let gross = Money::rounded(Decimal::new(gross, 2), usd);
            let sale = Decimal::new(sale, 6);
            let refunded = sale * Decimal::from(part) / Decimal::from(1000);
            let left = net(gross, refunded, sale);
            prop_assert!(left.amount() >= Decimal::ZERO && left.amount() <= gross.amount());
            prop_assert_eq!(net(gross, Decimal::ZERO, sale), gross);
            prop_assert!(net(gross, sale.max(Decimal::ONE), sale).amount().is_zero());
        }
    }
}
