//! What the rules of its time give now for each commission of a conversion. A rule may have been changed backdated, so this
//! need not be what the commission was calculated by.
//!
//! What somebody has said is not calculated: amounts of requests and amounts set by hand are left alone. Attribution, limits,
//! approval and the type of each commission are taken as they were decided.

use rust_decimal::Decimal;

use super::{
    LeftAlone, Money, Refusal,
    commission::{Line, Part, Sale, level_line, part_lines},
    entities::{Commission, CommissionKind, Conversion},
    pricing::{adopt, rated},
    trace::{Rule, RuleSource},
};

/// What becomes of a conversion's commissions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recalculation {
    pub changes: Vec<NewGross>,
    pub left: LeftAlone,
}

/// What a commission is by the rules of its time.
#[derive(Clone, Debug, PartialEq)]
pub struct NewGross {
    /// Its place among the conversion's commissions.
    pub index: usize,
    /// Percent; `None`: a fixed amount.
    pub rate: Option<Decimal>,
    /// The fixed amount before rounding.
    pub exact: Option<Decimal>,
    /// Before refunds.
    pub gross: Money,
    pub rule: Rule,
}

/// What one commission is by the rules of its time.
enum Verdict {
    Calculated(Box<Line>),
    Explicit,
    ByHand,
    NoRule,
    OtherCurrency,
    Unknown,
}

/// Compares each commission of `conversion` with what the rules of its time give. `sale` is the conversion's; its time is not
/// looked at, as commissions that were added later have times of their own.
///
/// # Errors
/// [`Reason::AmountOutOfRange`](super::Reason::AmountOutOfRange) when a commission would be too large.
pub fn recalculation(conversion: &Conversion, sale: &Sale<'_>) -> Result<Recalculation, Refusal> {
    let mut result = Recalculation::default();
    for (index, commission) in conversion.commissions.iter().enumerate() {
        match verdict(conversion, index, commission, sale)? {
            Verdict::Calculated(line) => {
                let original = conversion.original_amount;
                result.changes.extend(change(index, commission, original, *line)?);
            }
            Verdict::Explicit => result.left.explicit += 1,
            Verdict::ByHand => result.left.by_hand += 1,
            Verdict::NoRule => result.left.no_rule += 1,
            Verdict::OtherCurrency => result.left.other_currency += 1,
            Verdict::Unknown => result.left.unknown += 1,
        }
    }
    result.left.missing_levels = missing_levels(conversion, sale)?;
    Ok(result)
}

/// `None`: it is that already.
fn change(
    index: usize,
    commission: &Commission,
    original: Decimal,
    line: Line,
) -> Result<Option<NewGross>, Refusal> {
    let gross = match line.rate {
        // The line is of the share that the create sent; the amount may have been updated since.
        Some(percent) => rated(commission, original, percent)?,
        None => line.gross,
    };
    let is_same = line.rate == commission.rate && gross.amount() == commission.gross;
    Ok((!is_same).then_some(NewGross {
        index,
        rate: line.rate,
        exact: line.exact,
        gross,
        rule: line.rule,
    }))
}

fn verdict(
    conversion: &Conversion,
    index: usize,
    commission: &Commission,
    sale: &Sale<'_>,
) -> Result<Verdict, Refusal> {
    let rule = rule_of(conversion, index);
    if rule.is_some_and(|rule| rule.source == RuleSource::Explicit) {
        return Ok(Verdict::Explicit);
    }
    if conversion.trace.set_by_hand.contains(&commission.id) {
        return Ok(Verdict::ByHand);
    }
    if commission.rate.is_none() && rule.is_none() {
        return Ok(Verdict::Unknown);
    }
    if said(commission, conversion.original_amount, rule).is_some() {
        return Ok(Verdict::ByHand);
    }
    let line = match level_of(conversion, commission, rule) {
        Some(level) => of_level(level, commission, sale)?,
        None => own_line(commission, sale)?,
    };
    Ok(match line {
        None => Verdict::NoRule,
        // What the ledger holds in one currency cannot become another: a percentage is paid in the sale's, an amount in the program's.
        Some(line) if line.gross.currency() != commission.currency => Verdict::OtherCurrency,
        Some(line) => Verdict::Calculated(Box::new(line)),
    })
}

