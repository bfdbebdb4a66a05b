//! Any sequence of clicks, leads, customers, sales and cancellations keeps what must always hold.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::examples::{
    PROGRAM, SECOND, edited, named, unauthenticated, with_affiliate, with_click, with_click_in,
    with_customer, with_program, with_second,
};
use super::people_tests::{act, click, create, later, lead};
use super::tests::{ORG, now, sale, world};
use super::*;
use crate::domain::{
    AffiliateId, ClickId, CustomerAction, CustomerId, Dialect, Identity,
    entities::{Change, Click, Conversion, Customer},
};

const PENDING: AffiliateId = AffiliateId(9);

/// Two affiliates who earn in two programs, one who earned once and is not approved any more, and whom they have brought.
fn start(lifetime: bool, keyed_leads_only: bool) -> World {
    let mut world = with_program(world(), |program| {
        program.terms.first.recurring = lifetime;
        program.keyed_leads_only = keyed_leads_only;
        program.terms.first.recurring_cap = Some(2);
        program.terms.first.recurring_period_days = Some(1);
    });
    world = with_second(world, |_| {});
    with_affiliate(&mut world, PROGRAM, PENDING.0, "pending", |affiliation| {
        affiliation.approved = None;
        affiliation.coupon_folded = Some("pending".into());
    });
    for (id, affiliate) in [(50, 1), (51, 2), (59, PENDING.0)] {
        with_click(&mut world, id, affiliate, TimeDelta::days(1));
    }
    for (id, affiliate) in [(52, 1), (53, 2)] {
        with_click_in(&mut world, SECOND, id, affiliate, TimeDelta::days(1));
    }
    with_customer(&mut world, "c0", PENDING.0, |customer| {
        customer.own.click = Some(ClickId(59));
    });
    world
}

#[derive(Clone, Copy, Debug)]
struct Step {
    what: u8,
    who: usize,
    by: usize,
    authenticated: bool,
    dialect: usize,
    hours: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..9, 0usize..4, 0usize..6, any::<bool>(), 0usize..3, 0i64..60);
    let step = step.prop_map(|(what, who, by, authenticated, dialect, hours)| Step {
        what,
        who,
        by,
        authenticated,
        dialect,
        hours,
    });
    proptest::collection::vec(step, 0..14)
}

fn incoming(n: u128, step: Step) -> Incoming {
    let code = ["first", "second", "pending", "nobody", "first-2", "second-2"][step.by];
    let at = now() - TimeDelta::days(1);
    let name = crate::domain::click_name::click_code(ClickId([50, 51, 59, 1, 52, 53][step.by]), at);
    let client = ["n1", "n2", "n3", "n4"][step.who];
    let customer = ["c0", "c1", "c2", ""][step.who];
    let customer = (!customer.is_empty()).then_some(customer);
    let mut incoming = match step.what {
        0 => click(n, code, |click| click.existing = Some(name)),
        1 => click(n, code, |click| {
            click.name = Some(client.into());
            click.session = Some("s1".into());
        }),
        2 => lead(n, &[&name], customer),
        3 => lead(n, &[client], customer),
        4 => create(n, customer.unwrap_or("c3"), code),
        5 => act(n, customer.unwrap_or("c1"), CustomerAction::Cancel),
        6 => act(n, customer.unwrap_or("c1"), CustomerAction::Resume),
        7 => act(n, customer.unwrap_or("c1"), CustomerAction::Delete),
        _ => edited(
            sale(n, ["o1", "o2", "o3", "o4", "o1", "o5"][step.by], code, "100"),
            |create| {
                create.customer = customer.map(named);
                create.attribution.click_id = Some(if step.hours % 2 == 0 {
                    name
                } else {
                    client.to_owned()
                });
                // Only one dialect's sales know sessions.
                create.attribution.session = (step.dialect == 2).then(|| "s1".into());
            },
        ),
    };
    incoming.event.dialect = [Dialect::Rest, Dialect::Affitor, Dialect::Affy][step.dialect];
    let incoming = later(incoming, step.hours * 3600);
    if step.authenticated {
        incoming
    } else {
        unauthenticated(incoming)
    }
}

/// Customers and clicks, without whether they wait to be written.
fn people(world: &World) -> (BTreeMap<i64, Customer>, BTreeMap<i64, Click>) {
    let customers = world.customers.values().cloned().map(|mut customer| {
        customer.change = Change::None;
        for elsewhere in &mut customer.elsewhere {
            elsewhere.change = Change::None;
        }
        (customer.id.0, customer)
    });
    let clicks = world.clicks.values().cloned().map(|mut click| {
        click.change = Change::None;
        (click.id.0, click)
    });
    (customers.collect(), clicks.collect())
}

/// What the sales came to: who earned, for whom, and how much of it is pending or payable.
fn sales(world: &World) -> BTreeMap<i64, String> {
    let of = |conversion: &Conversion| {
        let money: Vec<_> = conversion
            .commissions
            .iter()
            .map(|commission| (commission.amount, commission.balance))
            .collect();
        let standing = (
            conversion.counts_towards_cap,
            conversion.deleted_at,
            conversion.superseded_by,
        );
        format!(
            "{:?} {:?} {standing:?} {money:?}",
            conversion.affiliate, conversion.customer
        )
    };
    world
        .conversions
        .values()
        .map(|conversion| (conversion.id.0, of(conversion)))
        .collect()
}

