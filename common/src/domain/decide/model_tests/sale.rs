//! What a sale's facts make of its commissions: fractions of whole numbers of any size, each rounded once.

use std::collections::BTreeSet;

use num_bigint::BigInt;

use super::history::{Approves, Coin, Step};

/// A sale and all that has happened to it.
#[derive(Debug)]
pub(super) struct Sale {
    pub order: u8,
    pub seller: i64,
    pub coin: Coin,
    /// Beyond a limit of its program: it brought no commission.
    pub is_capped: bool,
    /// The customer and the program for whose limit it counts.
    pub counts_for: Option<(u8, i64)>,
    pub is_alive: bool,
    /// With the ids of their events, in the order in which they were decided.
    pub facts: Vec<(u128, Step)>,
    /// Numbers of its commissions.
    pub numbers: Vec<i64>,
}

/// A quotient, which is not reduced. Nothing here is negative.
#[derive(Clone)]
struct Exact(BigInt, BigInt);

impl Exact {
    fn of(amount: i64, decimals: u32) -> Self {
        Self(amount.into(), BigInt::from(10).pow(decimals))
    }

    fn part(&self, of: i64, whole: i64) -> Self {
        Self(&self.0 * of, &self.1 * whole)
    }

    /// In minor units, halves up.
    fn rounded(&self, coin: Coin) -> i128 {
        let doubled = &self.0 * BigInt::from(10).pow(coin.scale) * 2;
        let rounded: BigInt = (doubled + &self.1) / (&self.1 * 2_i64);
        rounded.try_into().unwrap()
    }
}

/// One commission. Order amounts are in millionths, rates in millionths of a percent.
struct Line {
    affiliate: i64,
    rate: Option<i64>,
    follows: Option<i64>,
    /// What the seller's own line of the sale is calculated on.
    part: Option<i64>,
    worth: Exact,
    approved: Option<bool>,
    judged: Time,
    is_ripe: bool,
}

/// When a field was set: see [`Step::time`].
type Time = Option<(i64, u128)>;

/// A sale as its facts have made it so far.
#[derive(Default)]
struct State {
    base: i64,
    amount: i64,
    refunded: i128,
    has_refund: bool,
    refund_ids: BTreeSet<i64>,
    /// Of refunds without an id.
    refund_amounts: BTreeSet<i64>,
    is_full: bool,
    is_charged_back: bool,
    lines: Vec<Line>,
    /// What the latest status said.
    status: Option<bool>,
    amount_set: Time,
    status_set: Time,
    chargeback_set: Time,
}

/// Whether what is said at `time` counts after what was said at `before`. If so it is what counts now.
fn counts(before: &mut Time, time: (i64, u128)) -> bool {
    let counts = before.is_none_or(|before| before < time);
    if counts {
        *before = Some(time);
    }
    counts
}

/// Decimals of order amounts; of amounts that are said; of a rate, which is a percentage.
const ORDER: u32 = 6;
const SAID: u32 = 10;
const RATE: u32 = 6 + 2;

/// The largest order amount, in millionths.
const LARGEST: i64 = 1_000_000_000_000 * 1_000_000;

/// `rate` of an amount.
fn share(amount: &Exact, rate: i64) -> Exact {
    Exact(&amount.0 * rate, &amount.1 * BigInt::from(10).pow(RATE))
}

impl Sale {
    /// Affiliate, what is left in minor units, and approval of each commission.
    pub(super) fn worth(&self, approves: Approves) -> Vec<(i64, i128, Option<bool>)> {
        let mut now = State::default();
        for (id, fact) in &self.facts {
            let time = fact.time(*id);
            match fact {
                Step::Create {
                    parts,
                    explicit,
                    is_old,
                    ..
                } => {
                    now.base = parts.iter().sum();
                    now.amount = now.base;
                    let whole = [now.base];
                    let all = if explicit.is_some() {
                        &whole[..]
                    } else {
                        &parts[..]
                    };
                    for (index, part) in all.iter().enumerate().filter(|_| !self.is_capped) {
                        let mut lines = self.lines(*part, *explicit, approves, *is_old);
                        for line in &mut lines {
                            // Of nothing only the first line knows what its part is.
                            line.follows = line.follows.filter(|_| index == 0 || now.base > 0);
                        }
                        now.lines.extend(lines);
                    }
                }
                Step::Add { amount, .. } => {
                    // To a sale that is disapproved nothing is added that is earned; beyond a limit a person decides.
                    let own = now.lines.iter().filter(|line| line.affiliate == self.seller);
                    let own: Vec<Option<bool>> = own.map(|line| line.approved).collect();
                    let is_disapproved = match own.as_slice() {
                        [] => now.status == Some(false),
                        own => own.iter().all(|approved| *approved == Some(false)),
                    };
                    let lines = self.lines(*amount, None, approves, false);
                    now.lines.extend(lines.into_iter().map(|line| Line {
                        follows: None,
                        part: None,
                        approved: if is_disapproved {
                            Some(false)
                        } else {
                            line.approved.filter(|_| !self.is_capped)
                        },
                        ..line
                    }));
                }
                Step::Judge { commission, .. } | Step::Reprice { commission, .. } => {
                    let at = self
                        .numbers
                        .iter()
                        .position(|number| number == commission)
                        .unwrap();
                    if reprice_sale(&mut now, at, fact, time) {
                        let is_last_word = now.status_set.is_none_or(|status| status < time);
                        change(&mut now.lines[at], fact, time, is_last_word);
                    }
                }
                _ => change_all(&mut now, fact, time),
            }
        }
        let amount = i128::from(now.amount);
        let is_gone = now.is_full || now.is_charged_back || (now.has_refund && now.refunded >= amount);
        let left = |worth: &Exact| match now.refunded {
            _ if is_gone => 0,
            0 => worth.rounded(self.coin),
            refunded => {
                let left = i64::try_from(amount - refunded).unwrap();
                worth.part(left, now.amount).rounded(self.coin)
            }
        };
        let told = now
            .lines
            .iter()
            .map(|line| (line.affiliate, left(&line.worth), line.approved));
        told.collect()
    }

