//! Clicks, leads and customers: one example for each rule, then any sequence of them.

use chrono::TimeDelta;

use super::examples::{
    PROGRAM, customer, edited, in_dialect, unauthenticated, with_affiliate, with_click, with_customer,
    with_program,
};
use super::tests::{ORG, decide_finally, event, now, sale, statuses, world};
use super::*;
use crate::domain::{
    AffiliateId, AttributionFields, ClickId, ClickView, CreateCustomer, CustomerAction, CustomerId,
    CustomerLifecycle, CustomerRecord, CustomerRef, CustomerTarget, Dialect, Identity, Lead, MetaData, OrgId,
    ProgramId, RecordClick, UpdateCustomer,
    click_name::click_code,
    entities::{Change, Click},
};

const OTHER_ORG: OrgId = OrgId(2);

pub(super) fn click(n: u128, code: &str, edit: impl FnOnce(&mut RecordClick)) -> Incoming {
    let mut click = RecordClick {
        referral_code: code.into(),
        ..RecordClick::default()
    };
    edit(&mut click);
    event(n, Body::Click(Box::new(click)))
}

pub(super) fn create(n: u128, name: &str, coupon: &str) -> Incoming {
    create_with(n, name, coupon, |_| {})
}

fn create_with(n: u128, name: &str, coupon: &str, edit: impl FnOnce(&mut CreateCustomer)) -> Incoming {
    let mut create = CreateCustomer {
        customer_id: name.into(),
        attribution: AttributionFields {
            coupon: Some(coupon.into()),
            ..AttributionFields::default()
        },
        ..CreateCustomer::default()
    };
    edit(&mut create);
    in_dialect(event(n, Body::CreateCustomer(Box::new(create))), Dialect::Rest)
}

fn change(n: u128, target: CustomerTarget, edit: impl FnOnce(&mut UpdateCustomer)) -> Incoming {
    let mut update = UpdateCustomer {
        customer: target,
        customer_id: None,
        meta_data: None,
        meta_change: None,
        action: None,
        occurred_at: None,
    };
    edit(&mut update);
    in_dialect(event(n, Body::UpdateCustomer(update)), Dialect::Rest)
}

pub(super) fn act(n: u128, name: &str, action: CustomerAction) -> Incoming {
    change(n, CustomerTarget::Id(name.into()), |update| {
        update.action = Some(action);
    })
}

pub(super) fn lead(n: u128, clicks: &[&str], name: Option<&str>) -> Incoming {
    let lead = Lead {
        click_ids: clicks.iter().map(|&click| click.to_owned()).collect(),
        customer_id: name.map(ToOwned::to_owned),
        ..Lead::default()
    };
    in_dialect(event(n, Body::Lead(Box::new(lead))), Dialect::Affitor)
}

pub(super) fn later(mut incoming: Incoming, seconds: i64) -> Incoming {
    incoming.event.received_at += TimeDelta::seconds(seconds);
    incoming
}

pub(super) fn applied(decided: &Decisions, index: usize) -> &Applied {
    let Outcome::Applied(applied) = &decided.decisions[index].outcome else {
        panic!("{:?}", decided.decisions[index])
    };
    applied
}

pub(super) fn clicked(decided: &Decisions, index: usize) -> &ClickView {
    let Applied::Click(view) = applied(decided, index) else {
        panic!("a click")
    };
    view
}

fn record(decided: &Decisions, index: usize) -> &CustomerRecord {
    let Applied::Customer(record) = applied(decided, index) else {
        panic!("a customer")
    };
    record
}

/// The same click recorded by another organisation, with its name and session.
fn with_click_elsewhere(world: &mut World) {
    with_click(world, 70, 1, TimeDelta::zero());
    let click = world.clicks.remove(&ClickId(70)).unwrap();
    world.add_click(Click {
        org: OTHER_ORG,
        name: Some("theirs".into()),
        ..click
    });
    world.sessions.insert((OTHER_ORG, "theirs".into()), ClickId(70));
}

