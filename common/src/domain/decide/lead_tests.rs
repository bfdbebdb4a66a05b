//! Leads: one example for each rule.

use chrono::TimeDelta;

use super::examples::{
    PROGRAM, customer, edited, in_dialect, named, of_customer, unauthenticated, with_affiliate, with_click,
    with_customer, with_program,
};
use super::people_tests::{applied, click, clicked, later, lead};
use super::tests::{ORG, decide_finally, event, now, sale, statuses, world};
use super::*;
use crate::domain::{
    AffiliateId, ClickId, CustomerId, Dialect, Identity, Lead, LeadView, ProgramId, click_name::click_code,
};

fn led(decided: &Decisions, index: usize) -> &LeadView {
    let Applied::Lead(view) = applied(decided, index) else {
        panic!("a lead")
    };
    view
}

fn last_click(world: World) -> World {
    with_program(world, |program| program.terms.first.recurring = false)
}

#[test]
fn a_lead_binds_its_customer_to_the_first_click_that_is_known() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(80));
    let sent = lead(1, &["unknown", &name, "cust_1_1"], Some("c1"));
    let decided = decide(
        vec![
            sent.clone(),
            Incoming {
                ..lead(2, &[&name], Some("c1"))
            },
        ],
        world,
    )
    .unwrap();
    assert_eq!(
        statuses(&decided),
        ["applied", "applied"],
        "its age is for sales to judge"
    );
    let view = led(&decided, 0);
    assert_eq!(view.click.as_ref().map(|click| click.id), Some(ClickId(50)));
    assert_eq!(view.customer.status, "lead");
    assert!(!view.is_provisional);
    assert_eq!(
        led(&decided, 1).customer,
        view.customer,
        "the same again changes nothing"
    );
    assert_eq!(customer(&decided, "c1").own.affiliate, AffiliateId(2));
}

#[test]
fn a_lead_finds_the_sessions_click_and_says_in_the_words_of_its_dialect_when_nothing_is_known() {
    let mut world = world();
    with_click(&mut world, 50, 2, TimeDelta::days(1));
    world.sessions.insert((ORG, "s1".into()), ClickId(50));
    let by = |n, session: &str, dialect| {
        let lead = Lead {
            session: Some(session.into()),
            email: Some("a@example.com".into()),
            ..Lead::default()
        };
        in_dialect(event(n, Body::Lead(Box::new(lead))), dialect)
    };
    let events = vec![
        by(1, "s1", Dialect::Affy),
        by(2, "s2", Dialect::Affy),
        by(3, "s2", Dialect::Affitor),
    ];
    let decided = decide_finally(events, world);
    assert_eq!(
        statuses(&decided),
        ["applied", "unknown_click", "unknown_customer"]
    );
    let visitor = Identity::Click(ClickId(50));
    let kept = decided.world.living_customer(ORG, &visitor).unwrap();
    assert_eq!(kept.email.as_deref(), Some("a@example.com"));
    assert_eq!(kept.external_id, None);
}

#[test]
fn a_visitor_may_tell_an_id_later_and_another_person_on_the_browser_is_another_customer() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(1));
    let events = vec![
        lead(1, &[&name], None),
        lead(2, &[&name], Some("c1")),
        lead(3, &[&name], Some("c2")),
        lead(4, &[&name], None),
    ];
    let decided = decide(events, world).unwrap();
    let ids: Vec<_> = (0..4).map(|index| led(&decided, index).customer.id).collect();
    assert_eq!(ids, [1, 1, 2, 1].map(CustomerId));
    assert_eq!(customer(&decided, "c1").id, CustomerId(1));
    assert_eq!(decided.world.customers.len(), 2);
}

#[test]
fn a_sale_too_tells_a_visitors_id_but_an_unauthenticated_one_not_that_of_an_authenticated_visitor() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(1));
    for (authenticated, customers) in [(true, 1), (false, 2)] {
        let mut bought = edited(of_customer(sale(2, "o1", "", "100"), "c1"), |create| {
            create.attribution.click_id = Some(name.clone());
        });
        bought.event.authenticated = authenticated;
        let events = vec![lead(1, &[&name], None), in_dialect(bought, Dialect::Affitor)];
        let decided = decide(events, world.clone()).unwrap();
        assert_eq!(decided.world.customers.len(), customers);
    }
}

#[test]
fn an_unauthenticated_event_writes_nothing_over_what_an_authenticated_one_said() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(1));
    let told = |n, address: &str| {
        let mut incoming = lead(n, &[&name], Some("c1"));
        let Body::Lead(lead) = &mut incoming.event.body else {
            panic!("a lead")
        };
        lead.email = Some(address.into());
        incoming
    };
    let bought = edited(of_customer(sale(3, "o1", "first", "100"), "c1"), |create| {
        let mut customer = named("c1");
        customer.email = Some("c@example.com".into());
        create.customer = Some(customer);
    });
    let events = vec![
        told(1, "a@example.com"),
        unauthenticated(told(2, "b@example.com")),
        unauthenticated(bought),
    ];
    let decided = decide(events, world).unwrap();
    assert_eq!(customer(&decided, "c1").email.as_deref(), Some("a@example.com"));
}

