//! Deciding, by example and by property, on a small world.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::domain::{
    AffiliateId, AttributionFields, ConversionStatus, CreateConversion, CustomerRef, Dialect, Idempotency,
    Identity, OrgId, ProgramId, Refund, UpdateConversion,
    catalog::{
        Affiliate, Affiliation, Approval, CommissionType, Level, OrgCatalog, OwnRate, Program, Rate,
        Recurrence, Terms,
    },
    ledger::Account,
    versions::Versions,
    world::IdPool,
};

pub(super) const ORG: OrgId = OrgId(1);

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_790_000_000_000).unwrap()
}

pub(super) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Program 1 pays `first` (1, parent 2) and `second` (2) ten percent and keeps customers; level 2 brings five.
pub(super) fn world() -> World {
    let mut catalog = OrgCatalog::default();
    catalog.add_program(Program {
        id: ProgramId(1),
        slug: "program".into(),
        title: "Program".into(),
        currency: "USD".parse().unwrap(),
        is_default: true,
        terms: Versions::always(Terms {
            recurring: true,
            cookie_time: 45,
            recurring_cap: None,
            recurring_period_days: None,
            approval: Approval::Manual,
            default_type: "standard".into(),
        }),
        keyed_leads_only: false,
        retired_at: None,
        types: vec![CommissionType {
            identifier: "standard".into(),
            title: "standard".into(),
            valid_from: None,
            rate: Rate::Percentage(decimal("10")),
            group_overrides: Vec::new(),
            recurrence: Recurrence::Once,
            count_towards_cap: true,
            retired: false,
        }],
        levels: vec![Level {
            level: 2,
            title: "Level 2".into(),
            valid_from: None,
            percentage: decimal("5"),
            retired: false,
        }],
        bonuses: Vec::new(),
    });
    for (id, slug, parent) in [(1, "first", Some(AffiliateId(2))), (2, "second", None)] {
        catalog.add_affiliate(Affiliate {
            id: AffiliateId(id),
            slug: slug.into(),
            firstname: slug.into(),
            lastname: String::new(),
            parent,
            groups: Versions::always(None),
            is_deleted: false,
        });
        catalog.add_affiliation(Affiliation {
            program: ProgramId(1),
            affiliate: AffiliateId(id),
            approved: Some(true),
            coupon_folded: Some(slug.into()),
            referral_code: None,
            asset_id: None,
            source_id: None,
            rates: Versions::always(OwnRate::default()),
        });
    }
    let mut world = World::empty(now());
    world.catalogs.insert(ORG, Arc::new(catalog));
    let ids = || (1..200).rev().collect();
    world.ids = IdPool {
        conversions: ids(),
        commissions: ids(),
        customers: ids(),
        clicks: ids(),
        payments: ids(),
    };
    world
}

/// What operators have declared, to be changed.
pub(super) fn catalog_mut(world: &mut World) -> &mut OrgCatalog {
    Arc::make_mut(world.catalogs.get_mut(&ORG).unwrap())
}

pub(super) fn event(n: u128, body: Body) -> Incoming {
    let event = Event {
        id: EventId(Uuid::from_u128(n)),
        org: Some(ORG),
        dialect: Dialect::Postback,
        received_at: now(),
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body,
    };
    Incoming { event, queued: false }
}

pub(super) fn sale(n: u128, order: &str, coupon: &str, amount: &str) -> Incoming {
    let attribution = AttributionFields {
        coupon: Some(coupon.into()),
        ..Default::default()
    };
    let create = CreateConversion {
        external_id: Some(order.into()),
        attribution,
        amount: decimal(amount),
        ..Default::default()
    };
    event(n, Body::CreateConversion(Box::new(create)))
}

/// Decides events whose callers have waited to the end, while nothing that was accepted before them is under way.
pub(super) fn decide_finally(mut events: Vec<Incoming>, mut world: World) -> Decisions {
    for Incoming { event, .. } in &mut events {
        event.wait_until = Some(world.now + TimeDelta::milliseconds(1));
        world.earlier_are_through.insert(event.id);
    }
    decide(events, world).unwrap()
}

pub(super) fn refund(n: u128, order: &str, amount: Option<&str>) -> Incoming {
    event(
        n,
        Body::Refund(Refund {
            external_id: order.into(),
            amount: amount.map(decimal),
            minor_units: None,
            refund_id: None,
        }),
    )
}

pub(super) fn update(
    n: u128,
    order: &str,
    amount: Option<&str>,
    status: Option<ConversionStatus>,
) -> Incoming {
    let update = UpdateConversion {
        external_id: order.into(),
        amount: amount.map(decimal),
        status,
        meta_data: None,
        occurred_at: None,
    };
    event(n, Body::UpdateConversion(update))
}

