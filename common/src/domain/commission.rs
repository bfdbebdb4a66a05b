//! How much: the commission lines of a conversion, before anything is refunded.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    AffiliateId, CreateConversion, Currency, Money, Reason, Refusal,
    catalog::{
        Affiliate, Affiliation, CommissionType, Level, OrgCatalog, OwnRate, Program, Rate, Recurrence,
    },
    entities::CommissionKind,
    money::{THOUSANDS, unambiguous},
    pricing::{exact_percentage, money, percentage, stored_rate},
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
    /// A fixed or explicit amount as it was said; `None`: `rate` percent of `sub_amount`.
    pub exact: Option<Decimal>,
    pub sub_amount: Decimal,
    pub gross: Money,
    pub comment: Option<String>,
    /// Its share of the conversion's original amount; `None`: it does not follow the amount.
    pub share: Option<Decimal>,
    pub recurrence: Recurrence,
    pub counts_towards_cap: bool,
    pub rule: Rule,
}

/// An amount of a request whose currency is known now.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] where nobody can tell whether its point is one: see [`unambiguous`].
pub fn said(field: &str, amount: Decimal, currency: Currency) -> Result<Decimal, Refusal> {
    unambiguous(amount, currency)
        .map_err(|what| Refusal::new(Reason::AmountOutOfRange, format!("{field} {what}")))
}

/// The sale with its amounts as they are meant.
///
/// # Errors
/// As [`said`].
fn clear(create: &CreateConversion, currency: Currency) -> Result<Cow<'_, CreateConversion>, Refusal> {
    let lines = create.lines.iter().map(|line| line.sub_amount);
    let mut all = lines.chain([create.amount]).chain(create.commission);
    if all.all(|amount| amount.scale() != THOUSANDS) {
        return Ok(Cow::Borrowed(create));
    }
    let mut clear = create.clone();
    clear.amount = said("amount", create.amount, currency)?;
    clear.commission = create
        .commission
        .map(|exact| said("commission", exact, currency))
        .transpose()?;
    for line in &mut clear.lines {
        line.sub_amount = said("sub_amount", line.sub_amount, currency)?;
    }
    Ok(Cow::Owned(clear))
}

/// The lines of a conversion: the seller's own, then one per level and parent.
///
/// # Errors
/// [`Reason::UnknownCommissionType`], or [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`] and as of [`said`].
pub fn lines(
    create: &CreateConversion,
    affiliation: &Affiliation,
    program: &Program,
    catalog: &OrgCatalog,
    at: DateTime<Utc>,
    currency: Currency,
) -> Result<Vec<Line>, Refusal> {
    let create = &clear(create, currency)?;
    let mut all = Vec::new();
    for (index, part) in parts(create, affiliation, at, currency).into_iter().enumerate() {
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
    /// In which percentages are paid. What a rule says as an amount is money of the program's currency.
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
    let rule = type_of(part, program, at)?;
    let group = seller.and_then(|seller| seller.group_at(at));
    let (source, rate) = source_and_rate(part, affiliation.rates.at(at), rule, group);
    let currency_of_rate = match (rate, part.exact) {
        (Rate::Percentage(_), _) => currency,
        (Rate::Fixed(_), Some((_, said_in))) => said_in,
        (Rate::Fixed(_), None) => program.currency,
    };
    let priced = Priced::by(rate, part.sub_amount, currency_of_rate)?;
    let mut all = vec![Line {
        affiliate: affiliation.affiliate,
        kind: CommissionKind::Regular,
        commission_type: rule.identifier.clone(),
        name: rule.title.clone(),
        rate: priced.percent,
        exact: priced.said,
        sub_amount: part.sub_amount,
        gross: priced.gross,
        comment: part.comment.map(ToOwned::to_owned),
        share: Some(part.sub_amount),
        recurrence: rule.recurrence,
        counts_towards_cap: rule.count_towards_cap,
        rule: Rule {
            source,
            commission_type: rule.identifier.clone(),
            since: match source {
                RuleSource::OwnRate => affiliation.rates.since(at),
                _ => rule.valid_from,
            },
            percent: priced.percent,
            exact: priced.exact,
            currency: priced
                .said
                .filter(|_| source != RuleSource::Explicit)
                .map(|_| program.currency),
        },
    }];
    all.extend(levels(seller, program, catalog, at, part.sub_amount, currency)?);
    Ok(all)
}

/// The type of a part. One that is retired cannot be named any more; but what came under it comes again, and the default goes on
/// until there is another.
fn type_of<'a>(
    part: &Part<'_>,
    program: &'a Program,
    at: DateTime<Utc>,
) -> Result<&'a CommissionType, Refusal> {
    let (identifier, may_be_retired) = match part.commission_type {
        None | Some("default") => (program.terms_at(at).default_type.as_str(), true),
        Some(other) => (other, part.comes_again),
    };
    program
        .commission_type(identifier, at)
        .filter(|rule| !rule.retired || may_be_retired)
        .ok_or_else(|| {
            let detail = format!(
                "commission_type {identifier:?} is not known in program {:?}",
                program.slug
            );
            Refusal::new(Reason::UnknownCommissionType, detail)
        })
}

