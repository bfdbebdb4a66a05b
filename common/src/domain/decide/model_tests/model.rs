//! What the balances must be, by a second way: facts are only collected, and the sums are made from nothing at the end, in
//! whole numbers. It shares no code with what it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Coin, Step};

/// How the program of a history approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approves {
    ByHand,
    AtOnce,
    AfterADay,
}

/// Pending, payable and paid, in minor units.
pub(super) type Sums = [i128; 3];
/// By affiliate and currency; nothing is not told.
pub(super) type Balances = BTreeMap<(i64, Coin), Sums>;

#[derive(Debug)]
pub(super) struct Model {
    approves: Approves,
    seen: BTreeSet<u128>,
    sales: Vec<Sale>,
    waiting: Vec<(u128, u8, Step)>,
    payments: Vec<(i64, Coin, i128, bool)>,
    commissions: i64,
}

#[derive(Debug)]
struct Sale {
    order: u8,
    seller: i64,
    coin: Coin,
    is_alive: bool,
    facts: Vec<(u128, Step)>,
    /// Numbers of its commissions.
    numbers: Vec<i64>,
}

impl Model {
    pub(super) fn of(approves: Approves, steps: &[(u128, Step)]) -> Self {
        let mut model = Self {
            approves,
            seen: BTreeSet::new(),
            sales: Vec::new(),
            waiting: Vec::new(),
            payments: Vec::new(),
            commissions: 0,
        };
        for (id, step) in steps {
            if model.seen.insert(*id) {
                model.happens(*id, step);
            }
        }
        model
    }

    fn happens(&mut self, id: u128, step: &Step) {
        match step {
            Step::Create {
                order,
                seller,
                coin,
                parts,
                explicit,
                ..
            } => {
                if self
                    .sales
                    .iter()
                    .any(|sale| sale.is_alive && sale.order == *order)
                {
                    return;
                }
                let lines = if explicit.is_some() { 1 } else { parts.len() };
                let numbers = self.draw(lines, *seller);
                self.sales.push(Sale {
                    order: *order,
                    seller: *seller,
                    coin: *coin,
                    is_alive: true,
                    facts: vec![(id, step.clone())],
                    numbers,
                });
                let (mut come, stay): (Vec<_>, _) = std::mem::take(&mut self.waiting)
                    .into_iter()
                    .partition(|(_, of, _)| of == order);
                self.waiting = stay;
                come.sort_by_key(|(id, ..)| *id);
                for (id, _, step) in come {
                    self.happens(id, &step);
                }
            }
            Step::Update { order, .. } | Step::Refund { order, .. } | Step::Chargeback { order, .. } => {
                match self
                    .sales
                    .iter_mut()
                    .find(|sale| sale.is_alive && sale.order == *order)
                {
                    Some(sale) => sale.facts.push((id, step.clone())),
                    None => self.waiting.push((id, *order, step.clone())),
                }
            }
            Step::Edit {
                conversion, order, ..
            } => {
                let is_taken = order.is_some_and(|order| {
                    let others = (1i64..)
                        .zip(&self.sales)
                        .filter(|(number, _)| number != conversion);
                    others
                        .into_iter()
                        .any(|(_, sale)| sale.is_alive && sale.order == order)
                });
                if let Some(sale) = self.living(*conversion).filter(|_| !is_taken) {
                    sale.order = order.unwrap_or(sale.order);
                    sale.facts.push((id, step.clone()));
                }
            }
            Step::Add { conversion, .. } => {
                if let Some(seller) = self.living(*conversion).map(|sale| sale.seller) {
                    let numbers = self.draw(1, seller);
                    if let Some(sale) = self.living(*conversion) {
                        sale.numbers.extend(numbers);
                        sale.facts.push((id, step.clone()));
                    }
                }
            }
            Step::HoldEnds { conversion } | Step::Delete { conversion } => {
                if let Some(sale) = self.living(*conversion) {
                    sale.facts.push((id, step.clone()));
                    sale.is_alive = !matches!(step, Step::Delete { .. });
                }
            }
            Step::Judge { commission, .. } | Step::Reprice { commission, .. } => {
                let mut living = self.sales.iter_mut().filter(|sale| sale.is_alive);
                if let Some(sale) = living.find(|sale| sale.numbers.contains(commission)) {
                    sale.facts.push((id, step.clone()));
                }
            }
            Step::Pay {
                affiliate,
                coin,
                units,
            } => {
                let minor = i128::from(*units) * 10i128.pow(coin.scale);
                self.payments.push((*affiliate, *coin, minor, true));
            }
            Step::Cancel { payment } => {
                let at = usize::try_from(payment - 1).unwrap();
                if let Some(payment) = self.payments.get_mut(at) {
                    payment.3 = false;
                }
            }
            Step::Again { .. } => {}
        }
    }

    fn living(&mut self, number: i64) -> Option<&mut Sale> {
        let at = usize::try_from(number - 1).unwrap();
        self.sales.get_mut(at).filter(|sale| sale.is_alive)
    }

    /// Numbers of new commissions: the seller's, and the parent's where there is one.
    fn draw(&mut self, lines: usize, seller: i64) -> Vec<i64> {
        let count = i64::try_from(lines).unwrap() * if seller == 1 { 2 } else { 1 };
        self.commissions += count;
        (self.commissions - count + 1..=self.commissions).collect()
    }

