//! Any history of sales, deletions and repetitions of customers in two programs against a model that counts by customer and program.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, option, prelude::*};

use super::examples::{edited, of_customer, unauthenticated, with_program, with_second};
use super::tests::{event, now, sale, world};
use super::*;
use crate::domain::{
    ConversionId, EditConversion, ProgramId, Repetition, Scheduled,
    catalog::{Program, Recurrence},
    entities::Conversion,
};

/// Of a customer each program pays so many sales and repetitions, within so many days since the first.
const LIMITS: [(i64, Option<i64>); 2] = [(3, None), (2, Some(45))];
/// From one repetition to the next.
const MONTH: i64 = 31;

fn start() -> World {
    let limited = |(cap, days): (i64, Option<i64>)| {
        move |program: &mut Program| {
            program.types[0].recurrence = Recurrence::Monthly;
            program.terms.first.recurring_cap = Some(i32::try_from(cap).unwrap());
            program.terms.first.recurring_period_days = days.map(|days| i32::try_from(days).unwrap());
        }
    };
    with_second(with_program(world(), limited(LIMITS[0])), limited(LIMITS[1]))
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Sell {
        who: usize,
        program: usize,
        seller: i64,
        order: Option<u8>,
        authenticated: bool,
        /// Days before now, if the client tells its time.
        told: Option<i64>,
    },
    Delete {
        sale: usize,
    },
    Repeat {
        sale: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sale = (0usize..2, 0usize..2, 1i64..=2, option::weighted(0.7, 0u8..4));
    let sale = (sale, prop::bool::weighted(0.7), option::weighted(0.5, -60i64..60));
    let sale = sale.prop_map(
        |((who, program, seller, order), authenticated, told)| Step::Sell {
            who,
            program,
            seller,
            order,
            authenticated,
            told,
        },
    );
    let step = prop_oneof![
        5 => sale,
        1 => (0usize..8).prop_map(|sale| Step::Delete { sale }),
        2 => (0usize..8).prop_map(|sale| Step::Repeat { sale }),
    ];
    vec(step, 1..16)
}

/// A sale, as the model remembers it.
#[derive(Clone, Debug)]
struct Sold {
    who: usize,
    program: usize,
    seller: i64,
    order: Option<u8>,
    authenticated: bool,
    at: DateTime<Utc>,
    is_alive: bool,
    is_paid: bool,
    counts: i64,
    repeated: i64,
}

/// Of a customer in a program: first affiliate, whether a secret vouches for it, what has counted, and the first sale.
type Stands = (i64, bool, i64, Option<DateTime<Utc>>);

#[derive(Clone, Debug, Default)]
struct Model {
    sales: Vec<Sold>,
    stands: BTreeMap<(usize, usize), Stands>,
    /// The program in which callers see a customer.
    own: BTreeMap<usize, usize>,
}

impl Model {
    fn is_beyond(&self, place: (usize, usize), at: DateTime<Utc>) -> bool {
        let (cap, days) = LIMITS[place.1];
        self.stands.get(&place).is_some_and(|(_, _, counted, first)| {
            let since = first.map(|first| at - first);
            *counted >= cap
                || days
                    .zip(since)
                    .is_some_and(|(days, since)| since > TimeDelta::days(days))
        })
    }

    fn happens(&mut self, step: Step) {
        match step {
            Step::Sell {
                who,
                program,
                seller,
                order,
                authenticated,
                told,
            } => {
                let mut living = self.sales.iter_mut().filter(|sale| sale.is_alive);
                let same = living.find(|sale| order.is_some() && sale.order == order);
                if let Some(same) = same {
                    if same.authenticated || !authenticated {
                        return;
                    }
                    same.is_alive = false;
                }
                let at = told.filter(|_| authenticated);
                let at = now() - TimeDelta::days(at.unwrap_or_default());
                let place = (who, program);
                let kept = self.stands.get(&place).filter(|kept| kept.1 || !authenticated);
                let seller = kept.map_or(seller, |kept| kept.0);
                let is_paid = !self.is_beyond(place, at);
                let counts = i64::from(authenticated && is_paid);
                let is_bound =
                    |model: &Self, program| model.stands.get(&(who, program)).is_some_and(|stands| stands.1);
                let own = self.own.get(&who).copied();
                if own.is_none_or(|own| authenticated && !is_bound(self, own)) {
                    self.own.insert(who, program);
                }
                let stands = self
                    .stands
                    .entry(place)
                    .or_insert((seller, authenticated, 0, None));
                if authenticated && !stands.1 {
                    (stands.0, stands.1) = (seller, true);
                }
                stands.2 += counts;
                if authenticated {
                    stands.3 = Some(stands.3.map_or(at, |first| first.min(at)));
                }
                self.sales.push(Sold {
                    who,
                    program,
                    seller,
                    order,
                    authenticated,
                    at,
                    is_alive: true,
                    is_paid,
                    counts,
                    repeated: 0,
                });
            }
            Step::Delete { sale } => {
                if let Some(sale) = self.sales.get_mut(sale).filter(|sale| sale.is_alive) {
                    sale.is_alive = false;
                    self.stands.get_mut(&(sale.who, sale.program)).unwrap().2 -= sale.counts;
                    sale.counts = 0;
                }
            }
            Step::Repeat { sale: index } => {
                let Some(sale) = self
                    .sales
                    .get(index)
                    .filter(|sale| sale.is_alive && sale.is_paid)
                    .cloned()
                else {
                    return;
                };
                let repeated = sale.repeated + 1;
                self.sales[index].repeated = repeated;
                let place = (sale.who, sale.program);
                if !self.is_beyond(place, sale.at + TimeDelta::days(MONTH * repeated)) {
                    let counts = i64::from(sale.authenticated);
                    self.sales[index].counts += counts;
                    self.stands.get_mut(&place).unwrap().2 += counts;
                }
            }
        }
    }
}

/// The event of a step. `sold` are the sales before it; their numbers are their places.
fn incoming(n: u128, step: Step, sold: &[Sold], world: &World) -> Option<Incoming> {
    let conversion = |sale: usize| ConversionId(i64::try_from(sale).unwrap() + 1);
    match step {
        Step::Sell {
            who,
            program,
            seller,
            order,
            authenticated,
            told,
        } => {
            let coupon =
                [["first", "second"], ["first-2", "second-2"]][program][usize::try_from(seller - 1).unwrap()];
            let sale = edited(sale(n, "", coupon, "100"), |create| {
                create.external_id = order.map(|order| format!("o{order}"));
                create.occurred_at = told.map(|days| now() - TimeDelta::days(days));
            });
            let sale = of_customer(sale, ["c0", "c1"][who]);
            Some(if authenticated {
                sale
            } else {
                unauthenticated(sale)
            })
        }
        Step::Delete { sale } => Some(event(
            n,
            Body::EditConversion(Box::new(EditConversion {
                conversion: conversion(sale),
                amount: None,
                external_id: None,
                meta_data: None,
                meta_change: None,
                recalculate: false,
                delete: true,
            })),
        )),
        Step::Repeat { sale } => {
            let before = sold.get(sale)?;
            let conversion = conversion(sale);
            let mut all = world.conversions.values();
            let started = all.find(|found| found.id == conversion)?.commissions.first()?;
            let period = before.repeated + 1;
            Some(event(
                n,
                Body::Scheduled(Scheduled::Recur(Repetition {
                    conversion,
                    commission: started.id,
                    period: u32::try_from(period).unwrap(),
                    due: before.at + TimeDelta::days(MONTH * period),
                })),
            ))
        }
    }
}

/// Sellers, whether they are paid, and counts of all sales; where customers stand; their own programs.
type End = (
    Vec<(i64, bool, i64)>,
    BTreeMap<(usize, usize), Stands>,
    BTreeMap<usize, usize>,
);

fn end_of_model(model: Model) -> End {
    let sales = model.sales.iter();
    let sales = sales
        .map(|sale| (sale.seller, sale.is_paid, sale.counts))
        .collect();
    (sales, model.stands, model.own)
}

fn end_of_world(world: &World) -> End {
    let place = |program: ProgramId| usize::try_from(program.0 - 1).unwrap();
    let mut conversions: Vec<&Conversion> = world.conversions.values().collect();
    conversions.sort_by_key(|conversion| conversion.id);
    let sales = conversions.iter().map(|conversion| {
        let is_paid = !conversion.commissions.is_empty();
        (
            conversion.affiliate.0,
            is_paid,
            i64::from(conversion.counts_towards_cap),
        )
    });
    let (mut stands, mut own) = (BTreeMap::new(), BTreeMap::new());
    for customer in world.customers.values() {
        let who = usize::from(customer.external_id.as_deref() == Some("c1"));
        own.insert(who, place(customer.own.program));
        for standing in customer.standings() {
            let before = stands.insert(
                (who, place(standing.program)),
                (
                    standing.affiliate.0,
                    standing.authenticated,
                    standing.counted_towards_cap,
                    standing.first_sale_at,
                ),
            );
            assert!(before.is_none(), "a program is there once: {customer:?}");
        }
    }
    (sales.collect(), stands, own)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn customers_stand_with_each_program_as_the_model_counts(steps in steps(), cut in 0usize..16) {
        let (mut model, mut world, mut events) = (Model::default(), start(), Vec::new());
        for (n, step) in (100..).zip(steps) {
            let Some(incoming) = incoming(n, step, &model.sales, &world) else {
                continue;
            };
            events.push(incoming.clone());
            world = decide(vec![incoming], world).unwrap().world;
            model.happens(step);
        }
        let end = end_of_model(model);
        prop_assert_eq!(end_of_world(&world), end.clone());
        let second = events.split_off(cut.min(events.len()));
        let world = decide(events, start()).unwrap().world;
        let world = decide(second, world).unwrap().world;
        prop_assert_eq!(end_of_world(&world), end);
    }
}