#[test]
fn a_click_has_the_code_the_window_and_the_affiliate_of_its_link() {
    let sent = click(1, "first", |click| {
        click.referrer = Some("https://blog.example/".into());
        click.source_id = Some("s1".into());
    });
    let decided = decide(vec![sent], world()).unwrap();
    let view = clicked(&decided, 0);
    assert_eq!(
        (view.affiliate.slug.as_str(), view.cookie_time, view.created_at),
        ("first", 45, now())
    );
    let kept = &decided.world.clicks[&view.id];
    assert_eq!(kept.change, Change::Insert);
    assert_eq!(kept.details["source_id"], "s1");
}

#[test]
fn a_link_leads_only_to_who_is_approved_and_in_the_programs_of_the_key() {
    let mut world = world();
    with_affiliate(&mut world, PROGRAM, 9, "pending", |affiliation| {
        affiliation.approved = None;
        affiliation.referral_code = Some("p1".into());
    });
    with_affiliate(&mut world, PROGRAM, 8, "coded", |affiliation| {
        affiliation.referral_code = Some("c1".into());
    });
    let mut elsewhere = click(3, "c1", |_| {});
    elsewhere.event.program_scope = Some(ProgramId(2));
    let events = vec![click(1, "p1", |_| {}), click(2, "nobody", |_| {}), elsewhere];
    let decided = decide(events, world).unwrap();
    assert_eq!(
        statuses(&decided),
        ["partner_not_approved", "unknown_partner", "unknown_partner"]
    );
    assert!(decided.world.clicks.is_empty());
}

#[test]
fn the_last_click_takes_the_earlier_one_over_and_keeps_its_names() {
    let mut world = world();
    let name = with_click(&mut world, 50, 1, TimeDelta::days(3));
    let again = click(1, "second", |click| click.existing = Some(name));
    let decided = decide(vec![again], world).unwrap();
    let view = clicked(&decided, 0);
    assert_eq!(
        (view.id, view.created_at),
        (ClickId(50), now() - TimeDelta::days(3))
    );
    let kept = &decided.world.clicks[&ClickId(50)];
    assert_eq!((kept.affiliate, kept.clicked_at), (AffiliateId(2), now()));
    assert_eq!(kept.change, Change::Update);
}

#[test]
fn an_earlier_click_that_is_unknown_or_authenticated_is_left_alone_by_an_unauthenticated_one() {
    let mut world = world();
    let name = with_click(&mut world, 50, 1, TimeDelta::days(3));
    for existing in [name, "cust_1_1".to_owned()] {
        let sent = unauthenticated(click(1, "second", |click| click.existing = Some(existing)));
        let decided = decide(vec![sent], world.clone()).unwrap();
        assert_ne!(clicked(&decided, 0).id, ClickId(50));
        assert_eq!(decided.world.clicks[&ClickId(50)].affiliate, AffiliateId(1));
    }
}

#[test]
fn a_click_with_a_name_is_one_click_whichever_delivery_comes_first() {
    let sent = |n, code: &str, seconds| {
        let named = click(n, code, |click| click.name = Some("n1".into()));
        later(unauthenticated(named), seconds)
    };
    for events in [
        vec![sent(1, "first", 0), sent(2, "second", 5)],
        vec![sent(2, "second", 5), sent(1, "first", 0)],
    ] {
        let decided = decide(events, world()).unwrap();
        assert_eq!(clicked(&decided, 0).id, clicked(&decided, 1).id);
        let [kept] = decided.world.clicks.values().collect::<Vec<_>>()[..] else {
            panic!("one click")
        };
        assert_eq!(kept.affiliate, AffiliateId(2), "the later one counts");
    }
}

#[test]
fn names_and_sessions_of_another_organisation_are_no_matter() {
    let mut world = world();
    with_click_elsewhere(&mut world);
    let ours = click_code(ClickId(123), now());
    let events = vec![
        click(1, "first", |click| click.name = Some("theirs".into())),
        click(2, "first", |click| click.session = Some("theirs".into())),
        click(3, "first", |click| click.name = Some(ours)),
        click(4, "first", |click| {
            click.existing = Some(click_code(ClickId(70), now()));
        }),
    ];
    let decided = decide(events, world).unwrap();
    assert_eq!(
        statuses(&decided),
        ["applied", "applied", "click_taken", "applied"],
        "only what has the form of our own ids is refused"
    );
    for index in [0, 1, 3] {
        assert_ne!(clicked(&decided, index).id, ClickId(70));
    }
    let theirs = &decided.world.clicks[&ClickId(70)];
    assert_eq!((theirs.change, theirs.org), (Change::None, OTHER_ORG));
    let ours = clicked(&decided, 1).id;
    assert_eq!(decided.effects.sessions, [("theirs".to_owned(), ORG, ours)]);
}