pub(super) fn statuses(decided: &Decisions) -> Vec<&str> {
    decided
        .decisions
        .iter()
        .map(|decision| {
            decision
                .outcome
                .reason()
                .unwrap_or(decision.outcome.status().name())
        })
        .collect()
}

/// What the ledger holds for an affiliate: pending and payable.
pub(super) fn position(decided: &Decisions, affiliate: i64) -> (Decimal, Decimal) {
    let of = |account| {
        let moves = decided
            .effects
            .transfers
            .iter()
            .filter(|transfer| transfer.affiliate == AffiliateId(affiliate));
        moves.fold(Decimal::ZERO, |sum, transfer| {
            let credit = if transfer.credit == account {
                transfer.amount
            } else {
                Decimal::ZERO
            };
            let debit = if transfer.debit == account {
                transfer.amount
            } else {
                Decimal::ZERO
            };
            sum + credit - debit
        })
    };
    (of(Account::Pending), of(Account::Payable))
}

#[test]
fn a_sale_pays_the_seller_and_the_parent() {
    let decided = decide(vec![sale(1, "o1", "first", "100")], world()).unwrap();
    assert_eq!(statuses(&decided), ["applied"]);
    assert_eq!(position(&decided, 1), (decimal("10"), Decimal::ZERO));
    assert_eq!(position(&decided, 2), (decimal("5"), Decimal::ZERO));
}

#[test]
fn the_same_order_again_is_a_duplicate_that_names_the_first() {
    let decided = decide(
        vec![sale(1, "o1", "first", "100"), sale(2, "o1", "second", "7")],
        world(),
    )
    .unwrap();
    assert_eq!(statuses(&decided), ["applied", "duplicate_order"]);
    let Outcome::Refused(refusal) = &decided.decisions[1].outcome else {
        panic!("{decided:?}")
    };
    assert_eq!(
        refusal.first.as_ref().unwrap().event_id,
        EventId(Uuid::from_u128(1))
    );
}

#[test]
fn a_refused_order_does_not_use_up_its_id() {
    let decided = decide(
        vec![sale(1, "o1", "nobody", "100"), sale(2, "o1", "first", "100")],
        world(),
    )
    .unwrap();
    assert_eq!(statuses(&decided), ["unknown_partner", "applied"]);
}

#[test]
fn an_event_delivered_twice_has_one_effect() {
    let decided = decide(
        vec![sale(1, "o1", "first", "100"), sale(1, "o1", "first", "100")],
        world(),
    )
    .unwrap();
    assert_eq!(statuses(&decided), ["applied", "applied"]);
    assert_eq!(decided.decisions[1].row_write, RowWrite::Known);
    assert_eq!(position(&decided, 1).0, decimal("10"));
}

#[test]
fn a_refund_before_its_sale_waits_and_is_then_applied_once() {
    let decided = decide(
        vec![refund(1, "o1", None), sale(2, "o1", "first", "100")],
        world(),
    )
    .unwrap();
    assert_eq!(statuses(&decided), ["applied", "applied"]);
    assert_eq!(
        decided.decisions[0].row_write,
        RowWrite::Insert,
        "it had no row yet"
    );
    assert_eq!(position(&decided, 1), (Decimal::ZERO, Decimal::ZERO));
}

#[test]
fn a_refund_in_minor_units_takes_the_currency_of_its_sale() {
    let mut part = refund(2, "o1", None);
    if let Body::Refund(refund) = &mut part.event.body {
        refund.minor_units = Some(2_500);
    }
    let decided = decide(vec![sale(1, "o1", "first", "100"), part], world()).unwrap();
    assert_eq!(statuses(&decided), ["applied", "applied"]);
    assert_eq!(position(&decided, 1).0, decimal("7.5"));
}

#[test]
fn the_first_affiliate_keeps_the_customer() {
    let with_customer = |mut incoming: Incoming| {
        let Body::CreateConversion(create) = &mut incoming.event.body else {
            panic!("a sale")
        };
        create.customer = Some(CustomerRef {
            identity: Identity::Id("c1".into()),
            external_id: Some("c1".into()),
            email: None,
            name: None,
            meta_data: serde_json::Map::new().into(),
        });
        incoming
    };
    let events = vec![
        with_customer(sale(1, "o1", "second", "100")),
        with_customer(sale(2, "o2", "first", "100")),
    ];
    let decided = decide(events, world()).unwrap();
    assert_eq!(
        position(&decided, 2).0,
        decimal("20"),
        "both sales are the first affiliate's"
    );
    assert_eq!(position(&decided, 1).0, Decimal::ZERO);
}

