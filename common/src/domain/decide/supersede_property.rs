//! An unauthenticated sale, changes by a key, and the authenticated sale of the same order: any order of them ends alike.

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Body, Incoming, World, decide,
    examples::{with_program, with_second},
    tests::{ORG, event, now, world},
};
use crate::domain::{
    AddCommissions, ConversionId, ConversionStatus, EditCommission, Outcome, UpdateConversion,
    catalog::Approval,
    entities::{Commission, Conversion},
    ledger::{Account, Transfer},
};

/// A sale of order `o1`: affiliate, parts in cents, and by which customer: who has used up the limit of program 1 or of 2. Of nobody
/// the first program knows.
type Sale = (bool, Vec<i64>, Option<Buyer>);

/// Who buys, and whether in the second program.
type Buyer = (&'static str, bool);

fn sales() -> impl Strategy<Value = Sale> {
    let parts = prop_oneof![
        1 => Just(vec![0]),
        6 => prop::collection::vec(0i64..20_000, 1),
        2 => prop::collection::vec(1i64..20_000, 2..4),
    ];
    let buyer = (prop_oneof![Just("c1"), Just("c2")], any::<bool>());
    (any::<bool>(), parts, prop::option::weighted(0.5, buyer))
}

fn sale((is_first, parts, buyer): &Sale) -> Value {
    let coupon = match (is_first, buyer) {
        (true, Some((_, true))) => "first-2",
        (false, Some((_, true))) => "second-2",
        (true, _) => "first",
        (false, _) => "second",
    };
    let amount = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    let lines: Vec<_> = parts
        .iter()
        .filter(|_| parts.len() > 1)
        .map(|part| json!({"sub_amount": amount(*part), "commission_type": null, "comment": null}))
        .collect();
    json!({"create_conversion": {
        "external_id": "o1", "attribution": {"coupon": coupon},
        "amount": amount(parts.iter().sum()), "lines": lines,
        "customer": buyer.map(|(name, _)| customer(name)),
    }})
}

fn customer(name: &str) -> Value {
    json!({"identity": {"id": name}, "external_id": name, "email": null, "name": null, "meta_data": {}})
}

/// Some tell a time, within a day before and after the moments of the others.
fn changes() -> impl Strategy<Value = Value> {
    let hours = prop::option::of(-20i64..20);
    let time = hours.prop_map(|hours| hours.map(|hours| now() + TimeDelta::hours(hours)));

    let amount = (0i64..30_000).prop_map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
    let status = prop_oneof![Just("approved"), Just("disapproved")];
    let status = prop::option::of(status);
    prop_oneof![
        3 => (prop::option::of(amount.clone()), status, time.clone(), 0..9).prop_map(|(amount, status, time, by)| json!({"update_conversion":
            {"external_id": "o1", "amount": amount, "status": status, "meta_data": {"by": by}, "occurred_at": time}})),
        1 => prop::option::weighted(0.8, amount).prop_map(|amount| json!({"refund":
            {"external_id": "o1", "amount": amount, "refund_id": null}})),
        1 => Just(json!({"refund": {"external_id": "o1", "amount": "12.34", "refund_id": "r1"}})),
        1 => (any::<bool>(), time).prop_map(|(reversed, time)| json!({"chargeback":
            {"external_id": "o1", "reversed": reversed, "occurred_at": time}})),
    ]
}

/// At a moment of its own, which its id tells.
fn incoming(n: u128, body: Body, authenticated: bool) -> Incoming {
    let at = now() + TimeDelta::seconds(i64::try_from(n).unwrap());
    let millis = u128::try_from(at.timestamp_millis()).unwrap();
    let mut incoming = event(millis << 80 | n, body);
    incoming.event.authenticated = authenticated;
    incoming.event.received_at = at;
    incoming
}

fn told(n: u128, body: &Value, authenticated: bool) -> Incoming {
    incoming(n, serde_json::from_value(body.clone()).unwrap(), authenticated)
}

/// Two programs, of which the customers `c1` and `c2` have used up the limits.
fn used_up(approval: Approval) -> World {
    let world = with_program(world(), |program| {
        program.terms.first.recurring_cap = Some(1);
        program.terms.first.approval = approval;
    });
    let bought = |n, name, coupon| {
        let sale = json!({"external_id": name, "attribution": {"coupon": coupon}, "amount": "1", "customer": customer(name)});
        told(n, &json!({ "create_conversion": sale }), true)
    };
    let events = vec![bought(0, "c1", "second"), bought(1, "c2", "second-2")];
    let decided = decide(events, with_second(world, |_| {})).unwrap();
    assert!(
        decided
            .decisions
            .iter()
            .all(|decision| matches!(decision.outcome, Outcome::Applied(_)))
    );
    decided.world
}

/// What ends of the order: its living sale without numbers and times, and the balances that transfers make.
fn end(events: Vec<Incoming>, world: World) -> (String, Vec<String>) {
    let (mut world, mut transfers) = (world, Vec::new());
    for event in events {
        let decided = decide(vec![event], world).unwrap();
        transfers.extend(decided.effects.transfers);
        world = decided.world;
    }
    let living = world.conversion_of(ORG, "o1").unwrap();
    (shown(living), balances(&transfers))
}

fn shown(sale: &Conversion) -> String {
    let commission = |of: &Commission| {
        let amounts = (
            of.sub_amount,
            of.share,
            of.followed,
            of.exact,
            of.gross,
            of.amount,
            of.settled_on,
        );
        format!(
            "{:?} {:?} {amounts:?} {:?} {:?} {:?}",
            of.affiliate, of.kind, of.approved, of.comment, of.rate
        )
    };
    let commissions: Vec<_> = sale.commissions.iter().map(commission).collect();
    let refunds: std::collections::BTreeSet<_> = sale
        .refunds
        .iter()
        // Of two of one amount without an id the first to come is recorded.
        .map(|refund| (refund.has_own_id().then_some(&refund.key), refund.amount))
        .collect();
    format!(
        "{:?} {} {} {} {} {:?} {:?} {refunds:?} {:?} {commissions:#?}",
        sale.affiliate,
        sale.amount,
        sale.refunded,
        sale.fully_refunded,
        sale.charged_back,
        sale.status,
        sale.meta_data,
        sale.trace.rules.len()
    )
}

fn balances(transfers: &[Transfer]) -> Vec<String> {
    let sum = |affiliate: i64, account| {
        let own = transfers
            .iter()
            .filter(|transfer| transfer.affiliate.0 == affiliate);
        let moved = own.map(|transfer| match account {
            _ if transfer.credit == account => transfer.amount,
            _ if transfer.debit == account => -transfer.amount,
            _ => 0.into(),
        });
        moved.sum::<rust_decimal::Decimal>().normalize().to_string()
    };
    [1, 2]
        .into_iter()
        .flat_map(|affiliate| [Account::Pending, Account::Payable].map(|account| sum(affiliate, account)))
        .collect()
}

fn approvals() -> impl Strategy<Value = Approval> {
    prop_oneof![
        Just(Approval::Manual),
        Just(Approval::Immediate),
        Just(Approval::Hold(3))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_order_of_the_calls_ends_alike(
        approval in approvals(), without in sales(), with in sales(), one in changes(), other in changes(),
        order in Just([0usize, 1, 2, 3].to_vec()).prop_shuffle(),
    ) {
        let calls = [
            told(2, &sale(&without), false),
            told(3, &one, true),
            told(4, &sale(&with), true),
            told(5, &other, true),
        ];
        let of = |order: [usize; 4]| end(order.map(|at| calls[at].clone()).to_vec(), used_up(approval));
        let first = of([2, 1, 0, 3]);
        let shuffled = [order[0], order[1], order[2], order[3]];
        for order in [shuffled, [0, 1, 2, 3], [0, 2, 1, 3], [1, 0, 2, 3], [3, 0, 1, 2], [1, 3, 2, 0], [2, 0, 3, 1]] {
            prop_assert_eq!(&of(order), &first, "{:?}", order);
        }
    }

    /// By the number of the sale that is there: commissions that are added, and what is said of the sale's own.
    #[test]
    fn what_is_said_by_number_goes_on(
        approval in approvals(), without in sales(), with in sales(), cents in 0i64..30_000, what in 0usize..4,
    ) {
        // The successor is of the same affiliate, as otherwise another's commission would be meant.
        // Only where both have commissions can one be named.
        let without = (without.0, without.1, without.2.filter(|_| what == 0));
        let with = (without.0, without.1.clone(), with.2.filter(|_| what == 0));
        let (unsigned, signed) = (told(2, &sale(&without), false), told(4, &sale(&with), true));
        let amount = rust_decimal::Decimal::new(cents, 4);
        let by_number = |conversion: i64, commission: i64| {
            let body = match what {
                0 => Body::AddCommissions(serde_json::from_value::<AddCommissions>(json!({"conversion": conversion, "lines": [
                    {"sub_amount": amount, "commission_type": null, "comment": "more"}]})).unwrap()),
                1 => Body::EditCommission(EditCommission { amount: Some(amount), ..EditCommission::of(crate::domain::CommissionId(commission)) }),
                2 => Body::EditCommission(EditCommission { sub_amount: Some(amount), ..EditCommission::of(crate::domain::CommissionId(commission)) }),
                _ => Body::EditCommission(EditCommission { approved: Some(false), comment: Some("no".into()), ..EditCommission::of(crate::domain::CommissionId(commission)) }),
            };
            incoming(3, body, true)
        };
        let world = used_up(approval);
        let number = |events: &[Incoming]| {
            let decided = decide(events.to_vec(), world.clone()).unwrap();
            let living = decided.world.conversion_of(ORG, "o1").unwrap();
            (living.id.0, living.commissions.first().map_or(0, |first| first.id.0))
        };
        let (of_unsigned, own) = number(std::slice::from_ref(&unsigned));
        let late = end(vec![unsigned.clone(), by_number(of_unsigned, own), signed.clone()], world.clone());
        let (of_signed, own) = number(&[unsigned.clone(), signed.clone()]);
        let early = end(vec![unsigned, signed, by_number(of_signed, own)], world.clone());
        prop_assert_eq!(late, early);
    }
}

/// The status was said when there was no commission that could have kept it.
#[test]
fn a_status_holds_for_the_commissions_of_a_later_sale() {
    let disapproved = Body::UpdateConversion(UpdateConversion {
        external_id: "o1".into(),
        amount: None,
        status: Some(ConversionStatus::Disapproved),
        meta_data: None,
        occurred_at: None,
    });
    let (capped, free) = (
        (false, vec![10_000], Some(("c1", false))),
        (false, vec![10_000], None),
    );
    let events = vec![
        told(2, &sale(&capped), false),
        incoming(3, disapproved, true),
        told(4, &sale(&free), true),
    ];
    let decided = decide(events, used_up(Approval::Immediate)).unwrap();
    assert!(
        decided
            .world
            .conversion(ORG, ConversionId(3))
            .unwrap()
            .commissions
            .is_empty()
    );
    let sale = decided.world.conversion_of(ORG, "o1").unwrap();
    let approved: Vec<_> = sale
        .commissions
        .iter()
        .map(|commission| commission.approved)
        .collect();
    assert_eq!((approved, sale.status), (vec![Some(false)], Some(false)));
}