#[test]
fn a_session_is_not_taken_over_by_an_unauthenticated_click() {
    let in_session =
        |n, code: &str, seconds| later(click(n, code, |click| click.session = Some("s1".into())), seconds);
    for (first_authenticated, second_authenticated, winner) in
        [(true, false, 1), (true, true, 2), (false, false, 2)]
    {
        let mut events = vec![in_session(1, "first", 0), in_session(2, "second", 5)];
        events[0].event.authenticated = first_authenticated;
        events[1].event.authenticated = second_authenticated;
        let decided = decide(events, world()).unwrap();
        assert_eq!(decided.world.session(ORG, "s1").unwrap().affiliate.0, winner);
    }
}

#[test]
fn a_session_has_its_latest_click() {
    let sent =
        |n, code: &str, seconds| later(click(n, code, |click| click.session = Some("s1".into())), seconds);
    let decided = decide(
        vec![sent(1, "first", 0), sent(2, "second", 9), sent(3, "first", 5)],
        world(),
    )
    .unwrap();
    let latest = clicked(&decided, 1).id;
    assert_eq!(decided.effects.sessions, [("s1".to_owned(), ORG, latest)]);
    assert_eq!(decided.world.session(ORG, "s1").unwrap().id, latest);
    assert_eq!(clicked(&decided, 1).session.as_deref(), Some("s1"));
}

#[test]
fn a_customer_is_recorded_on_its_track_with_the_click_that_led_there() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(45));
    for (lifecycle, status) in [
        (CustomerLifecycle::New, "new"),
        (CustomerLifecycle::Trial, "trial"),
        (CustomerLifecycle::Lead, "lead"),
    ] {
        let sent = create_with(1, "c1", "nobody", |create| {
            create.lifecycle = lifecycle;
            create.attribution.click_id = Some(name.clone());
        });
        let decided = decide(vec![sent], world.clone()).unwrap();
        let record = record(&decided, 0);
        assert_eq!(
            (record.status.as_str(), record.affiliate.slug.as_str()),
            (status, "second")
        );
        assert_eq!(record.customer_id.as_deref(), Some("c1"));
        assert!(record.click.is_some());
        assert_eq!(
            decided.world.clicks[&ClickId(50)].customer,
            Some(record.id),
            "the click knows who came"
        );
    }
}

#[test]
fn a_customers_click_ages_too_unless_told_otherwise() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(46));
    let sent = |n, any_age| {
        create_with(n, "c1", "nobody", |create| {
            create.attribution.click_id = Some(name.clone());
            create.override_max_cookie_time = any_age;
        })
    };
    let decided = decide(vec![sent(1, false), sent(2, true)], world).unwrap();
    assert_eq!(statuses(&decided), ["window_expired", "applied"]);
}

#[test]
fn a_customer_id_is_recorded_once_unless_it_is_unauthenticated() {
    // first authenticated, second authenticated; what becomes of the second, who has the customer
    let table = [
        (true, true, "duplicate_customer", 1),
        (true, false, "duplicate_customer", 1),
        (false, false, "duplicate_customer", 1),
        (false, true, "applied", 2),
    ];
    for (first, second, outcome, affiliate) in table {
        let mut events = vec![
            create(1, "c1", "first"),
            create_with(2, "c1", "second", |create| {
                create.lifecycle = CustomerLifecycle::Trial;
            }),
        ];
        events[0].event.authenticated = first;
        events[1].event.authenticated = second;
        let decided = decide(events, world()).unwrap();
        assert_eq!(statuses(&decided), ["applied", outcome]);
        if let Outcome::Refused(refusal) = &decided.decisions[1].outcome {
            let told = refusal
                .first
                .as_ref()
                .map(|first| (first.event_id, first.outcome.is_some()));
            assert_eq!(told, Some((decided.decisions[0].event.id, true)));
        }
        let kept = customer(&decided, "c1");
        assert_eq!(kept.own.affiliate, AffiliateId(affiliate));
        assert_eq!(kept.status, if affiliate == 2 { "trial" } else { "new" });
    }
}