/// How a commission was calculated. The trace has a rule for each commission, in their order; rows of earlier versions have none.
pub fn rule_of(conversion: &Conversion, index: usize) -> Option<&Rule> {
    let rules = &conversion.trace.rules;
    let is_whole = rules.len() == conversion.commissions.len();
    rules.get(index).filter(|_| is_whole)
}

/// The amount that somebody has said instead of a rule, exactly; `None`: the commission is calculated. `original`: the amount of
/// its sale as the create sent it. `rule` is how it was calculated, where that is known.
pub fn said(commission: &Commission, original: Decimal, rule: Option<&Rule>) -> Option<Decimal> {
    let fixed = rule.filter(|rule| rule.percent.is_none()).map(|rule| rule.exact);
    let mut commission = commission.clone();
    adopt(&mut commission, original, fixed);
    let is_explicit = rule.is_none_or(|rule| rule.source == RuleSource::Explicit);
    commission
        .exact
        .filter(|exact| is_explicit || fixed != Some(*exact))
}

/// The level that a commission is for; `None`: it is the seller's own. Repetitions are of one kind for seller and parents.
fn level_of(conversion: &Conversion, commission: &Commission, rule: Option<&Rule>) -> Option<i32> {
    let is_level = match (commission.kind, rule) {
        (CommissionKind::Level, _) => true,
        (CommissionKind::Recurring, Some(rule)) => rule.source == RuleSource::Level,
        (CommissionKind::Recurring, None) => commission.affiliate != conversion.affiliate,
        (CommissionKind::Regular | CommissionKind::Bonus, _) => false,
    };
    let number = commission.commission_type.strip_prefix("level-");
    number.filter(|_| is_level)?.parse().ok()
}

fn part(commission: &Commission) -> Part<'_> {
    Part {
        // Explanations show the rule on the share that the create sent.
        sub_amount: commission.share.unwrap_or(commission.sub_amount),
        exact: None,
        commission_type: Some(&commission.commission_type),
        comment: None,
        // It is there already: that nobody can name its type any more does not matter.
        comes_again: true,
    }
}

/// The seller's line by its type; `None`: the type is not known at its time.
fn own_line(commission: &Commission, sale: &Sale<'_>) -> Result<Option<Line>, Refusal> {
    Ok(lines_of(commission, sale)?.into_iter().next())
}

/// The seller's line, then the levels; none where its type is not known at its time.
fn lines_of(commission: &Commission, sale: &Sale<'_>) -> Result<Vec<Line>, Refusal> {
    let sale = at_its_time(commission, sale);
    let kind = &commission.commission_type;
    if sale.program.commission_type(kind, sale.at).is_none() {
        return Ok(Vec::new());
    }
    part_lines(&part(commission), &sale)
}

/// The parent's line; `None`: the level is not known at its time.
fn of_level(level: i32, commission: &Commission, sale: &Sale<'_>) -> Result<Option<Line>, Refusal> {
    let sale = at_its_time(commission, sale);
    let sub_amount = part(commission).sub_amount;
    let level = sale.program.level(level, sale.at).filter(|level| !level.retired);
    level
        .map(|level| level_line(level, commission.affiliate, sub_amount, sale.currency))
        .transpose()
}

fn at_its_time<'a>(commission: &Commission, sale: &Sale<'a>) -> Sale<'a> {
    Sale {
        at: commission.created_at,
        ..*sale
    }
}

/// Parents whom the rules of the time pay, with the parents of today, and who have no commission.
fn missing_levels(conversion: &Conversion, sale: &Sale<'_>) -> Result<usize, Refusal> {
    let (mut wanted, mut there) = (Vec::new(), Vec::new());
    for (index, commission) in conversion.commissions.iter().enumerate() {
        let at = commission.created_at;
        if level_of(conversion, commission, rule_of(conversion, index)).is_some() {
            there.push((at, commission.affiliate, commission.commission_type.clone()));
            continue;
        }
        let lines = lines_of(commission, sale)?.into_iter().skip(1);
        wanted.extend(lines.map(|line| (at, line.affiliate, line.commission_type)));
    }
    for found in there {
        if let Some(place) = wanted.iter().position(|want| *want == found) {
            wanted.swap_remove(place);
        }
    }
    Ok(wanted.len())
}