    /// The seller's line of a part, and the parent's.
    fn lines(&self, part: i64, explicit: Option<i64>, approves: Approves, is_ripe: bool) -> Vec<Line> {
        let line = |affiliate, rate: Option<i64>| Line {
            affiliate,
            rate,
            follows: rate.is_some().then_some(part),
            part: (affiliate == self.seller).then_some(part),
            worth: match (rate, explicit) {
                (Some(rate), _) => share(&Exact::of(part, ORDER), rate),
                (None, said) => Exact::of(said.unwrap_or_default(), SAID),
            },
            approved: (approves == Approves::AtOnce).then_some(true),
            judged: None,
            is_ripe: is_ripe && approves == Approves::AfterADay,
        };
        let own = if self.seller == 1 { 10_000_000 } else { 33_333_333 };
        let own = explicit.is_none().then_some(own);
        let parent = (self.seller == 1).then(|| line(3, Some(5_000_000)));
        [line(self.seller, own)].into_iter().chain(parent).collect()
    }
}

/// What changes one commission. `is_last_word`: no status of the sale was said for a later time.
fn change(line: &mut Line, fact: &Step, time: (i64, u128), is_last_word: bool) {
    match fact {
        Step::Judge { approved, .. } if is_last_word && counts(&mut line.judged, time) => {
            line.approved = Some(*approved);
        }
        Step::Reprice {
            amount, sub_amount, ..
        } => {
            if let (Some(sub), Some(rate)) = (sub_amount, line.rate) {
                line.worth = share(&Exact::of(*sub, ORDER), rate);
            }
            if let Some(amount) = amount {
                line.worth = Exact::of(*amount, SAID);
            }
            if amount.is_some() || sub_amount.is_some() {
                line.follows = None;
            }
        }
        _ => {}
    }
}

/// What changes the sale, and with it its commissions.
fn change_all(now: &mut State, fact: &Step, time: (i64, u128)) {
    match fact {
        Step::Update { amount, approved, .. } => {
            if let Some(amount) = amount.filter(|_| counts(&mut now.amount_set, time)) {
                now.amount = amount;
                recalculate(now);
            }
            if let Some(approved) = approved.filter(|_| counts(&mut now.status_set, time)) {
                now.status = Some(approved);
                let lines = now.lines.iter_mut();
                for line in lines.filter(|line| line.judged.is_none_or(|judged| judged < time)) {
                    line.approved = Some(approved);
                }
            }
        }
        Step::Edit {
            amount: Some(amount),
            recalculate: follow,
            ..
        } if counts(&mut now.amount_set, time) => {
            now.amount = *amount;
            if *follow {
                recalculate(now);
            }
        }
        Step::Refund { amount, id, .. } => match (amount, id) {
            (_, Some(id)) if !now.refund_ids.insert(*id) => {}
            (Some(amount), None) if !now.refund_amounts.insert(*amount) => {}
            (Some(amount), _) => {
                now.has_refund = true;
                now.refunded += i128::from(*amount);
            }
            (None, _) => now.is_full = true,
        },
        Step::Chargeback { reversed, .. } if counts(&mut now.chargeback_set, time) => {
            now.is_charged_back = !reversed;
        }
        Step::HoldEnds { .. } => {
            for line in now.lines.iter_mut().filter(|line| line.is_ripe) {
                line.approved = line.approved.or(Some(true));
            }
        }
        Step::Delete { .. } => {
            for line in &mut now.lines {
                line.approved = Some(false);
            }
        }
        _ => {}
    }
}

fn recalculate(now: &mut State) {
    for line in &mut now.lines {
        if let (Some(part), Some(rate)) = (line.follows, line.rate) {
            let amount = Exact::of(now.amount, ORDER);
            let followed = if now.base == 0 {
                amount
            } else {
                amount.part(part, now.base)
            };
            line.worth = share(&followed, rate);
            line.part = line.part.map(|_| shown(part, now.amount, now.base));
        }
    }
}

/// A part of what was `base` and is `amount` now, with six decimals, halves up.
fn shown(part: i64, amount: i64, base: i64) -> i64 {
    if base == 0 {
        return amount;
    }
    let (part, amount, base) = (i128::from(part), i128::from(amount), i128::from(base));
    i64::try_from((2 * part * amount + base) / (2 * base)).unwrap()
}

/// A new part of the sale changes its amount, unless that would be too large: then nothing changes.
fn reprice_sale(now: &mut State, at: usize, fact: &Step, time: (i64, u128)) -> bool {
    let Step::Reprice {
        sub_amount: Some(after),
        ..
    } = *fact
    else {
        return true;
    };
    let Some(before) = now.lines[at].part else {
        return true;
    };
    let parts = now.lines.iter().filter(|line| line.part.is_some()).count();
    let amount = if parts == 1 {
        after
    } else {
        (now.amount - before + after).max(0)
    };
    if now.amount_set.is_none_or(|set| set < time) {
        if amount > LARGEST {
            return false;
        }
        now.amount = amount;
        now.amount_set = Some(time);
    }
    now.lines[at].part = Some(after);
    true
}
