//! What a commission is worth: exactly, and then rounded once. All that changes a commission's amount asks here, and nobody else
//! rounds: gross is `rate × sub amount` or the amount that was said, net is gross less the share that refunds took.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    Currency, MAX_AMOUNT, Money, Reason, Refusal,
    entities::Commission,
    fraction::Fraction,
    money::{ORDER_SCALE, order_amount},
};

/// Decimals of a percentage of an order's amount: no more than 6 of the amount, 6 of the rate, 2 of the percent sign.
const EXACT_SCALE: u32 = 14;

/// A rate with the decimals that its column holds.
pub fn stored_rate(percent: Decimal) -> Decimal {
    percent.round_dp_with_strategy(ORDER_SCALE, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount that was said, rounded once.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] below zero and above [`MAX_AMOUNT`].
pub fn money(amount: Decimal, currency: Currency) -> Result<Money, Refusal> {
    if amount < Decimal::ZERO {
        return Err(out_of_range(&amount, currency));
    }
    gross(&Fraction::of(amount), currency)
}

/// `percent` hundredths of `amount`, rounded once.
///
/// # Errors
/// As [`money`].
pub fn percentage(amount: Decimal, percent: Decimal, currency: Currency) -> Result<Money, Refusal> {
    if amount < Decimal::ZERO || percent < Decimal::ZERO {
        return Err(out_of_range(&format!("{percent} % of {amount}"), currency));
    }
    gross(&percent_of(amount, percent), currency)
}

/// `percent` hundredths of `amount` with all of their decimals, to be shown.
pub fn exact_percentage(amount: Decimal, percent: Decimal) -> Decimal {
    let exact = percent_of(amount, percent).rounded(EXACT_SCALE);
    exact.unwrap_or(MAX_AMOUNT)
}

fn percent_of(amount: Decimal, percent: Decimal) -> Fraction {
    Fraction::of(amount).times(percent).over(Decimal::ONE_HUNDRED)
}

fn gross(exact: &Fraction, currency: Currency) -> Result<Money, Refusal> {
    let rounded = exact
        .rounded(currency.scale())
        .filter(|_| !exact.is_above(MAX_AMOUNT));
    rounded
        .map(|amount| Money::rounded(amount, currency))
        .ok_or_else(|| out_of_range(&format!("more than {MAX_AMOUNT}"), currency))
}

fn out_of_range(amount: &dyn std::fmt::Display, currency: Currency) -> Refusal {
    let detail = format!("a commission of {amount} {currency} is not between 0 and {MAX_AMOUNT}");
    Refusal::new(Reason::AmountOutOfRange, detail)
}

/// What is left of an exact commission when `refunded` of a sale of `sale` was given back: `round(exact × (1 − refunded /
/// sale))`, so that any number of partial refunds ends exactly at zero. For a sale of 0 any refund is full.
pub fn net(exact: &Fraction, refunded: Decimal, sale: Decimal, currency: Currency) -> Money {
    if refunded >= sale && !refunded.is_zero() {
        return Money::zero(currency);
    }
    let left = exact.clone().times(sale - refunded).over(sale);
    let left = if refunded.is_zero() { exact } else { &left };
    // No more than the gross, which fits.
    let amount = left.rounded(currency.scale()).unwrap_or(MAX_AMOUNT);
    Money::rounded(amount, currency)
}

/// The exact worth of a commission before refunds. `original`: the amount of its sale as the create sent it, of which `share` is
/// a part.
pub fn exact_gross(commission: &Commission, original: Decimal) -> Fraction {
    match (commission.exact, commission.rate) {
        (Some(exact), _) => Fraction::of(exact),
        (None, Some(percent)) => exact_sub_amount(commission, original)
            .times(percent)
            .over(Decimal::ONE_HUNDRED),
        (None, None) => Fraction::of(commission.gross),
    }
}

/// What it is calculated on: the part of the sale's amount that it follows, which `sub_amount` shows with 6 decimals.
fn exact_sub_amount(commission: &Commission, original: Decimal) -> Fraction {
    match (commission.share, commission.followed) {
        (Some(share), Some(followed)) if !original.is_zero() => {
            Fraction::of(share).times(followed).over(original)
        }
        _ => Fraction::of(commission.sub_amount),
    }
}

/// Sees to it that the exact worth of a commission is that of its gross. Rows of earlier versions do not say how exact they were,
/// and a process of such a version may have changed one of this version's. `said`: the amount before rounding by the
/// rule that was recorded with it, if it was not a percentage.
pub fn adopt(commission: &mut Commission, original: Decimal, said: Option<Decimal>) {
    let is_worth = |candidate: &Commission| {
        let exact = exact_gross(candidate, original);
        exact.rounded(candidate.currency.scale()) == Some(candidate.gross)
    };
    let shows = exact_sub_amount(commission, original).rounded(ORDER_SCALE);
    if shows != Some(commission.sub_amount) {
        commission.followed = None;
    }
    if (commission.exact.is_some() || commission.rate.is_some()) && is_worth(commission) {
        return;
    }
    let rated = Commission {
        exact: None,
        ..commission.clone()
    };
    if commission.rate.is_some() && is_worth(&rated) {
        commission.exact = None;
        return;
    }
    let is_said = |said: &Decimal| Money::rounded(*said, commission.currency).amount() == commission.gross;
    commission.exact = said.filter(is_said).or(Some(commission.gross));
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
    let is_whole = share == original || original.is_zero();
    // One of several lines: each keeps its share of the sale.
    commission.followed = Some(after).filter(|_| !is_whole);
    commission.sub_amount = if is_whole {
        after
    } else {
        let shown = exact_sub_amount(commission, original).rounded(ORDER_SCALE);
        shown.and_then(order_amount).ok_or_else(|| {
            let detail = format!("a part of {share} of {original} is out of range at {after}");
            Refusal::new(Reason::AmountOutOfRange, detail)
        })?
    };
    if commission.rate.is_some() {
        commission.exact = None;
        set_gross(commission, original)?;
    }
    Ok(())
}

/// Somebody says what the commission is calculated on: it no longer follows its sale. A fixed one changes in that amount alone.
///
/// # Errors
/// As [`follow_amount`].
pub fn set_sub_amount(commission: &mut Commission, sub_amount: Decimal) -> Result<(), Refusal> {
    commission.sub_amount = sub_amount;
    (commission.share, commission.followed) = (None, None);
    if commission.rate.is_some() {
        commission.exact = None;
        set_gross(commission, Decimal::ZERO)?;
    }
    Ok(())
}

/// Somebody says how much it is: it no longer follows its sale.
///
/// # Errors
/// As [`follow_amount`].
pub fn set_amount(commission: &mut Commission, amount: Decimal) -> Result<(), Refusal> {
    commission.gross = money(amount, commission.currency)?.amount();
    commission.exact = Some(amount);
    (commission.share, commission.followed) = (None, None);
    Ok(())
}

/// What another rate makes of it, on the same part of its sale's amount.
///
/// # Errors
/// As [`follow_amount`].
pub fn rated(commission: &Commission, original: Decimal, percent: Decimal) -> Result<Money, Refusal> {
    let rated = Commission {
        rate: Some(percent),
        exact: None,
        ..commission.clone()
    };
    gross(&exact_gross(&rated, original), commission.currency)
}

fn set_gross(commission: &mut Commission, original: Decimal) -> Result<(), Refusal> {
    commission.gross = gross(&exact_gross(commission, original), commission.currency)?.amount();
    Ok(())
}