#[test]
fn a_customer_is_changed_by_id_or_number_and_only_by_keys_that_see_it() {
    let mut world = world();
    with_customer(&mut world, "c1", 1, |customer| {
        customer.meta_data.insert("old".into(), 1.into());
    });
    with_customer(&mut world, "c2", 1, |_| {});
    let mut elsewhere = act(5, "c2", CustomerAction::Cancel);
    elsewhere.event.program_scope = Some(ProgramId(2));
    let events = vec![
        change(1, CustomerTarget::Id("c1".into()), |update| {
            update.meta_data = Some(MetaData::from_iter([("new".to_owned(), 2.into())]));
            update.customer_id = Some("c9".into());
        }),
        change(2, CustomerTarget::Number(CustomerId(900)), |update| {
            update.customer_id = Some("c2".into());
        }),
        act(3, "c1", CustomerAction::Cancel),
        change(4, CustomerTarget::Number(CustomerId(7)), |_| {}),
        elsewhere,
    ];
    let decided = decide_finally(events, world);
    assert_eq!(
        statuses(&decided),
        [
            "applied",
            "duplicate_customer",
            "unknown_customer",
            "unknown_customer",
            "unknown_customer"
        ]
    );
    let renamed = record(&decided, 0);
    assert_eq!(renamed.customer_id.as_deref(), Some("c9"));
    assert_eq!(renamed.meta_data.keys().collect::<Vec<_>>(), ["new"]);
    assert_eq!(customer(&decided, "c9").id, CustomerId(900));
}

#[test]
fn who_is_known_by_an_address_stays_known_by_it() {
    let mut world = world();
    let address = Identity::email("a@example.com");
    with_customer(&mut world, "c1", 1, |customer| {
        customer.identity = address.clone();
    });
    let rename = change(1, CustomerTarget::Number(CustomerId(900)), |update| {
        update.customer_id = Some("c2".into());
    });
    let decided = decide(vec![rename], world).unwrap();
    let kept = decided.world.living_customer(ORG, &address).unwrap();
    assert_eq!(kept.external_id.as_deref(), Some("c2"));
}

#[test]
fn cancelling_and_resuming_go_to_the_words_of_the_track() {
    // lifecycle, bought, counted, cap; cancelled, resumed
    let table = [
        (CustomerLifecycle::Trial, false, 0, None, "canceled", "trial"),
        (CustomerLifecycle::Trial, true, 1, None, "canceled", "paying"),
        (CustomerLifecycle::Lead, true, 1, None, "lost", "won"),
        (CustomerLifecycle::New, true, 1, None, "stopped", "active"),
        (CustomerLifecycle::New, true, 3, Some(3), "stopped", "capped"),
        (CustomerLifecycle::New, true, 3, Some(4), "stopped", "active"),
    ];
    for row in table {
        let (lifecycle, bought, counted, cap, cancelled, resumed) = row;
        let mut world = with_program(world(), |program| program.terms.first.recurring_cap = cap);
        with_customer(&mut world, "c1", 1, |customer| {
            (customer.lifecycle, customer.own.counted_towards_cap) = (lifecycle, counted);
            customer.own.first_sale_at = bought.then(now);
            // The program's limit was another when this was noted.
            customer.own.capped = true;
        });
        let events = vec![
            act(1, "c1", CustomerAction::Cancel),
            act(2, "c1", CustomerAction::Resume),
        ];
        let decided = decide(events, world).unwrap();
        let said = [0, 1].map(|index| record(&decided, index).status.clone());
        assert_eq!(said, [cancelled, resumed], "{row:?}");
    }
}

#[test]
fn resuming_after_the_programs_days_is_capped() {
    for (days, status) in [(30, "active"), (31, "capped")] {
        let mut world = with_program(world(), |program| {
            program.terms.first.recurring_period_days = Some(30);
        });
        with_customer(&mut world, "c1", 1, |customer| {
            customer.own.first_sale_at = Some(now() - TimeDelta::days(days));
        });
        let decided = decide(vec![act(1, "c1", CustomerAction::Resume)], world).unwrap();
        assert_eq!(record(&decided, 0).status, status);
    }
}

