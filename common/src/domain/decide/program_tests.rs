//! A customer in several programs: each has its own first affiliate, limits and days for it.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::examples::{
    PROGRAM, SECOND, conversion, customer, edited, in_dialect, of_customer, unauthenticated, with_click_in,
    with_customer, with_program, with_second,
};
use super::people_tests::{create, lead};
use super::tests::{decide_finally, decimal, event, now, sale, statuses, world};
use super::*;
use crate::domain::{
    AffiliateId, CommissionId, ConversionId, Dialect, EditConversion, ProgramId, Repetition, Scheduled,
    catalog::{Program, Recurrence},
    entities::{Change, Customer, Standing},
};

/// What the commissions of an order's seller come to.
fn earned(decided: &Decisions, order: &str) -> Decimal {
    let sold = conversion(decided, order);
    let own = sold.commissions.iter();
    let own = own.filter(|commission| commission.affiliate == sold.affiliate);
    own.map(|commission| commission.amount).sum()
}

fn earner(decided: &Decisions, order: &str) -> (i64, i64) {
    let sold = conversion(decided, order);
    (sold.program.0, sold.affiliate.0)
}

/// First affiliate, count, days before now of the first sale, and whether it is capped there.
fn stands(customer: &Customer, program: ProgramId) -> (i64, i64, Option<i64>, bool) {
    let Standing {
        affiliate,
        counted_towards_cap,
        first_sale_at,
        capped,
        ..
    } = customer.in_program(program).unwrap();
    let days = first_sale_at.map(|first| (now() - first).num_days());
    (affiliate.0, *counted_towards_cap, days, *capped)
}

fn ago(incoming: Incoming, days: i64) -> Incoming {
    edited(incoming, |create| {
        create.occurred_at = Some(now() - TimeDelta::days(days));
    })
}

fn bought(n: u128, coupon: &str) -> Incoming {
    of_customer(sale(n, &format!("o{n}"), coupon, "100"), "c1")
}

#[test]
fn a_purchase_elsewhere_switches_no_limit_off() {
    let world = with_second(world(), |program| program.terms.first.recurring_cap = Some(3));
    let mut events = vec![bought(1, "second")];
    events.extend((2..7).map(|n| bought(n, "second-2")));
    let decided = decide(events, world).unwrap();
    let there: Decimal = (2..7).map(|n| earned(&decided, &format!("o{n}"))).sum();
    assert_eq!(there, decimal("30"), "5 sales of 100, of which 3 are paid");
    assert_eq!(earned(&decided, "o1"), decimal("10"));
    let customer = customer(&decided, "c1");
    assert_eq!(stands(customer, PROGRAM), (2, 1, Some(0), false));
    assert_eq!(stands(customer, SECOND), (2, 3, Some(0), true));
    assert_eq!(customer.status, "active", "that is about its own program");
}

#[test]
fn each_program_has_its_own_limit() {
    let world = with_program(world(), |program| program.terms.first.recurring_cap = Some(1));
    let world = with_second(world, |program| program.terms.first.recurring_cap = Some(2));
    let coupons = ["second", "second-2", "second", "second-2", "second-2", "second"];
    let events = (1..).zip(coupons).map(|(n, coupon)| bought(n, coupon));
    let decided = decide(events.collect(), world).unwrap();
    let paid = [1, 2, 3, 4, 5, 6].map(|n| !earned(&decided, &format!("o{n}")).is_zero());
    assert_eq!(paid, [true, true, false, true, false, false]);
    let customer = customer(&decided, "c1");
    assert_eq!(stands(customer, PROGRAM), (2, 1, Some(0), true));
    assert_eq!(stands(customer, SECOND), (2, 2, Some(0), true));
    assert_eq!(customer.status, "capped");
}

