//! How often a customer brings commissions, and what becomes of unauthenticated sales: one example for each rule.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::examples::{conversion, customer, of_customer, unauthenticated, with_program};
use super::tests::{decimal, now, position, refund, sale, statuses, update, world};
use super::*;
use crate::domain::{Applied, CommissionLine, ConversionStatus, catalog::Rate};

fn at(mut incoming: Incoming, at: DateTime<Utc>) -> Incoming {
    incoming.event.received_at = at;
    incoming
}

#[test]
fn a_customer_brings_so_many_commissions_and_no_more() {
    let world = with_program(world(), |program| program.terms.first.recurring_cap = Some(2));
    let events = (1..=3)
        .map(|n| of_customer(sale(n, &format!("o{n}"), "second", "100"), "c1"))
        .collect();
    let decided = decide(events, world).unwrap();
    assert_eq!(statuses(&decided), ["applied"; 3], "it is recorded all the same");
    assert_eq!(position(&decided, 2).0, decimal("20"));
    let third = conversion(&decided, "o3");
    assert!(third.commissions.is_empty() && third.counts_towards_cap == 0);
    assert_eq!(third.warnings.len(), 1);
    assert!(third.trace.cap.as_ref().unwrap().reached);
    let customer = customer(&decided, "c1");
    assert_eq!(
        (customer.own.counted_towards_cap, customer.status.as_str()),
        (2, "capped")
    );
}

#[test]
fn a_customer_brings_commissions_for_so_many_days_since_the_first_sale() {
    let limit = TimeDelta::days(30);
    for (since, amount, status) in [
        (limit, "20", "active"),
        (limit + TimeDelta::milliseconds(1), "10", "capped"),
    ] {
        let world = with_program(world(), |program| {
            program.terms.first.recurring_period_days = Some(30);
        });
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
        program.terms.first.recurring_cap = Some(1);
        program.types[0].count_towards_cap = false;
    });
    let events = (1..=3)
        .map(|n| of_customer(sale(n, &format!("o{n}"), "second", "100"), "c1"))
        .collect();
    let decided = decide(events, world).unwrap();
    assert_eq!(position(&decided, 2).0, decimal("30"));
    let customer = customer(&decided, "c1");
    assert_eq!(
        (customer.own.counted_towards_cap, customer.status.as_str()),
        (0, "active")
    );
}