#[test]
fn a_deleted_customer_is_forgotten_by_all_later_events() {
    let mut world = world();
    let name = with_click(&mut world, 50, 2, TimeDelta::days(1));
    let affitor_sale = |n, order| {
        in_dialect(
            edited(sale(n, order, "", "100"), |create| {
                create.attribution.click_id = Some(name.clone());
            }),
            Dialect::Affitor,
        )
    };
    let events = vec![
        lead(1, &[&name], Some("c1")),
        act(2, "c1", CustomerAction::Delete),
        act(3, "c1", CustomerAction::Cancel),
        lead(4, &[], Some("c1")),
        affitor_sale(5, "o1"),
        create(6, "c1", "first"),
        change(7, CustomerTarget::Number(CustomerId(1)), |_| {}),
    ];
    let decided = decide_finally(events, world);
    assert_eq!(
        statuses(&decided),
        [
            "applied",
            "applied",
            "unknown_customer",
            "unknown_customer",
            "applied",
            "applied",
            "unknown_customer"
        ]
    );
    let old = decided.world.customer(ORG, CustomerId(1)).unwrap();
    assert_eq!(old.identity, Identity::Deleted(CustomerId(1)));
    assert_eq!(
        (old.external_id.as_deref(), old.deleted_at),
        (Some("c1"), Some(now()))
    );
    assert_ne!(customer(&decided, "c1").id, CustomerId(1));
    let customer_of_sale = decided.world.conversion_of(ORG, "o1").unwrap().customer;
    assert_eq!(decided.world.clicks[&ClickId(50)].customer, customer_of_sale);
    assert_ne!(
        customer_of_sale,
        Some(CustomerId(1)),
        "the click's next visitor is somebody new"
    );
}

/// seed: Yaplet, `customer.name`
#[test]
fn yaplets_name_of_a_customer_is_a_default_and_no_news() {
    let named = |n, name: Option<&str>| {
        let sold = edited(sale(n, &n.to_string(), "first", "100"), |create| {
            create.customer = Some(CustomerRef {
                identity: Identity::email("Ada@example.com"),
                external_id: None,
                email: Some("Ada@example.com".to_owned()),
                name: name.map(str::to_owned),
                meta_data: MetaData::new(),
            });
        });
        in_dialect(sold, Dialect::Yaplet)
    };
    let kept = |events: Vec<Incoming>, stored: Option<&str>| {
        let mut world = world();
        with_customer(&mut world, "c1", 1, |customer| {
            customer.identity = Identity::email("ada@example.com");
            customer.name = stored.map(str::to_owned);
        });
        let decided = decide(events, world).unwrap();
        decided.world.customers[&(ORG, Identity::email("ada@example.com"))]
            .name
            .clone()
    };
    let known = Some("Ada Lovelace");
    assert_eq!(kept(vec![named(1, None)], known).as_deref(), known);
    assert_eq!(kept(vec![named(1, None)], None).as_deref(), Some("Ada"));
    assert_eq!(
        kept(vec![named(1, known), named(2, None)], None).as_deref(),
        known
    );
    let decided = decide(vec![named(1, None), named(2, None)], world()).unwrap();
    let new = &decided.world.customers[&(ORG, Identity::email("ada@example.com"))];
    assert_eq!(new.name.as_deref(), Some("Ada"));
    let elsewhere = in_dialect(named(1, None), Dialect::Rest);
    let decided = decide(vec![elsewhere], world()).unwrap();
    let new = &decided.world.customers[&(ORG, Identity::email("ada@example.com"))];
    assert_eq!(new.name, None);
}

#[test]
fn identities_are_read_back_as_they_are_stored() {
    for identity in [
        Identity::Id("a:b".into()),
        Identity::email("A@example.com"),
        Identity::Click(ClickId(7)),
        Identity::Deleted(CustomerId(8)),
    ] {
        assert_eq!(Identity::from_key(&identity.key()), Some(identity));
    }
}