#[test]
fn an_idempotency_key_answers_again_or_refuses_another_request() {
    let with_key = |mut incoming: Incoming, hash: &str| {
        incoming.event.idempotency = Some(Idempotency::plain("k".into(), hash.into()));
        incoming
    };
    let events = vec![
        with_key(sale(1, "o1", "first", "100"), "aa"),
        with_key(sale(2, "o1", "first", "100"), "aa"),
        with_key(sale(3, "o2", "first", "100"), "bb"),
    ];
    let decided = decide(events, world()).unwrap();
    assert_eq!(
        statuses(&decided),
        ["applied", "idempotent_repeat", "idempotency_conflict"]
    );
    let Outcome::Refused(repeat) = &decided.decisions[1].outcome else {
        panic!("{decided:?}")
    };
    assert_eq!(
        repeat.first.as_ref().unwrap().outcome.as_ref(),
        Some(&decided.decisions[0].outcome)
    );
}

#[test]
fn nothing_unauthenticated_is_approved_at_once() {
    let mut world = world();
    let catalog = catalog_mut(&mut world);
    let mut program = catalog.program(ProgramId(1)).unwrap().clone();
    program.terms.first.approval = Approval::Immediate;
    catalog.add_program(program);
    let mut unauthenticated = sale(2, "o2", "second", "100");
    unauthenticated.event.authenticated = false;
    let decided = decide(vec![sale(1, "o1", "second", "100"), unauthenticated], world).unwrap();
    assert_eq!(position(&decided, 2), (decimal("10"), decimal("10")));
}

#[test]
fn what_is_older_than_the_rows_is_dead_and_has_no_effect() {
    let (mut old, mut young) = (sale(1, "o1", "first", "100"), sale(2, "o2", "first", "100"));
    old.event.received_at = now() - EVENT_RETENTION - TimeDelta::seconds(1);
    young.event.received_at = now() - EVENT_RETENTION;
    let decided = decide(vec![old, young], world()).unwrap();
    assert_eq!(statuses(&decided), ["too_old", "applied"]);
    assert_eq!(position(&decided, 1).0, decimal("10"));
}

/// A history of one order: its events in the order of their ids.
fn history() -> impl Strategy<Value = Vec<Incoming>> {
    let change = prop_oneof![
        (0u32..200)
            .prop_map(|cents| Some(Decimal::new(i64::from(cents) * 100, 2).to_string()))
            .prop_map(|amount| (0, amount)),
        Just((1, None)),
        Just((2, None)),
        (1u32..9000).prop_map(|cents| (3, Some(Decimal::new(i64::from(cents), 2).to_string()))),
        Just((4, None)),
    ];
    proptest::collection::vec(change, 0..5).prop_map(|changes| {
        let mut events = vec![sale(100, "o1", "first", "100")];
        for (n, (kind, amount)) in (101..).zip(changes) {
            let amount = amount.as_deref();
            events.push(match kind {
                0 => update(n, "o1", amount, None),
                1 => update(n, "o1", None, Some(ConversionStatus::Approved)),
                2 => update(n, "o1", None, Some(ConversionStatus::Disapproved)),
                3 => refund(n, "o1", amount),
                _ => refund(n, "o1", None),
            });
        }
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Create, updates and refunds of one order converge, in whatever order they are delivered.
    #[test]
    fn any_order_of_delivery_ends_alike(events in history(), seed in any::<u64>()) {
        let straight = decide(events.clone(), world()).unwrap();
        let mut shuffled = events;
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
        }
        let mixed = decide(shuffled, world()).unwrap();
        for affiliate in [1, 2] {
            prop_assert_eq!(position(&straight, affiliate), position(&mixed, affiliate));
        }
        let conversion = |decided: &Decisions| {
            let conversion = decided.world.conversion_of(ORG, "o1").unwrap();
            (conversion.amount, conversion.given_back(), conversion.commissions.iter().map(|c| (c.amount, c.approved, c.balance)).collect::<Vec<_>>())
        };
        prop_assert_eq!(conversion(&straight), conversion(&mixed));
    }

    /// Two batches have the result of one.
    #[test]
    fn a_batch_may_be_cut_anywhere(events in history(), cut in 0usize..6) {
        let whole = decide(events.clone(), world()).unwrap();
        let mut first = events;
        let second = first.split_off(cut.min(first.len()));
        let early = decide(first, world()).unwrap();
        let earlier = early.effects.transfers.clone();
        let mut two = decide(second, early.world).unwrap();
        two.effects.transfers.extend(earlier);
        for affiliate in [1, 2] {
            prop_assert_eq!(position(&whole, affiliate), position(&two, affiliate));
        }
    }
}
