//! How often a customer brings commissions, and what becomes of unsigned sales: one example for each rule.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::examples::{conversion, customer, of_customer, unsigned, with_program};
use super::tests::{decimal, now, position, refund, sale, statuses, update, world};
use super::*;
use crate::domain::ConversionStatus;

fn at(mut incoming: Incoming, at: DateTime<Utc>) -> Incoming {
    incoming.event.received_at = at;
    incoming
}

#[test]
fn a_customer_brings_so_many_commissions_and_no_more() {
    let world = with_program(world(), |program| program.recurring_cap = Some(2));
    let events = (1..=3)
        .map(|n| of_customer(sale(n, &format!("o{n}"), "second", "100"), "c1"))
        .collect();
    let decided = decide(events, world).unwrap();
    assert_eq!(statuses(&decided), ["applied"; 3], "it is recorded all the same");
    assert_eq!(position(&decided, 2).0, decimal("20"));
    let third = conversion(&decided, "o3");
    assert!(third.commissions.is_empty() && third.counted == 0);
    assert_eq!(third.warnings.len(), 1);
    assert!(third.trace.cap.as_ref().unwrap().reached);
    let customer = customer(&decided, "c1");
    assert_eq!((customer.counted, customer.status.as_str()), (2, "capped"));
}

#[test]
fn a_customer_brings_commissions_for_so_many_days_since_the_first_sale() {
    let limit = TimeDelta::days(30);
    for (since, amount, status) in [
        (limit, "20", "active"),
        (limit + TimeDelta::milliseconds(1), "10", "capped"),
    ] {
        let world = with_program(world(), |program| program.recurring_period_days = Some(30));
        let events = vec![
            at(of_customer(sale(1, "o1", "second", "100"), "c1"), now() - limit),
            at(
                of_customer(sale(2, "o2", "second", "100"), "c1"),
                now() - limit + since,
            ),
        ];
        let decided = decide(events, world).unwrap();
        assert_eq!(position(&decided, 2).0, decimal(amount));
        assert_eq!(customer(&decided, "c1").status, status);
    }
}

#[test]
fn types_that_do_not_count_leave_the_cap_alone() {
    let world = with_program(world(), |program| {
        program.recurring_cap = Some(1);
        program.types[0].count_towards_cap = false;
    });
    let events = (1..=3)
        .map(|n| of_customer(sale(n, &format!("o{n}"), "second", "100"), "c1"))
        .collect();
    let decided = decide(events, world).unwrap();
    assert_eq!(position(&decided, 2).0, decimal("30"));
    let customer = customer(&decided, "c1");
    assert_eq!((customer.counted, customer.status.as_str()), (0, "active"));
}

#[test]
fn unsigned_sales_do_not_use_up_the_limit_of_signed_ones() {
    let world = with_program(world(), |program| program.recurring_cap = Some(1));
    let events = vec![
        unsigned(of_customer(sale(1, "o1", "second", "100"), "c1")),
        of_customer(sale(2, "o2", "second", "100"), "c1"),
        unsigned(of_customer(sale(3, "o3", "second", "100"), "c1")),
    ];
    let decided = decide(events, world).unwrap();
    let lines = |order| conversion(&decided, order).commissions.len();
    assert_eq!(
        (lines("o1"), lines("o2"), lines("o3")),
        (1, 1, 0),
        "but it holds for them"
    );
}

#[test]
fn of_signed_and_unsigned_sales_of_an_order_the_signed_one_stands() {
    // first signed, second signed; what becomes of the second
    let table = [
        (false, true, "applied"),
        (false, false, "duplicate_order"),
        (true, false, "duplicate_order"),
        (true, true, "duplicate_order"),
    ];
    for (first, second, outcome) in table {
        let mut events = vec![sale(1, "o1", "second", "50"), sale(2, "o1", "second", "100")];
        events[0].event.trusted = first;
        events[1].event.trusted = second;
        let decided = decide(events, world()).unwrap();
        assert_eq!(statuses(&decided), ["applied", outcome]);
    }
}

#[test]
fn what_is_superseded_is_reversed_linked_and_visible() {
    let world = with_program(world(), |program| program.recurring_cap = Some(1));
    let events = vec![
        unsigned(of_customer(sale(1, "o1", "first", "50"), "c1")),
        of_customer(sale(2, "o1", "second", "100"), "c1"),
    ];
    let decided = decide(events, world).unwrap();
    assert_eq!(position(&decided, 1), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!(position(&decided, 2), (decimal("10"), Decimal::ZERO));
    let new = conversion(&decided, "o1");
    assert!(new.trusted && new.deleted_at.is_none());
    let old = decided
        .world
        .conversions
        .values()
        .find(|one| !one.trusted)
        .unwrap();
    assert_eq!(old.superseded_by, Some(new.id));
    assert!(old.deleted_at.is_some());
    assert_eq!(old.external_id.as_deref(), Some("o1"));
    let Outcome::Applied(applied) = &decided.decisions[1].outcome else {
        panic!("{decided:?}")
    };
    let view = applied.conversion().unwrap();
    assert_eq!((view.id, view.affiliate.slug.as_str()), (new.id, "second"));
    assert_eq!(view.commissions.len(), 1, "the unsigned sale used up no limit");
    let customer = customer(&decided, "c1");
    assert_eq!(
        (customer.affiliate.0, customer.trusted, customer.counted),
        (2, true, 1)
    );
}

#[test]
fn a_signed_sale_that_is_refused_leaves_the_unsigned_one() {
    let events = vec![
        unsigned(sale(1, "o1", "second", "100")),
        sale(2, "o1", "nobody", "100"),
    ];
    let decided = decide(events, world()).unwrap();
    assert_eq!(statuses(&decided), ["applied", "unknown_partner"]);
    assert_eq!(position(&decided, 2).0, decimal("10"));
    assert!(conversion(&decided, "o1").superseded_by.is_none());
}

#[test]
fn what_became_of_an_order_before_it_was_superseded_holds_on() {
    let approve = || update(4, "o1", Some("80"), Some(ConversionStatus::Approved));
    let (loose, signed) = (
        unsigned(sale(1, "o1", "second", "100")),
        sale(2, "o1", "second", "100"),
    );
    let late = vec![
        loose.clone(),
        refund(3, "o1", Some("40")),
        approve(),
        signed.clone(),
    ];
    let early = vec![loose, signed, refund(3, "o1", Some("40")), approve()];
    let (late, early) = (decide(late, world()).unwrap(), decide(early, world()).unwrap());
    assert_eq!(position(&late, 2), (Decimal::ZERO, decimal("4")));
    assert_eq!(position(&early, 2), position(&late, 2));
    let kept: Vec<_> = late.refunds.iter().map(|one| one.conversion).collect();
    assert!(
        kept.contains(&conversion(&late, "o1").id),
        "a repeat of the refund is known"
    );
}
