//! How much: the commission lines of a conversion, before anything is refunded.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    AffiliateId, CreateConversion, Currency, MAX_AMOUNT, Money, Reason, Refusal,
    catalog::{Affiliate, Affiliation, CommissionType, Level, OrgCatalog, Program, Rate, Recurrence},
    entities::{Commission, CommissionKind},
    money::order_amount,
    trace::{Rule, RuleSource},
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
    /// Its share of the conversion's original amount; `None`: it does not follow the amount.
    pub share: Option<Decimal>,
    pub recurrence: Recurrence,
    pub counts_towards_cap: bool,
    pub rule: Rule,
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
    let mut all = Vec::new();
    for (index, part) in parts(create, affiliation).into_iter().enumerate() {
        let sale = Sale {
            affiliation,
            program,
            catalog,
            at,
            currency,
        };
        let mut lines = part_lines(&part, &sale)?;
        if index > 0 && create.amount.is_zero() {
            // Lines of a sale of 0 have no shares of it: only the first line follows a later amount.
            for line in &mut lines {
                line.share = None;
            }
        }
        all.extend(lines);
    }
    Ok(all)
}

/// What the parts of a sale have in common.
#[derive(Clone, Copy, Debug)]
pub struct Sale<'a> {
    pub affiliation: &'a Affiliation,
    pub program: &'a Program,
    pub catalog: &'a OrgCatalog,
    /// By the rules of this time.
    pub at: DateTime<Utc>,
    pub currency: Currency,
}

/// The seller's line of one part, then one per level and parent.
///
/// # Errors
/// As [`lines`].
pub fn part_lines(part: &Part<'_>, sale: &Sale<'_>) -> Result<Vec<Line>, Refusal> {
    let Sale {
        affiliation,
        program,
        catalog,
        at,
        currency,
    } = *sale;
    let seller = catalog.affiliate(affiliation.affiliate);
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
    let (source, rate) = source_and_rate(part, affiliation, rule, group);
    let (percent, exact) = match rate {
        Rate::Percentage(percent) => (Some(percent), percent_of(part.sub_amount, percent)?),
        Rate::Fixed(amount) => (None, amount),
    };
    let mut all = vec![Line {
        affiliate: affiliation.affiliate,
        kind: CommissionKind::Regular,
        commission_type: rule.identifier.clone(),
        name: rule.title.clone(),
        rate: percent,
        sub_amount: part.sub_amount,
        gross: money(exact, currency)?,
        comment: part.comment.map(ToOwned::to_owned),
        share: Some(part.sub_amount),
        recurrence: rule.recurrence,
        counts_towards_cap: rule.count_towards_cap,
        rule: Rule {
            source,
            commission_type: rule.identifier.clone(),
            since: rule.valid_from,
            percent,
            exact,
        },
    }];
    all.extend(levels(seller, program, catalog, at, part.sub_amount, currency)?);
    Ok(all)
}

/// An explicit amount, else the affiliate's own rate, else the group's override, else the type's.
fn source_and_rate(
    part: &Part<'_>,
    affiliation: &Affiliation,
    rule: &CommissionType,
    group: Option<&str>,
) -> (RuleSource, Rate) {
    if let Some(exact) = part.exact {
        return (RuleSource::Explicit, Rate::Fixed(exact));
    }
    if let Some(rate) = affiliation.own_rate {
        return (RuleSource::OwnRate, rate);
    }
    let rate = rule.rate_for(group);
    let source = if rule.overrides(group) {
        RuleSource::Group
    } else {
        RuleSource::Type
    };
    (source, rate)
}

/// A part of the sale that is paid as one.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub sub_amount: Decimal,
    /// Instead of a calculated commission.
    pub exact: Option<Decimal>,
    pub commission_type: Option<&'a str>,
    pub comment: Option<&'a str>,
}

/// Explicit commission, explicit lines, or the whole sale: A partner who ignores product
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
            .is_some_and(|affiliation| affiliation.approved == Some(true));
        if approved {
            lines.push(level_line(level, id, sub_amount, currency)?);
        }
        parent = catalog.affiliate(id).and_then(|affiliate| affiliate.parent);
    }
    Ok(lines)
}