#[test]
fn each_programs_days_begin_with_the_first_sale_in_it() {
    let days = |program: &mut Program| {
        program.terms.first.recurring_period_days = Some(30);
    };
    let world = with_second(with_program(world(), days), |_| {});
    let events = vec![
        ago(bought(1, "second"), 40),
        bought(2, "second-2"),
        // A sale of long ago that is told now: before the first one there.
        ago(bought(3, "second-2"), 20),
        bought(4, "second"),
        bought(5, "second-2"),
    ];
    let mut decided = decide(events, world).unwrap();
    let paid = [1, 2, 3, 4, 5].map(|n| !earned(&decided, &format!("o{n}")).is_zero());
    assert_eq!(paid, [true, true, true, false, true]);
    let one = customer(&decided, "c1");
    assert_eq!(stands(one, PROGRAM), (2, 1, Some(40), true));
    assert_eq!(stands(one, SECOND), (2, 3, Some(20), false));
    let mut late = bought(6, "second-2");
    late.event.received_at += TimeDelta::days(11);
    decided = decide(vec![late], decided.world).unwrap();
    assert_eq!(earned(&decided, "o6"), Decimal::ZERO, "31 days");
    assert_eq!(stands(customer(&decided, "c1"), SECOND), (2, 3, Some(20), true));
}

#[test]
fn in_each_program_its_first_affiliate_keeps_the_customer() {
    let world = with_second(world(), |_| {});
    let events = vec![
        bought(1, "first"),
        bought(2, "second-2"),
        bought(3, "second"),
        bought(4, "first-2"),
        edited(in_dialect(bought(5, ""), Dialect::Rest), |create| {
            create.attribution.coupon = None;
        }),
    ];
    let decided = decide(events, world).unwrap();
    let earners = [1, 2, 3, 4, 5].map(|n| earner(&decided, &format!("o{n}")));
    assert_eq!(
        earners,
        [(1, 1), (2, 2), (1, 1), (2, 2), (1, 1)],
        "the customer alone leads to its own program"
    );
}

#[test]
fn a_key_of_a_program_finds_its_first_affiliate_by_the_customer() {
    let world = with_second(world(), |_| {});
    let decided = decide(vec![bought(1, "first"), bought(2, "second-2")], world).unwrap();
    let rest = |n, scope| {
        let mut incoming = edited(in_dialect(bought(n, ""), Dialect::Rest), |create| {
            create.attribution.coupon = None;
        });
        incoming.event.program_scope = scope;
        incoming
    };
    let events = vec![rest(3, Some(PROGRAM)), rest(4, Some(SECOND)), rest(5, None)];
    let again = decide(events, decided.world.clone()).unwrap();
    let earners = ["o3", "o4", "o5"].map(|order| earner(&again, order));
    assert_eq!(earners, [(1, 1), (2, 2), (1, 1)]);
    let nowhere = decide(vec![rest(3, Some(ProgramId(3)))], decided.world).unwrap();
    assert_eq!(statuses(&nowhere), ["unknown_partner"]);
}

/// The click of the first sale, which has aged, tells the program; a code that is gone tells none.
#[test]
fn a_renewal_is_the_first_affiliates_of_the_program_that_its_click_tells() {
    let old = TimeDelta::days(90);
    let mut world = with_second(world(), |_| {});
    let here = with_click_in(&mut world, PROGRAM, 50, 2, old);
    let there = with_click_in(&mut world, SECOND, 51, 1, old);
    let mut decided = decide(vec![bought(1, "first"), bought(2, "second-2")], world).unwrap();
    let by_click = |n, click: &String| {
        edited(bought(n, ""), |create| {
            create.attribution.coupon = None;
            create.attribution.click_id = Some(click.clone());
        })
    };
    let renewals = vec![by_click(3, &here), by_click(4, &there), bought(5, "gone")];
    decided = decide(renewals, decided.world).unwrap();
    let earners = ["o3", "o4", "o5"].map(|order| earner(&decided, order));
    assert_eq!(earners, [(1, 1), (2, 2), (1, 1)]);
}

#[test]
fn callers_see_a_customer_as_it_stands_with_its_own_program() {
    let capped = |program: &mut Program| program.terms.first.recurring_cap = Some(1);
    let world = with_second(with_program(world(), capped), |_| {});
    let recorded = decide(vec![create(1, "c1", "first"), bought(2, "second-2")], world).unwrap();
    let one = customer(&recorded, "c1");
    assert_eq!((one.own.program, one.own.affiliate), (PROGRAM, AffiliateId(1)));
    assert_eq!(stands(one, SECOND), (2, 1, Some(0), true));
    assert_eq!((one.status.as_str(), one.own.capped), ("new", false));
    let bought = decide(vec![bought(3, "second")], recorded.world).unwrap();
    assert_eq!(customer(&bought, "c1").status, "capped");
    assert_eq!(earner(&bought, "o3"), (1, 1), "who recorded it keeps it");
}