#[test]
fn unauthenticated_sales_do_not_use_up_the_limit_of_authenticated_ones() {
    let world = with_program(world(), |program| program.terms.first.recurring_cap = Some(1));
    let events = vec![
        unauthenticated(of_customer(sale(1, "o1", "second", "100"), "c1")),
        of_customer(sale(2, "o2", "second", "100"), "c1"),
        unauthenticated(of_customer(sale(3, "o3", "second", "100"), "c1")),
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
fn of_authenticated_and_unauthenticated_sales_of_an_order_the_authenticated_one_stands() {
    // first authenticated, second authenticated; what becomes of the second
    let table = [
        (false, true, "applied"),
        (false, false, "duplicate_order"),
        (true, false, "duplicate_order"),
        (true, true, "duplicate_order"),
    ];
    for (first, second, outcome) in table {
        let mut events = vec![sale(1, "o1", "second", "50"), sale(2, "o1", "second", "100")];
        events[0].event.authenticated = first;
        events[1].event.authenticated = second;
        let decided = decide(events, world()).unwrap();
        assert_eq!(statuses(&decided), ["applied", outcome]);
    }
}

#[test]
fn what_is_superseded_is_reversed_linked_and_visible() {
    let world = with_program(world(), |program| program.terms.first.recurring_cap = Some(1));
    let events = vec![
        unauthenticated(of_customer(sale(1, "o1", "first", "50"), "c1")),
        of_customer(sale(2, "o1", "second", "100"), "c1"),
    ];
    let decided = decide(events, world).unwrap();
    assert_eq!(position(&decided, 1), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!(position(&decided, 2), (decimal("10"), Decimal::ZERO));
    let new = conversion(&decided, "o1");
    assert!(new.authenticated && new.deleted_at.is_none());
    let old = decided
        .world
        .conversions
        .values()
        .find(|conversion| !conversion.authenticated)
        .unwrap();
    assert_eq!(old.superseded_by, Some(new.id));
    assert!(old.deleted_at.is_some());
    assert_eq!(old.external_id.as_deref(), Some("o1"));
    let Outcome::Applied(applied) = &decided.decisions[1].outcome else {
        panic!("{decided:?}")
    };
    let view = applied.conversion().unwrap();
    assert_eq!((view.id, view.affiliate.slug.as_str()), (new.id, "second"));
    assert_eq!(
        view.commissions.len(),
        1,
        "the unauthenticated sale used up no limit"
    );
    let customer = customer(&decided, "c1");
    assert_eq!(
        (
            customer.own.affiliate.0,
            customer.own.authenticated,
            customer.own.counted_towards_cap
        ),
        (2, true, 1)
    );
}

#[test]
fn an_authenticated_sale_that_is_refused_leaves_the_unauthenticated_one() {
    let events = vec![
        unauthenticated(sale(1, "o1", "second", "100")),
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
    let (first, second) = (
        unauthenticated(sale(1, "o1", "second", "100")),
        sale(2, "o1", "second", "100"),
    );
    let late = vec![
        first.clone(),
        refund(3, "o1", Some("40")),
        approve(),
        second.clone(),
    ];
    let early = vec![first, second, refund(3, "o1", Some("40")), approve()];
    let (late, early) = (decide(late, world()).unwrap(), decide(early, world()).unwrap());
    assert_eq!(position(&late, 2), (Decimal::ZERO, decimal("4")));
    assert_eq!(position(&early, 2), position(&late, 2));
    let kept: Vec<_> = late
        .effects
        .refunds
        .iter()
        .map(|refund| refund.conversion)
        .collect();
    assert!(
        kept.contains(&conversion(&late, "o1").id),
        "a repeat of the refund is known"
    );
}

#[test]
fn refunds_of_an_unauthenticated_sale_go_on_with_the_authenticated_one_in_its_currency() {
    let mut in_yen = unauthenticated(sale(1, "o1", "second", "10000"));
    let Body::CreateConversion(create) = &mut in_yen.event.body else {
        panic!("a sale")
    };
    create.currency = Some("JPY".parse().unwrap());
    let mut cents = refund(2, "o1", None);
    if let Body::Refund(refund) = &mut cents.event.body {
        refund.minor_units = Some(2_500);
    }
    let part = refund(3, "o1", Some("10"));
    let ids = [cents.event.id, part.event.id];
    let events = vec![in_yen, cents, part, sale(4, "o1", "second", "100")];
    let decided = decide(events, world()).unwrap();
    let new = conversion(&decided, "o1");
    assert_eq!(new.refunded, decimal("35"), "25.00 dollars, not 2500");
    let told: Vec<_> = new
        .refunds
        .iter()
        .map(|refund| (refund.event, refund.amount))
        .collect();
    assert_eq!(
        told,
        [(ids[0], Some(decimal("25"))), (ids[1], Some(decimal("10")))]
    );
    assert_eq!(position(&decided, 2).0, decimal("6.5"));
}

/// In a program that pays for 20 days: what an unauthenticated sale said long ago takes nothing from an authenticated one.
#[test]
fn the_days_begin_with_the_first_authenticated_sale() {
    let world = with_program(world(), |program| {
        program.terms.first.recurring_period_days = Some(20);
    });
    let long_ago = now() - TimeDelta::days(25);
    let events = vec![
        at(
            unauthenticated(of_customer(sale(1, "o1", "second", "100"), "c1")),
            long_ago,
        ),
        of_customer(sale(2, "o2", "second", "100"), "c1"),
    ];
    let unauthenticated = decide(events[..1].to_vec(), world.clone()).unwrap();
    let early = customer(&unauthenticated, "c1");
    assert_eq!(
        (early.own.first_sale_at, early.status.as_str()),
        (None, "new"),
        "an unauthenticated sale moves nobody on"
    );
    let decided = decide(events, world).unwrap();
    assert_eq!(conversion(&decided, "o2").commissions.len(), 1);
    assert_eq!(customer(&decided, "c1").own.first_sale_at, Some(now()));
}

#[test]
fn a_deduction_is_what_the_partner_loses() {
    for (status, deducted) in [
        (ConversionStatus::Approved, "5"),
        (ConversionStatus::Disapproved, "0"),
    ] {
        let events = vec![
            sale(1, "o1", "second", "100"),
            update(2, "o1", None, Some(status)),
            refund(3, "o1", Some("50")),
        ];
        let decided = decide(events, world()).unwrap();
        let Outcome::Applied(Applied::Refund(told)) = &decided.decisions[2].outcome else {
            panic!("{decided:?}")
        };
        assert_eq!(told.deducted, decimal(deducted));
    }
}

#[test]
fn a_fixed_commission_stays_and_tells_the_amount_that_the_sale_has_now() {
    let world = with_program(world(), |program| {
        program.types[0].rate = Rate::Fixed(decimal("7.5"));
    });
    let events = vec![sale(1, "o1", "second", "100"), update(2, "o1", Some("50"), None)];
    let decided = decide(events, world).unwrap();
    let commission = &conversion(&decided, "o1").commissions[0];
    assert_eq!(
        (commission.gross, commission.sub_amount),
        (decimal("7.5"), decimal("50"))
    );
}

/// A create says nothing of how its lines share a later amount.
#[test]
fn of_a_sale_of_nothing_with_lines_a_later_amount_is_the_first_lines() {
    let mut nothing = sale(1, "o1", "second", "0");
    let Body::CreateConversion(create) = &mut nothing.event.body else {
        panic!("a sale")
    };
    let line = CommissionLine {
        sub_amount: Decimal::ZERO,
        commission_type: None,
        comment: None,
    };
    create.lines = vec![line.clone(), line];
    let decided = decide(vec![nothing, update(2, "o1", Some("100"), None)], world()).unwrap();
    let amounts: Vec<_> = conversion(&decided, "o1")
        .commissions
        .iter()
        .map(|commission| commission.gross)
        .collect();
    assert_eq!(amounts, [decimal("10"), Decimal::ZERO]);
}