#[test]
fn who_keeps_a_customer_at_another_click_follows_from_lifetime_and_trust() {
    // lifetime, first lead authenticated, second authenticated; who has the customer
    let table = [
        (true, true, true, 1),
        (true, false, false, 1),
        (true, true, false, 1),
        (true, false, true, 2),
        (false, true, true, 2),
        (false, false, false, 2),
        (false, true, false, 1),
        (false, false, true, 2),
    ];
    for row in table {
        let (lifetime, first, second, affiliate) = row;
        let mut world = with_program(world(), |program| program.terms.first.recurring = lifetime);
        let older = with_click(&mut world, 50, 1, TimeDelta::days(2));
        let two = with_click(&mut world, 51, 2, TimeDelta::days(1));
        let mut events = vec![lead(1, &[&older], Some("c1")), lead(2, &[&two], Some("c1"))];
        events[0].event.authenticated = first;
        events[1].event.authenticated = second;
        let decided = decide(events, world).unwrap();
        let kept = customer(&decided, "c1");
        assert_eq!(kept.own.affiliate, AffiliateId(affiliate), "{row:?}");
        assert_eq!(kept.own.authenticated, first || second, "{row:?}");
    }
}

#[test]
fn a_customer_follows_the_visitors_last_click_where_nobody_keeps_it() {
    // lifetime, lead authenticated; who has the customer after an unauthenticated click
    for (lifetime, authenticated, affiliate) in [(false, false, 2), (false, true, 1), (true, false, 1)] {
        let world = with_program(world(), |program| program.terms.first.recurring = lifetime);
        let first = unauthenticated(click(1, "first", |_| {}));
        let decided = decide(vec![first], world).unwrap();
        let view = clicked(&decided, 0);
        let name = click_code(view.id, view.created_at);
        let mut bound = lead(2, &[&name], Some("c1"));
        bound.event.authenticated = authenticated;
        let again = unauthenticated(click(3, "second", |click| click.existing = Some(name)));
        let decided = decide(vec![bound, later(again, 60)], decided.world).unwrap();
        assert_eq!(statuses(&decided), ["applied", "applied"]);
        assert_eq!(customer(&decided, "c1").own.affiliate, AffiliateId(affiliate));
    }
}

#[test]
fn a_lead_is_refused_elsewhere_after_the_sale_and_for_who_is_not_approved() {
    let mut world = world();
    with_affiliate(&mut world, PROGRAM, 9, "pending", |affiliation| {
        affiliation.approved = None;
    });
    let name = with_click(&mut world, 50, 1, TimeDelta::days(1));
    let pending = with_click(&mut world, 51, 9, TimeDelta::days(1));
    with_customer(&mut world, "bought", 1, |customer| {
        customer.own.first_sale_at = Some(now());
    });
    with_customer(&mut world, "loose", 1, |customer| {
        (customer.own.first_sale_at, customer.own.authenticated) = (Some(now()), false);
    });
    let mut elsewhere = lead(3, &[&name], Some("c1"));
    elsewhere.event.program_scope = Some(ProgramId(2));
    let events = vec![
        lead(1, &[&name], Some("bought")),
        in_dialect(lead(2, &[&name], Some("bought")), Dialect::Affy),
        elsewhere,
        lead(4, &[&pending], Some("c1")),
        unauthenticated(lead(5, &[&name], Some("loose"))),
        lead(6, &[&name], Some("loose")),
    ];
    let decided = decide(events, world).unwrap();
    assert_eq!(
        statuses(&decided),
        [
            "customer_converted",
            "applied",
            "customer_elsewhere",
            "partner_not_approved",
            "customer_converted",
            "applied"
        ]
    );
    assert!(customer(&decided, "loose").own.authenticated);
}

#[test]
fn a_provisional_lead_binds_nobody_until_an_authenticated_one_comes() {
    let mut world = with_program(last_click(world()), |program| program.keyed_leads_only = true);
    let name = with_click(&mut world, 50, 2, TimeDelta::days(1));
    let bought = |n, order| in_dialect(of_customer(sale(n, order, "", "100"), "c1"), Dialect::Affitor);
    let events = vec![
        unauthenticated(lead(1, &[&name], Some("c1"))),
        bought(2, "o1"),
        lead(3, &[], Some("c1")),
        bought(4, "o2"),
    ];
    let decided = decide_finally(events, world.clone());
    assert_eq!(
        statuses(&decided),
        ["applied", "unknown_customer", "applied", "applied"]
    );
    assert!(led(&decided, 0).is_provisional && !led(&decided, 2).is_provisional);
    let with_click = edited(bought(2, "o1"), |create| {
        create.attribution.click_id = Some(name.clone());
    });
    let events = vec![unauthenticated(lead(1, &[&name], Some("c1"))), with_click];
    let decided = decide(events, world).unwrap();
    assert_eq!(
        statuses(&decided),
        ["applied", "applied"],
        "an authenticated sale that names the click needs no lead"
    );
    assert!(customer(&decided, "c1").own.authenticated);
}
