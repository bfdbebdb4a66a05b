//! Random histories: what may happen to sales and payments, and the events that say so.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, option, prelude::*};
use rust_decimal::Decimal;

use super::super::{
    Body, Incoming,
    examples::named as customer,
    tests::{event, now},
};
use crate::domain::{
    AddCommissions, AttributionFields, CancelPayment, Chargeback, CommissionId, CommissionLine, ConversionId,
    ConversionStatus, CreateConversion, EditCommission, EditConversion, Pay, PaymentId, PaymentOrder, Refund,
    Scheduled, UpdateConversion,
};

/// How the program of a history approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approves {
    ByHand,
    AtOnce,
    AfterADay,
}

/// A currency, and the decimals of its minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Coin {
    pub code: &'static str,
    pub scale: u32,
}

const fn coin(code: &'static str, scale: u32) -> Coin {
    Coin { code, scale }
}

pub(super) const COINS: [Coin; 3] = [coin("USD", 2), coin("JPY", 0), coin("KWD", 3)];

/// Something that happens. Amounts of orders are in millionths of a unit, commissions that somebody says in units of 10 decimals,
/// payments in whole units. Numbers and orders may be
/// anybody's or nobody's. Times that changes tell are seconds after those of the ids, which all have one.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create {
        order: u8,
        /// Its customer, if it has one.
        who: Option<u8>,
        program: i64,
        /// Whose code is sent.
        seller: i64,
        coin: Coin,
        parts: Vec<i64>,
        explicit: Option<i64>,
        is_old: bool,
    },
    Update {
        order: u8,
        amount: Option<i64>,
        approved: Option<bool>,
        at: Option<i64>,
    },
    Refund {
        order: u8,
        amount: Option<i64>,
        id: Option<i64>,
    },
    Chargeback {
        order: u8,
        reversed: bool,
        at: Option<i64>,
    },
    Edit {
        conversion: i64,
        amount: Option<i64>,
        recalculate: bool,
        order: Option<u8>,
    },
    Delete {
        conversion: i64,
    },
    Add {
        conversion: i64,
        amount: i64,
    },
    Judge {
        commission: i64,
        approved: bool,
    },
    Reprice {
        commission: i64,
        amount: Option<i64>,
        sub_amount: Option<i64>,
    },
    Pay {
        affiliate: i64,
        coin: Coin,
        units: i64,
    },
    Cancel {
        payment: i64,
    },
    HoldEnds {
        conversion: i64,
    },
    /// The event of so many steps ago is delivered again.
    Again {
        back: usize,
    },
}

impl Step {
    /// When it was, as far as it matters: of two changes of a field the later counts, of one time the one with the later id.
    pub(super) fn time(&self, id: u128) -> (i64, u128) {
        let told = match self {
            Self::Update { at, .. } | Self::Chargeback { at, .. } => *at,
            _ => None,
        };
        (told.unwrap_or_default(), id)
    }
}

/// Steps with the ids of their events.
pub(super) type Steps = Vec<(u128, Step)>;

pub(super) fn amounts() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![
        1 => Just(0), 1 => Just(99_990_000), 4 => 1i64..200_000_000, 2 => (1i64..200_000).prop_map(|thousandths| thousandths * 1000),
        2 => (1i64..200).prop_map(|units| units * 1_000_000), 1 => 1i64..100,
    ]
}

/// The largest amounts of orders too.
fn any_amounts() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![12 => amounts(), 1 => Just(MAX_MICROS), 1 => Just(MAX_MICROS - 1), 1 => 1i64..MAX_MICROS]
}

const MAX_MICROS: i64 = 1_000_000_000_000_000_000;

/// Commissions that somebody says, many of them next to half a unit of some currency.
fn said() -> impl Strategy<Value = i64> + Clone {
    let halves = prop_oneof![Just(5_000_000i64), Just(50_000_000), Just(5_000_000_000)];
    let near_half =
        (0i64..100, halves, -2i64..=2).prop_map(|(halves, half, off)| (halves * half + off).max(0));
    prop_oneof![2 => amounts().prop_map(|micros| micros * 10_000), 1 => near_half]
}

fn coins() -> impl Strategy<Value = Coin> {
    prop_oneof![Just(COINS[0]), Just(COINS[1]), Just(COINS[2])]
}