/// What a rate makes of a sub amount.
struct Priced {
    percent: Option<Decimal>,
    /// A fixed amount.
    said: Option<Decimal>,
    gross: Money,
    /// Before rounding.
    exact: Decimal,
}

impl Priced {
    fn by(rate: Rate, sub_amount: Decimal, currency: Currency) -> Result<Self, Refusal> {
        Ok(match rate {
            Rate::Percentage(percent) => {
                let percent = stored_rate(percent);
                Self {
                    percent: Some(percent),
                    said: None,
                    gross: percentage(sub_amount, percent, currency)?,
                    exact: exact_percentage(sub_amount, percent),
                }
            }
            Rate::Fixed(amount) => Self {
                percent: None,
                said: Some(amount),
                gross: money(amount, currency)?,
                exact: amount,
            },
        })
    }
}

/// An explicit amount, else the affiliate's own rate, else the group's override, else the type's.
fn source_and_rate(
    part: &Part<'_>,
    own: &OwnRate,
    rule: &CommissionType,
    group: Option<&str>,
) -> (RuleSource, Rate) {
    if let Some((exact, _)) = part.exact {
        return (RuleSource::Explicit, Rate::Fixed(exact));
    }
    if let Some(rate) = own.rate {
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
    /// Instead of a calculated commission, and in which currency it was said.
    pub exact: Option<(Decimal, Currency)>,
    pub commission_type: Option<&'a str>,
    pub comment: Option<&'a str>,
    /// A commission of this type comes again: whether the type can still be named does not matter.
    pub comes_again: bool,
}

/// Explicit commission, explicit lines, or the whole sale: A partner who ignores product
/// rates gets the own rate on the whole sale even then (seed: Yaplet, product commission overrides).
/// An amount that the request says is money of the sale.
fn parts<'a>(
    create: &'a CreateConversion,
    affiliation: &Affiliation,
    at: DateTime<Utc>,
    currency: Currency,
) -> Vec<Part<'a>> {
    let whole = |exact: Option<Decimal>| {
        let exact = exact.map(|exact| (exact, currency));
        let commission_type = create.commission_type.as_deref();
        vec![Part {
            sub_amount: create.amount,
            exact,
            commission_type,
            comment: None,
            comes_again: false,
        }]
    };
    if affiliation.rates.at(at).ignore_product_rate {
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
                comes_again: false,
            })
            .collect(),
    }
}

/// Level 2 pays the seller's parent, level 3 the grandparent, on the same sub amount. A parent who is not approved in
/// the program earns nothing, but does not end the line; nor does a level that is retired.
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
        if approved && !level.retired {
            lines.push(level_line(level, id, sub_amount, currency)?);
        }
        parent = catalog.affiliate(id).and_then(|affiliate| affiliate.parent);
    }
    Ok(lines)
}

/// What a level pays to `parent`.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`](super::MAX_AMOUNT).
pub fn level_line(
    level: &Level,
    parent: AffiliateId,
    sub_amount: Decimal,
    currency: Currency,
) -> Result<Line, Refusal> {
    let priced = Priced::by(Rate::Percentage(level.percentage), sub_amount, currency)?;
    let commission_type = format!("level-{}", level.level);
    Ok(Line {
        affiliate: parent,
        kind: CommissionKind::Level,
        commission_type: commission_type.clone(),
        name: level.title.clone(),
        rate: priced.percent,
        exact: priced.said,
        sub_amount,
        gross: priced.gross,
        comment: None,
        share: Some(sub_amount),
        recurrence: Recurrence::Once,
        counts_towards_cap: false,
        rule: Rule {
            source: RuleSource::Level,
            commission_type,
            since: level.valid_from,
            percent: priced.percent,
            exact: priced.exact,
            currency: None,
        },
    })
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
