//! Events that come before what they need: each kind of it by example, and when they are looked at, by property.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::examples::{edited, in_dialect, named, of_customer, with_click, with_customer, with_program};
use super::people_tests::{act, click, create, lead};
use super::tests::{ORG, catalog_mut, decide_finally, event, now, refund, sale, statuses, update, world};
use super::*;
use crate::domain::{
    Chargeback, ClickId, ConversionId, CreateCustomer, CustomerAction, CustomerId, CustomerTarget,
    Dependency, Dialect, EditConversion, Identity, OrgId, ProgramId, UpdateCustomer,
    attribution::AttributionMethod, dependency,
};

const OTHER_ORG: OrgId = OrgId(2);

/// With a referral code, by which clicks find `first`.
fn clickable() -> World {
    let mut world = world();
    let catalog = catalog_mut(&mut world);
    let mut affiliation = catalog.by_coupon("first").unwrap().clone();
    affiliation.referral_code = Some("first".into());
    catalog.add_affiliation(affiliation);
    world
}

fn named_click(n: u128, name: &str) -> Incoming {
    click(n, "first", |click| click.name = Some(name.into()))
}

fn session_click(n: u128, session: &str) -> Incoming {
    click(n, "first", |click| click.session = Some(session.into()))
}

/// A sale that is found by one thing only.
fn sale_by(n: u128, dialect: Dialect, method: AttributionMethod, name: &str) -> Incoming {
    let sale = edited(sale(n, "o1", "", "100"), |create| {
        create.attribution.coupon = None;
        let name = Some(name.to_owned());
        match method {
            AttributionMethod::Customer => create.customer = name.as_deref().map(named),
            AttributionMethod::Click => create.attribution.click_id = name,
            AttributionMethod::Tracking => create.attribution.tracking_id = name,
            AttributionMethod::Session => create.attribution.session = name,
            other => panic!("{other:?} is not waited for"),
        }
    });
    in_dialect(sale, dialect)
}

fn customer_by_click(n: u128, name: &str) -> Incoming {
    let mut create = CreateCustomer {
        customer_id: "c9".into(),
        ..CreateCustomer::default()
    };
    create.attribution.click_id = Some(name.into());
    in_dialect(event(n, Body::CreateCustomer(Box::new(create))), Dialect::Rest)
}

fn affy_lead(n: u128, clicks: &[&str], session: Option<&str>) -> Incoming {
    let mut incoming = in_dialect(lead(n, clicks, None), Dialect::Affy);
    if let Body::Lead(lead) = &mut incoming.event.body {
        lead.session = session.map(ToOwned::to_owned);
    }
    incoming
}

fn order(name: &str) -> Dependency {
    Dependency::Order(name.into())
}

fn customer(name: &str) -> Dependency {
    Dependency::Customer(Identity::Id(name.into()))
}

fn clicked(name: &str) -> Dependency {
    Dependency::Click(name.into())
}

fn in_session(name: &str) -> Dependency {
    Dependency::Session(name.into())
}