    pub(super) fn balances(&self) -> Balances {
        let mut all = Balances::new();
        for sale in &self.sales {
            for (affiliate, worth, approved) in sale.worth(self.approves) {
                let sums = all.entry((affiliate, sale.coin)).or_default();
                match approved {
                    None => sums[0] += worth,
                    Some(true) => sums[1] += worth,
                    Some(false) => {}
                }
            }
        }
        for (affiliate, coin, minor, _) in self.payments.iter().filter(|payment| payment.3) {
            let sums = all.entry((*affiliate, *coin)).or_default();
            sums[1] -= minor;
            sums[2] += minor;
        }
        all.retain(|_, sums| *sums != [0; 3]);
        all
    }
}

/// One commission of a sale. Order amounts are in millionths, `gross` in minor units.
struct Line {
    affiliate: i64,
    permille: Option<i128>,
    follows: Option<i128>,
    gross: i128,
    approved: Option<bool>,
    is_ripe: bool,
}

/// A quotient, halves up; nothing here is negative.
fn divided(dividend: i128, divisor: i128) -> i128 {
    (2 * dividend + divisor) / (2 * divisor)
}

fn millionths(thousandths: i64) -> i128 {
    i128::from(thousandths) * 1000
}

impl Sale {
    fn minor(&self, millionths: i128) -> i128 {
        divided(millionths, 10i128.pow(6 - self.coin.scale))
    }

    fn share(&self, amount: i128, permille: i128) -> i128 {
        divided(amount * permille, 1000 * 10i128.pow(6 - self.coin.scale))
    }

    fn lines(
        &self,
        part: i128,
        explicit: Option<i64>,
        follows: bool,
        approves: Approves,
        is_ripe: bool,
    ) -> Vec<Line> {
        let line = |affiliate, permille: Option<i128>| Line {
            affiliate,
            permille,
            follows: (follows && permille.is_some()).then_some(part),
            gross: match (permille, explicit) {
                (Some(permille), _) => self.share(part, permille),
                (None, exact) => self.minor(millionths(exact.unwrap_or_default())),
            },
            approved: (approves == Approves::AtOnce).then_some(true),
            is_ripe: is_ripe && approves == Approves::AfterADay,
        };
        let own = if self.seller == 1 { 100 } else { 125 };
        let mut lines = vec![line(
            self.seller,
            if explicit.is_some() { None } else { Some(own) },
        )];
        if self.seller == 1 {
            lines.push(line(3, Some(50)));
        }
        lines
    }

    /// Affiliate, what is left in minor units, and approval of each commission.
    fn worth(&self, approves: Approves) -> Vec<(i64, i128, Option<bool>)> {
        let mut lines: Vec<Line> = Vec::new();
        let (mut base, mut amount, mut refunded) = (0, 0, 0);
        let (mut is_full, mut is_charged_back) = (false, false);
        let mut refund_ids = BTreeSet::new();
        for (_, fact) in &self.facts {
            let changed = match fact {
                Step::Update { amount, .. } => amount.map(|amount| (amount, true)),
                Step::Edit {
                    amount, recalculate, ..
                } => amount.map(|amount| (amount, *recalculate)),
                _ => None,
            };
            if let Some((changed, recalculates)) = changed {
                amount = millionths(changed);
                for line in lines.iter_mut().filter(|_| recalculates) {
                    if let (Some(part), Some(permille)) = (line.follows, line.permille) {
                        let sub = if part == base {
                            amount
                        } else {
                            divided(part * amount, base)
                        };
                        line.gross = self.share(sub, permille);
                    }
                }
            }
            match fact {
                Step::Create {
                    parts,
                    explicit,
                    is_old,
                    ..
                } => {
                    base = millionths(parts.iter().sum());
                    amount = base;
                    let whole = [base];
                    let each: Vec<i128> = parts.iter().copied().map(millionths).collect();
                    for part in if explicit.is_some() { &whole[..] } else { &each[..] } {
                        lines.extend(self.lines(*part, *explicit, true, approves, *is_old));
                    }
                }
                Step::Update {
                    approved: Some(approved),
                    ..
                } => {
                    lines.iter_mut().for_each(|line| line.approved = Some(*approved));
                }
                Step::Refund { amount, id, .. } => match (amount, id) {
                    (_, Some(id)) if !refund_ids.insert(*id) => {}
                    (Some(amount), _) => refunded += millionths(*amount),
                    (None, _) => is_full = true,
                },
                Step::Chargeback { reversed, .. } => is_charged_back = !reversed,
                Step::Add { amount, .. } => {
                    lines.extend(self.lines(millionths(*amount), None, false, approves, false));
                }
                Step::Judge { commission, approved } => {
                    lines[self.index(*commission)].approved = Some(*approved);
                }
                Step::Reprice {
                    commission,
                    amount,
                    sub_amount,
                } => {
                    let line = &mut lines[self.index(*commission)];
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
                Step::HoldEnds { .. } => {
                    let ripe = lines
                        .iter_mut()
                        .filter(|line| line.is_ripe && line.approved.is_none());
                    ripe.for_each(|line| line.approved = Some(true));
                }
                Step::Delete { .. } => lines.iter_mut().for_each(|line| line.approved = Some(false)),
                _ => {}
            }
        }
        let is_gone = is_full || is_charged_back || (refunded > 0 && refunded >= amount);
        let left = |gross| match refunded {
            _ if is_gone => 0,
            0 => gross,
            _ => divided(gross * (amount - refunded), amount),
        };
        let told = lines
            .iter()
            .map(|line| (line.affiliate, left(line.gross), line.approved));
        told.collect()
    }

    fn index(&self, commission: i64) -> usize {
        self.numbers
            .iter()
            .position(|number| *number == commission)
            .unwrap()
    }
}