#[test]
fn a_deleted_sale_gives_back_in_its_program_alone() {
    let world = with_program(world(), |program| program.terms.first.recurring_cap = Some(1));
    let world = with_second(world, |_| {});
    let decided = decide(vec![bought(1, "second"), bought(2, "second-2")], world).unwrap();
    let delete = EditConversion {
        conversion: ConversionId(2),
        amount: None,
        external_id: None,
        meta_data: None,
        meta_change: None,
        recalculate: false,
        delete: true,
    };
    let events = vec![
        event(3, Body::EditConversion(Box::new(delete))),
        bought(4, "second-2"),
    ];
    let decided = decide(events, decided.world).unwrap();
    assert_eq!(earned(&decided, "o4"), decimal("10"));
    let customer = customer(&decided, "c1");
    assert_eq!(stands(customer, PROGRAM), (2, 1, Some(0), true));
    assert_eq!(stands(customer, SECOND), (2, 1, Some(0), true));
}

/// The repetition `period` of the first commission of conversion 2.
fn repetition(n: u128, commission: i64, period: u32) -> Incoming {
    let due = now() + TimeDelta::days(31 * i64::from(period));
    let mut incoming = event(
        n,
        Body::Scheduled(Scheduled::Recur(Repetition {
            conversion: ConversionId(2),
            commission: CommissionId(commission),
            period,
            due,
        })),
    );
    incoming.event.received_at = due;
    incoming
}

#[test]
fn repetitions_count_in_the_program_of_their_sale() {
    let monthly = |program: &mut Program| {
        program.types[0].recurrence = Recurrence::Monthly;
        program.terms.first.recurring_cap = Some(2);
    };
    let world = with_second(with_program(world(), monthly), |_| {});
    let decided = decide(vec![bought(1, "second"), bought(2, "second-2")], world).unwrap();
    let second = conversion(&decided, "o2").commissions[0].id.0;
    let events = vec![repetition(3, second, 1), repetition(4, second, 2)];
    let again = decide(events.clone(), decided.world.clone()).unwrap();
    assert_eq!(statuses(&again), ["applied", "recurrence_skipped"]);
    let one = customer(&again, "c1");
    assert_eq!(stands(one, PROGRAM), (2, 1, Some(0), false));
    assert_eq!(stands(one, SECOND), (2, 2, Some(0), true));
    // As a worker of the version before leaves it, which knows no second program.
    let mut world = decided.world;
    for customer in world.customers.values_mut() {
        customer.elsewhere.clear();
    }
    let again = decide(events, world).unwrap();
    assert_eq!(statuses(&again), ["applied", "applied"]);
    assert_eq!(stands(customer(&again, "c1"), SECOND), (2, 2, Some(0), true));
}

#[test]
fn types_that_do_not_count_leave_a_second_programs_cap_alone() {
    let world = with_second(world(), |program| {
        program.terms.first.recurring_cap = Some(1);
        program.types[0].count_towards_cap = false;
    });
    let events = vec![bought(1, "second"), bought(2, "second-2"), bought(3, "second-2")];
    let decided = decide(events, world).unwrap();
    assert_eq!(earned(&decided, "o3"), decimal("10"));
    assert_eq!(stands(customer(&decided, "c1"), SECOND), (2, 0, Some(0), false));
}

#[test]
fn what_no_secret_vouches_for_uses_up_nothing_in_any_program_and_yields_there() {
    let capped = |program: &mut Program| program.terms.first.recurring_cap = Some(1);
    let world = with_second(with_program(world(), capped), |_| {});
    let events = vec![
        bought(1, "first"),
        unauthenticated(bought(2, "first-2")),
        bought(3, "second-2"),
        unauthenticated(bought(4, "first-2")),
    ];
    let decided = decide(events, world).unwrap();
    let one = customer(&decided, "c1");
    assert_eq!(one.own.program, PROGRAM);
    assert_eq!(stands(one, SECOND), (2, 1, Some(0), true));
    assert_eq!(earned(&decided, "o3"), decimal("10"));
    assert_eq!(
        earned(&decided, "o4"),
        Decimal::ZERO,
        "but the limit holds for it"
    );
    assert_eq!(
        earner(&decided, "o4"),
        (2, 2),
        "and the first affiliate keeps the customer"
    );
}

