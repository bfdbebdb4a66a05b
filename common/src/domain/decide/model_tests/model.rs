//! What the balances must be, by a second way: facts are only collected, and the sums are made from nothing at the end, in
//! whole numbers. It shares no code with what it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    history::{Approves, Coin, Step},
    sale::Sale,
};

/// Pending, payable and paid, in minor units.
pub(super) type Sums = [i128; 3];
/// By affiliate and currency; nothing is not told.
pub(super) type Balances = BTreeMap<(i64, Coin), Sums>;

/// By customer and program: who brought the customer there first, what has counted, and how many days ago its first sale was.
pub(super) type Standings = BTreeMap<(String, i64), (i64, i64, i64)>;

#[derive(Debug)]
pub(super) struct Model {
    approves: Approves,
    seen: BTreeSet<u128>,
    sales: Vec<Sale>,
    stands: BTreeMap<(u8, i64), (i64, i64, i64)>,
    waiting: Vec<(u128, u8, Step)>,
    payments: Vec<(i64, Coin, i128, bool)>,
    commissions: i64,
}

impl Model {
    pub(super) fn of(approves: Approves, steps: &[(u128, Step)]) -> Self {
        let mut model = Self {
            approves,
            seen: BTreeSet::new(),
            sales: Vec::new(),
            stands: BTreeMap::new(),
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
            Step::Create { .. } => self.create(id, step),
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
            Step::HoldEnds { conversion } => {
                if let Some(sale) = self.living(*conversion) {
                    sale.facts.push((id, step.clone()));
                }
            }
            Step::Delete { conversion } => {
                if let Some(sale) = self.living(*conversion) {
                    sale.facts.push((id, step.clone()));
                    sale.is_alive = false;
                    let counted = sale.counts_for;
                    if let Some(stands) = counted.and_then(|place| self.stands.get_mut(&place)) {
                        stands.1 -= 1;
                    }
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

    fn create(&mut self, id: u128, step: &Step) {
        let Step::Create {
            order,
            who,
            program,
            seller,
            coin,
            parts,
            explicit,
            is_old,
        } = step
        else {
            return;
        };
        let mut living = self.sales.iter().filter(|sale| sale.is_alive);
        if living.any(|sale| sale.order == *order) {
            return;
        }
        let days = if *is_old { 2 } else { 0 };
        let place = who.map(|who| (who, *program));
        let before = place.and_then(|place| self.stands.get(&place).copied());
        let seller = before.map_or(*seller, |(first, ..)| first);
        let is_capped = before.is_some_and(|(_, counted, first)| match program {
            1 => counted >= 1,
            _ => counted >= 2 || first - days > 1,
        });
        if let Some(place) = place {
            let stands = self.stands.entry(place).or_insert((seller, 0, days));
            stands.1 += i64::from(!is_capped);
            stands.2 = stands.2.max(days);
        }
        let lines = if explicit.is_some() { 1 } else { parts.len() };
        let lines = if is_capped { 0 } else { lines };
        let numbers = self.draw(lines, seller);
        self.sales.push(Sale {
            order: *order,
            seller,
            coin: *coin,
            is_capped,
            counts_for: place.filter(|_| !is_capped),
            is_alive: true,
            facts: vec![(id, step.clone())],
            numbers,
        });
        let waiting = std::mem::take(&mut self.waiting);
        let (mut come, stay): (Vec<_>, _) = waiting.into_iter().partition(|(_, of, _)| of == order);
        self.waiting = stay;
        come.sort_by_key(|(id, ..)| *id);
        for (id, _, step) in come {
            self.happens(id, &step);
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

    pub(super) fn standings(&self) -> Standings {
        let named = self.stands.iter();
        named
            .map(|((who, program), stands)| ((format!("customer {who}"), *program), *stands))
            .collect()
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