pub(super) fn create(order: impl Strategy<Value = u8>) -> impl Strategy<Value = Step> {
    let parts = prop_oneof![3 => vec(any_amounts(), 1), 1 => vec(amounts(), 2..4)];
    let explicit = option::weighted(0.15, said());
    let place = (option::weighted(0.7, 0u8..2), 1i64..=2, 1i64..=2);
    (order, place, coins(), parts, explicit, any::<bool>()).prop_map(
        |(order, (who, program, seller), coin, parts, explicit, is_old)| Step::Create {
            order,
            who,
            program,
            seller,
            coin,
            parts,
            explicit,
            is_old,
        },
    )
}

fn refunds() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![4 => 1i64..120_000_000, 2 => (1i64..120_000).prop_map(|thousandths| thousandths * 1000), 1 => Just(50_000), 1 => any_amounts()]
}

/// Before, at and after the time of the ids.
fn times() -> impl Strategy<Value = Option<i64>> + Clone {
    option::weighted(0.6, -2i64..=2)
}

/// Changes that name an order. Refunds with the same id have the same amount, as retries do.
pub(super) fn named(order: impl Strategy<Value = u8> + Clone) -> impl Strategy<Value = Step> {
    let refund = (order.clone(), option::weighted(0.8, refunds())).prop_map(|(order, amount)| Step::Refund {
        order,
        amount,
        id: None,
    });
    let refund_with_id = (order.clone(), 1i64..4).prop_map(|(order, id)| Step::Refund {
        order,
        amount: Some(id * 7_777_000),
        id: Some(id),
    });
    let update = (
        order.clone(),
        option::of(any_amounts()),
        option::weighted(0.4, any::<bool>()),
        times(),
    )
        .prop_map(|(order, amount, approved, at)| Step::Update {
            order,
            amount,
            approved,
            at,
        });
    let chargeback = (order, any::<bool>(), times()).prop_map(|(order, reversed, at)| Step::Chargeback {
        order,
        reversed,
        at,
    });
    prop_oneof![3 => update, 3 => refund, 2 => refund_with_id, 1 => chargeback]
}

/// Changes that name a conversion, a commission or a payment by its number.
fn numbered() -> impl Strategy<Value = Step> {
    let (conversion, commission) = (1i64..4, 1i64..9);
    let edit = (
        conversion.clone(),
        option::weighted(0.8, any_amounts()),
        any::<bool>(),
        option::weighted(0.2, 0u8..3),
    );
    prop_oneof![
        3 => edit.prop_map(|(conversion, amount, recalculate, order)| Step::Edit { conversion, amount, recalculate, order }),
        1 => conversion.clone().prop_map(|conversion| Step::Delete { conversion }),
        2 => (conversion.clone(), any_amounts()).prop_map(|(conversion, amount)| Step::Add { conversion, amount }),
        3 => (commission.clone(), any::<bool>()).prop_map(|(commission, approved)| Step::Judge { commission, approved }),
        2 => (commission, option::of(said()), option::of(any_amounts()))
            .prop_map(|(commission, amount, sub_amount)| Step::Reprice { commission, amount, sub_amount }),
        2 => conversion.prop_map(|conversion| Step::HoldEnds { conversion }),
        2 => (1i64..=3, coins(), 1i64..50).prop_map(|(affiliate, coin, units)| Step::Pay { affiliate, coin, units }),
        1 => (1i64..4).prop_map(|payment| Step::Cancel { payment }),
    ]
}

pub(super) fn steps() -> impl Strategy<Value = Steps> {
    let step = prop_oneof![
        4 => create(0u8..3),
        6 => named(0u8..3),
        8 => numbered(),
        1 => (0usize..6).prop_map(|back| Step::Again { back }),
    ];
    vec(step, 1..14).prop_map(with_ids)
}

/// Gives each step its event's id; what comes again keeps the id that it had.
pub(super) fn with_ids(steps: Vec<Step>) -> Steps {
    let mut all = Steps::new();
    for (id, step) in (1000..).zip(steps) {
        match step {
            Step::Again { back } => all.extend(all.len().checked_sub(back + 1).map(|at| all[at].clone())),
            step => all.push((id, step)),
        }
    }
    all
}