/// An unauthenticated sale made somebody a customer of one program, an authenticated one is in another.
#[test]
fn the_program_that_a_secret_vouches_for_becomes_the_customers_own() {
    let world = with_second(world(), |program| program.terms.first.recurring_cap = Some(2));
    for takes_place in [false, true] {
        let mut authenticated = bought(2, "second-2");
        if takes_place {
            authenticated = edited(authenticated, |create| create.external_id = Some("o1".into()));
        }
        let events = vec![unauthenticated(bought(1, "first")), authenticated];
        let decided = decide(events, world.clone()).unwrap();
        assert_eq!(statuses(&decided), ["applied", "applied"]);
        let one = customer(&decided, "c1");
        assert_eq!((one.own.program, one.is_authenticated()), (SECOND, true));
        assert_eq!(stands(one, SECOND), (2, 1, Some(0), false));
        assert_eq!(stands(one, PROGRAM), (1, 0, None, false));
        assert_eq!(one.status, "active");
        let decided = decide(vec![bought(3, "second")], decided.world).unwrap();
        assert_eq!(earner(&decided, "o3"), (1, 2), "the other binding yields, too");
        let one = customer(&decided, "c1");
        assert_eq!(
            (one.own.program, stands(one, PROGRAM)),
            (SECOND, (2, 1, Some(0), false))
        );
    }
}

/// A lead by a click of another program binds there. Where its own program keeps nobody, the customer goes with the click.
#[test]
fn a_lead_binds_in_the_program_of_its_click() {
    for (lifetime, own) in [(true, PROGRAM), (false, SECOND)] {
        let world = with_program(world(), |program| program.terms.first.recurring = lifetime);
        let mut world = with_second(world, |_| {});
        let here = with_click_in(&mut world, PROGRAM, 50, 1, TimeDelta::days(1));
        let there = with_click_in(&mut world, SECOND, 51, 2, TimeDelta::days(1));
        let events = vec![
            lead(1, &[&here], Some("c1")),
            lead(2, &[&there], Some("c1")),
            bought(3, "second"),
            bought(4, "first-2"),
            in_dialect(bought(5, ""), Dialect::Affitor),
        ];
        let decided = decide_finally(events, world);
        assert_eq!(statuses(&decided), ["applied"; 5]);
        let one = customer(&decided, "c1");
        assert_eq!((one.own.program, one.elsewhere.len()), (own, 1), "{lifetime}");
        let here = if lifetime { 1 } else { 2 };
        assert_eq!((earner(&decided, "o3"), earner(&decided, "o4").0), ((1, here), 2));
        assert_eq!(
            earner(&decided, "o5").0,
            own.0,
            "the customer alone leads to its own"
        );
    }
}

#[test]
fn who_has_bought_in_one_program_may_be_a_lead_of_another() {
    let mut world = with_second(world(), |_| {});
    let here = with_click_in(&mut world, PROGRAM, 50, 1, TimeDelta::days(1));
    let there = with_click_in(&mut world, SECOND, 51, 2, TimeDelta::days(1));
    with_customer(&mut world, "c1", 1, |customer| {
        customer.own.first_sale_at = Some(now());
    });
    let events = vec![lead(1, &[&here], Some("c1")), lead(2, &[&there], Some("c1"))];
    let decided = decide(events, world).unwrap();
    assert_eq!(statuses(&decided), ["customer_converted", "applied"]);
    assert_eq!(stands(customer(&decided, "c1"), SECOND), (2, 0, None, false));
}

#[test]
fn only_rows_that_are_different_are_written() {
    let world = with_second(world(), |_| {});
    let mut world = decide(vec![bought(1, "second"), bought(2, "second-2")], world)
        .unwrap()
        .world;
    for customer in world.customers.values_mut() {
        customer.change = Change::None;
        customer.elsewhere[0].change = Change::None;
    }
    for (coupon, own, elsewhere) in [
        ("second", Change::Update, Change::None),
        ("second-2", Change::None, Change::Update),
    ] {
        let decided = decide(vec![bought(3, coupon)], world.clone()).unwrap();
        let one = customer(&decided, "c1");
        assert_eq!((one.change, one.elsewhere[0].change), (own, elsewhere));
    }
}