/// The world as another batch would load it.
fn reloaded(mut world: World) -> World {
    let (customers, clicks) = people(&world);
    world.customers.clear();
    world.customer_identities.clear();
    for customer in customers.into_values() {
        world.add_customer(customer);
    }
    world.clicks.clear();
    for click in clicks.into_values() {
        world.add_click(click);
    }
    for conversion in world.conversions.values_mut() {
        conversion.change = Change::None;
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn people_stay_in_order_whatever_comes(
        steps in steps(), lifetime in any::<bool>(), keyed_leads_only in any::<bool>(), cut in 0usize..14,
    ) {
        let events: Vec<Incoming> = (100..).zip(steps).map(|(n, step)| incoming(n, step)).collect();
        let whole = decide(events.clone(), start(lifetime, keyed_leads_only)).unwrap();
        for ((org, identity), customer) in &whole.world.customers {
            prop_assert_eq!((*org, identity), (ORG, &customer.identity));
            prop_assert_eq!(customer.status.as_str(), customer.derived_status());
            prop_assert!(customer.own.affiliate != PENDING || customer.id == CustomerId(900), "bound before");
            prop_assert!(customer.deleted_at.is_none() || customer.identity == Identity::Deleted(customer.id));
        }
        for customer in whole.world.customers.values() {
            // Or a second one could come to be by the same click.
            if let Identity::Click(click) = customer.identity {
                prop_assert_eq!(whole.world.clicks[&click].customer, Some(customer.id));
            }
        }
        let numbers: BTreeSet<_> = whole.world.customers.values().map(|customer| customer.id).collect();
        prop_assert_eq!(numbers.len(), whole.world.customers.len(), "nobody is there twice");
        for conversion in whole.world.conversions.values() {
            prop_assert_ne!(conversion.affiliate, PENDING);
            let customer = conversion.customer.map(|id| whole.world.customer(ORG, id).unwrap());
            prop_assert!(customer.is_none_or(|customer| customer.in_program(conversion.program).is_some()));
        }
        for customer in whole.world.customers.values() {
            stands_as_it_has_bought(customer, &whole.world)?;
        }
        let mut first = events;
        let second = first.split_off(cut.min(first.len()));
        let early = decide(first, start(lifetime, keyed_leads_only)).unwrap();
        let two = decide(second, reloaded(early.world)).unwrap();
        prop_assert_eq!(people(&whole.world), people(&two.world));
        prop_assert_eq!(sales(&whole.world), sales(&two.world));
        prop_assert_eq!(&whole.world.sessions, &two.world.sessions);
    }

    #[test]
    fn what_authenticated_sales_earn_is_the_same_whatever_unauthenticated_events_say(
        steps in steps(), lifetime in any::<bool>(), keyed_leads_only in any::<bool>(),
    ) {
        // Their clicks may attribute, that is what clicks are for; customers are created and changed with a key.
        let possible = (100..).zip(steps).filter(|(_, step)| step.authenticated || matches!(step.what, 0..=3 | 8..));
        let mixed: Vec<(u128, Step)> = possible.collect();
        let is_word = |step: &Step| !step.authenticated && matches!(step.what, 2 | 3 | 8..);
        let alone: Vec<(u128, Step)> = mixed.iter().copied().filter(|(_, step)| !is_word(step)).collect();
        let decided = [mixed, alone].map(|steps| {
            let events = steps.into_iter().map(|(n, step)| incoming(n, step)).collect();
            decide(events, start(lifetime, keyed_leads_only)).unwrap()
        });
        // What an unauthenticated event says may stand in for what an authenticated event leaves out: a lead that names a customer alone, a sale
        // of nobody's click. Then more is applied, and what follows is another story.
        let [more, fewer] = decided.each_ref().map(applied);
        prop_assume!(more.is_subset(&fewer));
        let [mixed, alone] = decided.each_ref().map(earned);
        for (event, earned) in alone {
            prop_assert_eq!(mixed.get(&event), Some(&earned));
        }
    }
}

/// In each program it counts what it has bought there, at most as much as the program pays.
fn stands_as_it_has_bought(customer: &Customer, world: &World) -> Result<(), TestCaseError> {
    let programs: BTreeSet<_> = customer.standings().map(|standing| standing.program).collect();
    prop_assert_eq!(
        programs.len(),
        customer.standings().count(),
        "each program is there once"
    );
    for standing in customer.standings() {
        let all = world.conversions.values();
        let bought: Vec<_> = all
            .filter(|sale| (sale.customer, sale.program) == (Some(customer.id), standing.program))
            .collect();
        let living = bought.iter().filter(|sale| sale.deleted_at.is_none());
        let counted: i64 = living.map(|sale| i64::from(sale.counts_towards_cap)).sum();
        prop_assert_eq!(standing.counted_towards_cap, counted);
        prop_assert!(counted <= 2);
        let authenticated = bought.iter().filter(|sale| sale.authenticated);
        let first = authenticated.map(|sale| sale.created_at).min();
        prop_assert_eq!(standing.first_sale_at, first);
        prop_assert!(customer.is_authenticated() || !standing.authenticated);
    }
    Ok(())
}

/// The authenticated events that had an effect.
fn applied(decided: &Decisions) -> BTreeSet<EventId> {
    let effective = |decision: &&Decision| {
        decision.event.authenticated && matches!(decision.outcome, Outcome::Applied(_))
    };
    decided
        .decisions
        .iter()
        .filter(effective)
        .map(|decision| decision.event.id)
        .collect()
}

/// Who earned how much by the authenticated sales that were recorded.
fn earned(decided: &Decisions) -> BTreeMap<EventId, String> {
    let of = |decision: &Decision| {
        let Outcome::Applied(Applied::Conversion(sale)) = &decision.outcome else {
            return None;
        };
        let money: Vec<_> = sale
            .commissions
            .iter()
            .map(|commission| commission.amount)
            .collect();
        let told = format!("{} {money:?}", sale.affiliate.slug);
        decision.event.authenticated.then_some((decision.event.id, told))
    };
    decided.decisions.iter().filter_map(of).collect()
}