fn second(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn micros(amount: i64) -> Decimal {
    Decimal::new(amount, 6)
}

fn exactly(said: i64) -> Decimal {
    Decimal::new(said, 10)
}

fn name(order: u8) -> String {
    format!("order {order}")
}

pub(super) fn events(steps: &[(u128, Step)]) -> Vec<Incoming> {
    steps
        .iter()
        .map(|(id, step)| {
            let mut incoming = event(*id, body(step));
            if matches!(step, Step::Add { .. }) {
                // Nobody adds to a sale in the very moment of the sale.
                incoming.event.received_at += TimeDelta::milliseconds(1);
            }
            incoming
        })
        .collect()
}

fn body(step: &Step) -> Body {
    match step {
        Step::Create { .. } => Body::CreateConversion(Box::new(create_body(step))),
        Step::Update {
            order,
            amount,
            approved,
            at,
        } => Body::UpdateConversion(UpdateConversion {
            external_id: name(*order),
            amount: amount.map(micros),
            status: approved.map(|yes| {
                if yes {
                    ConversionStatus::Approved
                } else {
                    ConversionStatus::Disapproved
                }
            }),
            meta_data: None,
            occurred_at: at.map(second),
        }),
        Step::Refund { order, amount, id } => Body::Refund(Refund {
            external_id: name(*order),
            amount: amount.map(micros),
            refund_id: id.map(|id| id.to_string()),
            minor_units: None,
        }),
        Step::Chargeback { order, reversed, at } => Body::Chargeback(Chargeback {
            external_id: name(*order),
            reversed: *reversed,
            occurred_at: at.map(second),
        }),
        Step::Edit { .. } | Step::Delete { .. } => Body::EditConversion(Box::new(edit_body(step))),
        Step::Add { conversion, amount } => Body::AddCommissions(AddCommissions {
            conversion: ConversionId(*conversion),
            lines: vec![line(*amount)],
        }),
        Step::Judge { commission, approved } => Body::EditCommission(EditCommission {
            approved: Some(*approved),
            ..unchanged(*commission)
        }),
        Step::Reprice {
            commission,
            amount,
            sub_amount,
        } => Body::EditCommission(EditCommission {
            amount: amount.map(exactly),
            sub_amount: sub_amount.map(micros),
            ..unchanged(*commission)
        }),
        Step::Pay {
            affiliate,
            coin,
            units,
        } => Body::Pay(Pay {
            payments: vec![PaymentOrder {
                affiliate: format!("affiliate-{affiliate}"),
                amount: Decimal::from(*units),
                currency: coin.code.parse().unwrap(),
            }],
        }),
        Step::Cancel { payment } => Body::CancelPayment(CancelPayment {
            payment: PaymentId(*payment),
        }),
        Step::HoldEnds { conversion } => Body::Scheduled(Scheduled::HoldEnds {
            conversion: ConversionId(*conversion),
        }),
        Step::Again { .. } => panic!("has been replaced by the step that comes again"),
    }
}

fn edit_body(step: &Step) -> EditConversion {
    let none = |conversion: &i64| EditConversion {
        conversion: ConversionId(*conversion),
        amount: None,
        external_id: None,
        meta_data: None,
        meta_change: None,
        recalculate: false,
        delete: false,
    };
    match step {
        Step::Edit {
            conversion,
            amount,
            recalculate,
            order,
        } => EditConversion {
            amount: amount.map(micros),
            external_id: order.map(name),
            recalculate: *recalculate,
            ..none(conversion)
        },
        Step::Delete { conversion } => EditConversion {
            delete: true,
            ..none(conversion)
        },
        _ => panic!("an edit"),
    }
}

fn create_body(step: &Step) -> CreateConversion {
    let Step::Create {
        order,
        who,
        program,
        seller,
        coin,
        parts,
        explicit,
        is_old,
    } = step
    else {
        panic!("a create")
    };
    let lines = parts.iter().copied().map(line).collect();
    CreateConversion {
        external_id: Some(name(*order)),
        customer: who.map(|who| customer(&format!("customer {who}"))),
        attribution: AttributionFields {
            coupon: Some(coupon(*program, *seller)),
            ..Default::default()
        },
        amount: micros(parts.iter().sum()),
        currency: Some(coin.code.parse().unwrap()),
        commission: explicit.map(exactly),
        lines: if parts.len() > 1 { lines } else { Vec::new() },
        occurred_at: is_old.then(|| now() - TimeDelta::days(2)),
        ..Default::default()
    }
}

/// The code of an affiliate in a program.
pub(super) fn coupon(program: i64, seller: i64) -> String {
    format!("affiliate-{seller}-in-{program}")
}

fn line(amount: i64) -> CommissionLine {
    CommissionLine {
        sub_amount: micros(amount),
        commission_type: None,
        comment: None,
    }
}

fn unchanged(commission: i64) -> EditCommission {
    EditCommission::of(CommissionId(commission))
}