/// What a level pays to `parent`.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub fn level_line(
    level: &Level,
    parent: AffiliateId,
    sub_amount: Decimal,
    currency: Currency,
) -> Result<Line, Refusal> {
    let exact = percent_of(sub_amount, level.percentage)?;
    let commission_type = format!("level-{}", level.level);
    Ok(Line {
        affiliate: parent,
        kind: CommissionKind::Level,
        commission_type: commission_type.clone(),
        name: level.title.clone(),
        rate: Some(level.percentage),
        sub_amount,
        gross: money(exact, currency)?,
        comment: None,
        share: Some(sub_amount),
        recurrence: Recurrence::Once,
        counts_towards_cap: false,
        rule: Rule {
            source: RuleSource::Level,
            commission_type,
            since: level.valid_from,
            percent: Some(level.percentage),
            exact,
        },
    })
}

/// An exact commission, rounded once.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] below zero and above [`MAX_AMOUNT`].
pub fn money(amount: Decimal, currency: Currency) -> Result<Money, Refusal> {
    if amount < Decimal::ZERO || amount > MAX_AMOUNT {
        let detail = format!("a commission of {amount} {currency} is not between 0 and {MAX_AMOUNT}");
        return Err(Refusal::new(Reason::AmountOutOfRange, detail));
    }
    Ok(Money::rounded(amount, currency))
}

/// `percent` hundredths of `amount`, rounded once.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub fn percentage(amount: Decimal, percent: Decimal, currency: Currency) -> Result<Money, Refusal> {
    money(percent_of(amount, percent)?, currency)
}

/// `percent` hundredths of `amount`, not rounded.
fn percent_of(amount: Decimal, percent: Decimal) -> Result<Decimal, Refusal> {
    let product = amount
        .checked_mul(percent)
        .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED));
    product.ok_or_else(|| {
        Refusal::new(
            Reason::AmountOutOfRange,
            format!("{percent} % of {amount} is out of range"),
        )
    })
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
        .and_then(|product| product.checked_div(sale));
    // The product fits: gross and sale are at most MAX_AMOUNT, with 4 and 6 decimals.
    Money::rounded(left.unwrap_or_default(), gross.currency())
}

/// Calculates a commission anew for an amount of `after`, by its share of the `original` amount that the create sent: so
/// several updates end like the last one alone. A fixed commission follows only in the amount that it is told for.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub fn follow_amount(commission: &mut Commission, original: Decimal, after: Decimal) -> Result<(), Refusal> {
    let Some(share) = commission.share else {
        return Ok(());
    };
    commission.sub_amount = if share == original || original.is_zero() {
        after
    } else {
        // One of several lines: each keeps its share of the sale.
        let followed = share
            .checked_mul(after)
            .and_then(|product| product.checked_div(original));
        let out_of_range = || {
            let detail = format!("a part of {share} of {original} is out of range at {after}");
            Refusal::new(Reason::AmountOutOfRange, detail)
        };
        // A share of an amount in range is in range.
        order_amount(followed.ok_or_else(out_of_range)?).ok_or_else(out_of_range)?
    };
    if let Some(percent) = commission.rate {
        commission.gross = percentage(commission.sub_amount, percent, commission.currency)?.amount();
    }
    Ok(())
}

/// Repetitions of one commission, at most: weekly for 100 years.
const MAX_REPETITIONS: usize = 5_200;

/// The moment of the `period`th repetition: on the same day of the later week, month or year, or on its month's last
/// day. `None`: it does not come again.
pub fn recurs_at(first: DateTime<Utc>, recurrence: Recurrence, period: u32) -> Option<DateTime<Utc>> {
    match recurrence {
        Recurrence::Once => None,
        Recurrence::Weekly => first.checked_add_signed(chrono::TimeDelta::weeks(i64::from(period))),
        Recurrence::Monthly => first.checked_add_months(chrono::Months::new(period)),
        Recurrence::Yearly => first.checked_add_months(chrono::Months::new(period.checked_mul(12)?)),
    }
}

/// The first repetition after `after`, counted from the `first` moment in the units of the recurrence that holds now.
pub fn recurs_after(
    first: DateTime<Utc>,
    recurrence: Recurrence,
    after: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let repetitions = (1..).map_while(|period| recurs_at(first, recurrence, period));
    repetitions.take(MAX_REPETITIONS).find(|at| *at > after)
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