/// An event, by which names it needs something, as what it is refused in the end, and what brings what it needs.
type Case = (Incoming, Vec<Dependency>, &'static str, Incoming);

fn all() -> Vec<Case> {
    let mut cases = changes();
    cases.extend(leads());
    cases.extend(sales());
    cases
}

fn changes() -> Vec<Case> {
    let of_order = |child| {
        let parent = sale(9, "o1", "first", "100");
        (child, vec![order("o1")], "unknown_order", parent)
    };
    let of_the_customer = |parent| {
        let child = act(1, "c1", CustomerAction::Cancel);
        (child, vec![customer("c1")], "unknown_customer", parent)
    };
    let chargeback = Chargeback {
        external_id: "o1".into(),
        reversed: false,
        occurred_at: None,
    };
    vec![
        of_order(update(1, "o1", Some("5"), None)),
        of_order(refund(1, "o1", None)),
        of_order(event(1, Body::Chargeback(chargeback))),
        of_the_customer(create(9, "c1", "first")),
        of_the_customer(of_customer(sale(9, "o9", "first", "1"), "c1")),
    ]
}

fn leads() -> Vec<Case> {
    let by_customer = lead(1, &[], Some("c1"));
    let by_all = lead(1, &["x", "y"], Some("c1"));
    let all = vec![customer("c1"), clicked("x"), clicked("y")];
    let both = vec![clicked("x"), in_session("s")];
    let affy = affy_lead(1, &["x"], Some("s"));
    vec![
        (
            by_customer,
            vec![customer("c1")],
            "unknown_customer",
            create(9, "c1", "first"),
        ),
        (by_all, all, "unknown_customer", named_click(9, "y")),
        (affy.clone(), both.clone(), "unknown_click", named_click(9, "x")),
        (affy, both, "unknown_click", session_click(9, "s")),
    ]
}

fn sales() -> Vec<Case> {
    use AttributionMethod::{Click, Customer, Session, Tracking};
    let by_customer = |dialect, refused| {
        let child = sale_by(1, dialect, Customer, "c1");
        (child, vec![customer("c1")], refused, create(9, "c1", "first"))
    };
    let by_click = |dialect, method, refused| {
        let child = sale_by(1, dialect, method, "x");
        (child, vec![clicked("x")], refused, named_click(9, "x"))
    };
    let by_session = sale_by(1, Dialect::Affy, Session, "s");
    vec![
        by_customer(Dialect::Affitor, "unknown_customer"),
        by_customer(Dialect::Rest, "unknown_partner"),
        by_click(Dialect::Affy, Click, "unknown_click"),
        by_click(Dialect::Rest, Tracking, "unknown_partner"),
        by_click(Dialect::Postback, Click, "unknown_partner"),
        (
            by_session,
            vec![in_session("s")],
            "unknown_click",
            session_click(9, "s"),
        ),
        (
            customer_by_click(1, "x"),
            vec![clicked("x")],
            "unknown_partner",
            named_click(9, "x"),
        ),
    ]
}

/// The world of a later batch: what is parked has its row, and the loader has found it by what it waits for.
fn with_parked(decided: &Decisions) -> World {
    let mut world = clickable();
    for parked in &decided.effects.parked {
        let mut decisions = decided.decisions.iter();
        let decision = decisions
            .find(|decision| decision.event.id == parked.event)
            .unwrap();
        let key = (parked.org, parked.waits_for.clone());
        world.parked.entry(key).or_default().push(decision.event.clone());
    }
    world
}

/// Decides while nothing that was accepted before the events is under way.
fn decide_through(events: Vec<Incoming>, mut world: World) -> Decisions {
    let ids = events.iter().map(|incoming| incoming.event.id);
    world.earlier_are_through.extend(ids);
    decide(events, world).unwrap()
}

#[test]
fn what_an_event_needs_has_names() {
    for (child, names, refused, parent) in all() {
        let told = format!("{:?}", child.event.body);
        assert_eq!(dependency::needed(&child.event), names, "{told}");
        let brought = dependency::named(&parent.event);
        assert!(names.iter().any(|name| brought.contains(name)), "{told}");
        let kind = parent.event.body.kind();
        assert!(
            names.iter().any(|name| name.brought_by().contains(&kind)),
            "{told}"
        );

        let decided = decide_finally(vec![child.clone()], clickable());
        assert_eq!(statuses(&decided), [refused], "{told}");
        let decided = decide(vec![parent, child], clickable()).unwrap();
        assert_eq!(statuses(&decided), ["applied", "applied"], "{told}");
    }
}

#[test]
fn a_change_for_which_nobody_waits_is_parked_for_what_it_changes() {
    for (child, names, _, _) in changes() {
        let told = format!("{:?}", child.event.body);
        let decided = decide_through(vec![child.clone()], clickable());
        assert_eq!(statuses(&decided), ["parked"], "{told}");
        let [waits_for] = <[Dependency; 1]>::try_from(names).unwrap();
        let parked = Parked {
            event: child.event.id,
            org: ORG,
            waits_for,
        };
        assert_eq!(decided.effects.parked, [parked], "{told}");
    }
}

#[test]
fn what_comes_brings_what_is_parked_for_it() {
    for (child, names, _, parent) in changes() {
        let told = format!("{:?}", child.event.body);
        let is_order = matches!(names.as_slice(), [Dependency::Order(_)]);
        let parked = decide(vec![child.clone()], clickable()).unwrap();
        let decided = decide(vec![parent.clone()], with_parked(&parked)).unwrap();
        let brought: Vec<_> = decided
            .decisions
            .iter()
            .filter(|decision| decision.event.id == child.event.id)
            .map(|decision| (decision.outcome.status().name(), decision.row_write))
            .collect();
        // What may name more than the order has to be locked and loaded: it takes its turn.
        let want = if is_order { "applied" } else { "queued" };
        assert_eq!(brought, [(want, RowWrite::Update)], "{told}");
        assert!(decided.world.parked.is_empty(), "{told}");

        let together = decide(vec![child.clone(), parent], clickable()).unwrap();
        assert_eq!(statuses(&together), [want, "applied"], "{told}");
        assert_eq!(
            together.decisions[0].row_write,
            RowWrite::Insert,
            "it has no row yet"
        );
    }
}

#[test]
fn who_only_looks_for_whom_to_pay_is_queued_until_nothing_earlier_can_tell() {
    for (child, _, refused, parent) in leads().into_iter().chain(sales()) {
        let told = format!("{:?}", child.event.body);
        let decided = decide(vec![child.clone()], clickable()).unwrap();
        assert_eq!(statuses(&decided), ["queued"], "{told}");
        assert_eq!(decided.decisions[0].row_write, RowWrite::Insert, "{told}");
        assert_eq!(decided.effects.parked, [], "{told}");

        let mut again = child.clone();
        again.queued = true;
        let with_row = |mut world: World| {
            world.events.insert(child.event.id, Outcome::Queued);
            world
        };
        let decided = decide(vec![again.clone()], with_row(clickable())).unwrap();
        assert_eq!(statuses(&decided), ["queued"], "{told}");
        let decided = decide_through(vec![again.clone()], with_row(clickable()));
        assert_eq!(statuses(&decided), [refused], "{told}");
        let decided = decide(vec![parent, again], with_row(clickable())).unwrap();
        assert_eq!(statuses(&decided), ["applied", "applied"], "{told}");
    }
}

#[test]
fn what_cannot_have_been_accepted_before_is_refused_at_once() {
    let scoped = |mut incoming: Incoming| {
        incoming.event.program_scope = Some(ProgramId(2));
        incoming
    };
    let number = |body| event(1, body);
    let edit = EditConversion {
        conversion: ConversionId(7),
        amount: None,
        external_id: Some("o7".into()),
        meta_data: None,
        meta_change: None,
        recalculate: false,
        delete: false,
    };
    let by_number = UpdateCustomer {
        customer: CustomerTarget::Number(CustomerId(7)),
        customer_id: Some("c7".into()),
        meta_data: None,
        meta_change: None,
        action: None,
        occurred_at: None,
    };
    let mut world = clickable();
    with_customer(&mut world, "c1", 1, |_| {});
    let elsewhere = with_click(&mut world, 50, 1, TimeDelta::days(1));
    world.clicks.get_mut(&ClickId(50)).unwrap().org = OTHER_ORG;
    world = decide(vec![sale(8, "o8", "first", "100")], world).unwrap().world;
    let cases = [
        (number(Body::EditConversion(Box::new(edit))), "unknown_order"),
        (number(Body::UpdateCustomer(by_number)), "unknown_customer"),
        (scoped(refund(1, "o8", None)), "unknown_order"),
        (scoped(act(1, "c1", CustomerAction::Cancel)), "unknown_customer"),
        (lead(1, &["cust_7_1790000000000"], None), "unknown_customer"),
        (affy_lead(1, &[&elsewhere], None), "unknown_click"),
        (
            sale_by(
                1,
                Dialect::Affitor,
                AttributionMethod::Click,
                "cust_7_1790000000000",
            ),
            "unknown_customer",
        ),
        (sale(1, "o1", "nobody", "1"), "unknown_partner"),
        (of_customer(sale(1, "o1", "nobody", "1"), "c9"), "unknown_partner"),
        (
            click(1, "nobody", |click| click.name = Some("x".into())),
            "unknown_partner",
        ),
        (create(1, "c9", "nobody"), "unknown_partner"),
    ];
    for (incoming, refused) in cases {
        let told = format!("{:?}", incoming.event.body);
        let decided = decide(vec![incoming], world.clone()).unwrap();
        assert_eq!(statuses(&decided), [refused], "{told}");
        assert_eq!(decided.effects.parked, [], "{told}");
    }
}

#[test]
fn a_sale_waits_for_the_lead_that_settles_a_provisional_customer() {
    let mut world = with_program(clickable(), |program| program.keyed_leads_only = true);
    let name = with_click(&mut world, 50, 1, TimeDelta::days(1));
    let mut provisional = lead(1, &[&name], Some("c1"));
    provisional.event.authenticated = false;
    let sale = sale_by(2, Dialect::Affitor, AttributionMethod::Customer, "c1");
    let decided = decide(vec![provisional.clone(), sale, lead(3, &[], Some("c1"))], world).unwrap();
    assert_eq!(statuses(&decided), ["applied", "queued", "applied"]);
    assert_eq!(decided.decisions[1].row_write, RowWrite::Insert, "its turn comes");
}

#[test]
fn an_event_without_an_organisation_looks_for_a_click_of_any() {
    let mut registration = affy_lead(1, &["x"], Some("s"));
    registration.event.org = None;
    if let Body::Lead(lead) = &mut registration.event.body {
        lead.customer_id = Some("c1".into());
    }
    assert_eq!(
        dependency::needed(&registration.event),
        [clicked("x"), in_session("s")],
        "whose customer it is nobody knows yet"
    );
    let decided = decide(vec![registration.clone()], clickable()).unwrap();
    assert_eq!(statuses(&decided), ["queued"]);
    let decided = decide_through(vec![registration], clickable());
    assert_eq!(statuses(&decided), ["unknown_click"]);
}

#[test]
fn so_many_events_wait_for_one_name_and_no_more() {
    for (child, ..) in changes() {
        let mut events: Vec<Incoming> = (1..=MAX_PARKED_PER_NAME as u128 + 1)
            .map(|n| {
                let mut incoming = child.clone();
                incoming.event.id = event(n, child.event.body.clone()).event.id;
                incoming
            })
            .collect();
        let last = events.pop().unwrap();
        let parked = decide(events, clickable()).unwrap();
        assert!(statuses(&parked).iter().all(|status| *status == "parked"));
        let decided = decide(vec![last], with_parked(&parked)).unwrap();
        assert_eq!(statuses(&decided), ["parking_full"]);
    }
}

/// When an event that nothing brings is looked at, and what becomes of it in the end.
fn looks(
    received: DateTime<Utc>,
    wait: TimeDelta,
    first: DateTime<Utc>,
    is_through: bool,
) -> (Vec<DateTime<Utc>>, String) {
    let mut incoming = refund(1, "o1", None);
    incoming.event.received_at = received;
    incoming.event.wait_until = Some(received + wait);
    let (mut looks, mut at) = (Vec::new(), first);
    loop {
        let mut world = world();
        world.now = at;
        if incoming.queued {
            world.events.insert(incoming.event.id, Outcome::Queued);
        }
        if is_through {
            world.earlier_are_through.insert(incoming.event.id);
        }
        let decided = decide(vec![incoming.clone()], world).unwrap();
        looks.push(at);
        let decision = &decided.decisions[0];
        let row_write = if incoming.queued {
            RowWrite::Update
        } else {
            RowWrite::Insert
        };
        assert_eq!(decision.row_write, row_write);
        if decision.outcome != Outcome::Queued {
            let outcome = decision
                .outcome
                .reason()
                .unwrap_or(decision.outcome.status().name());
            return (looks, outcome.to_owned());
        }
        at = incoming.event.next_look(at);
        incoming.queued = true;
    }
}

proptest! {
    #[test]
    fn an_awaited_event_is_refused_only_at_its_last_look_and_if_all_before_it_is_through(
        wait in 0i64..10_000, late in 0i64..12_000, is_through: bool,
    ) {
        let (wait, first) = (TimeDelta::milliseconds(wait), now() + TimeDelta::milliseconds(late));
        let (looks, outcome) = looks(now(), wait, first, is_through);
        let end = now() + wait;
        let last = *looks.last().unwrap();
        prop_assert!(looks.is_sorted_by(|one, next| one < next), "{looks:?}");
        prop_assert!(looks.len() <= 30, "{}", looks.len());
        if first >= end {
            prop_assert_eq!(outcome, "parked", "its caller has gone with a receipt");
            prop_assert_eq!(looks.len(), 1);
        } else {
            prop_assert_eq!(outcome, if is_through { "unknown_order" } else { "parked" });
            prop_assert!(last < end, "the caller still waits");
            prop_assert!(last == first || end - last == TimeDelta::milliseconds(400), "at the end of the wait");
        }
    }
}

#[test]
fn what_waits_is_looked_at_soon_and_then_less_often() {
    let (looks, _) = looks(
        now(),
        TimeDelta::seconds(3),
        now() + TimeDelta::milliseconds(5),
        true,
    );
    let at: Vec<i64> = looks
        .iter()
        .map(|look| (*look - now()).num_milliseconds())
        .collect();
    assert_eq!(at, [5, 105, 210, 420, 820, 1_220, 1_620, 2_020, 2_420, 2_600]);
}
