//! What a sale's facts make of its commissions, in whole numbers.

use std::collections::BTreeSet;

use super::history::{Approves, Coin, Step};

/// A sale and all that has happened to it.
#[derive(Debug)]
pub(super) struct Sale {
    pub order: u8,
    pub seller: i64,
    pub coin: Coin,
    pub is_alive: bool,
    pub facts: Vec<Step>,
    /// Numbers of its commissions.
    pub numbers: Vec<i64>,
}

/// One commission. Order amounts are in millionths, `gross` in minor units.
struct Line {
    affiliate: i64,
    permille: Option<i128>,
    follows: Option<i128>,
    /// What the seller's own line of the sale is calculated on.
    part: Option<i128>,
    gross: i128,
    approved: Option<bool>,
    is_ripe: bool,
}

/// A sale as its facts have made it so far.
#[derive(Default)]
struct State {
    base: i128,
    amount: i128,
    refunded: i128,
    refund_ids: BTreeSet<i64>,
    is_full: bool,
    is_charged_back: bool,
    lines: Vec<Line>,
}

/// A quotient, halves up; nothing here is negative.
fn divided(dividend: i128, divisor: i128) -> i128 {
    (2 * dividend + divisor) / (2 * divisor)
}

fn millionths(thousandths: i64) -> i128 {
    i128::from(thousandths) * 1000
}

impl Sale {
    /// Affiliate, what is left in minor units, and approval of each commission.
    pub(super) fn worth(&self, approves: Approves) -> Vec<(i64, i128, Option<bool>)> {
        let mut now = State::default();
        for fact in &self.facts {
            match fact {
                Step::Create {
                    parts,
                    explicit,
                    is_old,
                    ..
                } => {
                    now.base = millionths(parts.iter().sum());
                    now.amount = now.base;
                    let whole = [now.base];
                    let each: Vec<i128> = parts.iter().copied().map(millionths).collect();
                    let all = if explicit.is_some() { &whole[..] } else { &each[..] };
                    for (index, part) in all.iter().enumerate() {
                        let mut lines = self.lines(*part, *explicit, approves, *is_old);
                        for line in &mut lines {
                            // Of nothing only the first line knows what its part is.
                            line.follows = line.follows.filter(|_| index == 0 || now.base > 0);
                        }
                        now.lines.extend(lines);
                    }
                }
                Step::Add { amount, .. } => {
                    let lines = self.lines(millionths(*amount), None, approves, false);
                    now.lines.extend(lines.into_iter().map(|line| Line {
                        follows: None,
                        part: None,
                        ..line
                    }));
                }
                Step::Judge { commission, .. } | Step::Reprice { commission, .. } => {
                    let at = self
                        .numbers
                        .iter()
                        .position(|number| number == commission)
                        .unwrap();
                    reprice_sale(&mut now, at, fact);
                    self.change(&mut now.lines[at], fact);
                }
                _ => self.change_all(&mut now, fact),
            }
        }
        let is_gone = now.is_full || now.is_charged_back || (now.refunded > 0 && now.refunded >= now.amount);
        let left = |gross| match now.refunded {
            _ if is_gone => 0,
            0 => gross,
            refunded => divided(gross * (now.amount - refunded), now.amount),
        };
        let told = now
            .lines
            .iter()
            .map(|line| (line.affiliate, left(line.gross), line.approved));
        told.collect()
    }

    /// The seller's line of a part, and the parent's.
    fn lines(&self, part: i128, explicit: Option<i64>, approves: Approves, is_ripe: bool) -> Vec<Line> {
        let line = |affiliate, permille: Option<i128>| Line {
            affiliate,
            permille,
            follows: permille.is_some().then_some(part),
            part: (affiliate == self.seller).then_some(part),
            gross: match (permille, explicit) {
                (Some(permille), _) => self.share(part, permille),
                (None, exact) => self.minor(millionths(exact.unwrap_or_default())),
            },
            approved: (approves == Approves::AtOnce).then_some(true),
            is_ripe: is_ripe && approves == Approves::AfterADay,
        };
        let own = if self.seller == 1 { 100 } else { 125 };
        let own = explicit.is_none().then_some(own);
        let parent = (self.seller == 1).then(|| line(3, Some(50)));
        [line(self.seller, own)].into_iter().chain(parent).collect()
    }

    fn minor(&self, millionths: i128) -> i128 {
        divided(millionths, 10i128.pow(6 - self.coin.scale))
    }

    fn share(&self, amount: i128, permille: i128) -> i128 {
        divided(amount * permille, 1000 * 10i128.pow(6 - self.coin.scale))
    }

    /// What changes one commission.
    fn change(&self, line: &mut Line, fact: &Step) {
        match fact {
            Step::Judge { approved, .. } => line.approved = Some(*approved),
            Step::Reprice {
                amount, sub_amount, ..
            } => {
                if let (Some(sub), Some(permille)) = (sub_amount, line.permille) {
                    line.gross = self.share(millionths(*sub), permille);
                }
                if let Some(amount) = amount {
                    line.gross = self.minor(millionths(*amount));
                }
                if amount.is_some() || sub_amount.is_some() {
                    line.follows = None;
                }
            }
            _ => {}
        }
    }

    /// What changes the sale, and with it its commissions.
    fn change_all(&self, now: &mut State, fact: &Step) {
        match fact {
            Step::Update { amount, approved, .. } => {
                if let Some(amount) = amount {
                    now.amount = millionths(*amount);
                    self.recalculate(now);
                }
                for line in &mut now.lines {
                    line.approved = approved.or(line.approved);
                }
            }
            Step::Edit {
                amount: Some(amount),
                recalculate,
                ..
            } => {
                now.amount = millionths(*amount);
                if *recalculate {
                    self.recalculate(now);
                }
            }
            Step::Refund { amount, id, .. } => match (amount, id) {
                (_, Some(id)) if !now.refund_ids.insert(*id) => {}
                (Some(amount), _) => now.refunded += millionths(*amount),
                (None, _) => now.is_full = true,
            },
            Step::Chargeback { reversed, .. } => now.is_charged_back = !reversed,
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

    fn recalculate(&self, now: &mut State) {
        for line in &mut now.lines {
            if let (Some(part), Some(permille)) = (line.follows, line.permille) {
                let is_whole = part == now.base;
                let sub = if is_whole {
                    now.amount
                } else {
                    divided(part * now.amount, now.base)
                };
                line.gross = self.share(sub, permille);
                line.part = line.part.map(|_| sub);
            }
        }
    }
}

/// A new part of the sale changes its amount.
fn reprice_sale(now: &mut State, at: usize, fact: &Step) {
    let Step::Reprice {
        sub_amount: Some(sub),
        ..
    } = fact
    else {
        return;
    };
    let after = millionths(*sub);
    let parts = now.lines.iter().filter(|line| line.part.is_some()).count();
    if let Some(before) = now.lines[at].part {
        now.amount = if parts == 1 {
            after
        } else {
            (now.amount - before + after).max(0)
        };
        now.lines[at].part = Some(after);
    }
}
