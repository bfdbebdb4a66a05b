//! Random histories against a model, and against themselves in another order or in other batches.

mod history;
mod model;
mod recalculated;
mod sale;

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rust_decimal::Decimal;

use self::{
    history::{Approves, COINS, Coin, Step, Steps, coupon, create, events, named, steps, with_ids},
    model::{Balances, Model, Standings},
};
use super::{
    Decisions, Incoming, World, decide,
    tests::{catalog_mut, decimal, now, world},
};
use crate::domain::{
    AffiliateId, ConversionId, ProgramId,
    catalog::{Affiliate, Approval, OrgCatalog, Rate},
    entities::{Change, Conversion},
    ledger::{Account, Transfer},
    versions::Versions,
};

/// Affiliate 1 has the parent 3, whose level brings five percent; 2 has a rate of 33.333333 percent and no parent. Of a customer
/// the first program pays one sale, the second two, within a day. Both keep customers.
static WORLDS: LazyLock<[World; 3]> =
    LazyLock::new(|| [Approval::Manual, Approval::Immediate, Approval::Hold(1)].map(of_approval));

fn of_approval(approval: Approval) -> World {
    let mut world = world();
    let catalog = catalog_mut(&mut world);
    let mut program = catalog.program(ProgramId(1)).unwrap().clone();
    program.terms.first.approval = approval;
    let affiliation = catalog.affiliation(ProgramId(1), AffiliateId(1)).unwrap().clone();
    *catalog = OrgCatalog::default();
    for (number, cap, days) in [(1, 1, None), (2, 2, Some(1))] {
        let mut program = program.clone();
        program.id = ProgramId(number);
        program.is_default = number == 1;
        program.terms.first.recurring_cap = Some(cap);
        program.terms.first.recurring_period_days = days;
        catalog.add_program(program);
    }
    for (id, parent, own_rate) in [
        (1, Some(AffiliateId(3)), None),
        (2, None, Some(Rate::Percentage(decimal("33.333333")))),
        (3, None, None),
    ] {
        let slug = format!("affiliate-{id}");
        for program in 1..=2 {
            let mut affiliation = affiliation.clone();
            affiliation.program = ProgramId(program);
            affiliation.affiliate = AffiliateId(id);
            affiliation.coupon_folded = Some(coupon(program, id));
            affiliation.rates.first.rate = own_rate;
            catalog.add_affiliation(affiliation);
        }
        catalog.add_affiliate(Affiliate {
            id: AffiliateId(id),
            slug,
            firstname: String::new(),
            lastname: String::new(),
            parent,
            groups: Versions::always(None),
            is_deleted: false,
        });
    }
    world
}

fn empty(approves: Approves) -> World {
    let [by_hand, at_once, after_a_day] = &*WORLDS;
    match approves {
        Approves::ByHand => by_hand,
        Approves::AtOnce => at_once,
        Approves::AfterADay => after_a_day,
    }
    .clone()
}

fn approvals() -> impl Strategy<Value = Approves> {
    prop_oneof![
        Just(Approves::ByHand),
        Just(Approves::AtOnce),
        Just(Approves::AfterADay)
    ]
}

/// Runs a property on so many histories, and says so.
fn in_histories<S: Strategy>(
    cases: u32,
    histories: &S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    if let Err(failure) = TestRunner::new(config).run(histories, property) {
        panic!("{failure}");
    }
    println!("{cases} histories");
}

/// The balances that transfers make, in minor units.
fn balances(transfers: &[Transfer]) -> Balances {
    let mut all = Balances::new();
    for transfer in transfers {
        assert!(
            transfer.amount > Decimal::ZERO && transfer.debit != transfer.credit,
            "{transfer:?}"
        );
        let coin = COINS
            .into_iter()
            .find(|coin| coin.code == transfer.currency.code())
            .unwrap();
        let sums = all.entry((transfer.affiliate.0, coin)).or_default();
        let minor = in_minor_units(transfer.amount, coin);
        for (account, minor) in [(transfer.credit, minor), (transfer.debit, -minor)] {
            match account {
                Account::Expense => {}
                Account::Pending => sums[0] += minor,
                Account::Payable => sums[1] += minor,
                Account::Paid => sums[2] += minor,
            }
        }
    }
    all.retain(|_, sums| *sums != [0; 3]);
    all
}

fn in_minor_units(amount: Decimal, coin: Coin) -> i128 {
    let mut amount = amount.normalize();
    assert!(amount.scale() <= coin.scale, "{amount} {coin:?}");
    amount.rescale(coin.scale);
    amount.mantissa()
}

/// All conversions, as if they had been stored and loaded again.
fn conversions(world: &World) -> BTreeMap<ConversionId, Conversion> {
    let stored = |conversion: &Conversion| {
        let mut conversion = conversion.clone();
        conversion.change = Change::None;
        conversion
            .commissions
            .iter_mut()
            .for_each(|commission| commission.change = Change::None);
        conversion
    };
    world
        .conversions
        .values()
        .map(|conversion| (conversion.id, stored(conversion)))
        .collect()
}

/// Between nothing and its gross, and the ledger holds just what its state says.
fn is_sound(decided: &Decisions) -> Result<(), TestCaseError> {
    for commission in decided
        .world
        .conversions
        .values()
        .flat_map(|conversion| &conversion.commissions)
    {
        prop_assert!(commission.amount >= Decimal::ZERO && commission.amount <= commission.gross);
        let (mut pending, mut payable) = (Decimal::ZERO, Decimal::ZERO);
        for transfer in decided
            .effects
            .transfers
            .iter()
            .filter(|transfer| transfer.commission == Some(commission.id))
        {
            for (account, amount) in [
                (transfer.credit, transfer.amount),
                (transfer.debit, -transfer.amount),
            ] {
                match account {
                    Account::Pending => pending += amount,
                    Account::Payable => payable += amount,
                    Account::Expense | Account::Paid => {}
                }
            }
        }
        let want = match commission.approved {
            None => (commission.amount, Decimal::ZERO),
            Some(true) => (Decimal::ZERO, commission.amount),
            Some(false) => (Decimal::ZERO, Decimal::ZERO),
        };
        prop_assert_eq!((pending, payable), want);
        prop_assert_eq!((commission.balance.pending, commission.balance.payable), want);
    }
    Ok(())
}

#[test]
fn balances_never_drift_in_20_000_histories() {
    in_histories(20_000, &(approvals(), steps()), |(approves, steps)| {
        let decided = decide(events(&steps), empty(approves)).unwrap();
        is_sound(&decided)?;
        let model = Model::of(approves, &steps);
        prop_assert_eq!(balances(&decided.effects.transfers), model.balances());
        prop_assert_eq!(standings(&decided.world), model.standings());
        Ok(())
    });
}

/// Where customers stand with each program.
fn standings(world: &World) -> Standings {
    let of_all = world.customers.values().flat_map(|customer| {
        customer.standings().map(|standing| {
            let name = customer.external_id.clone().unwrap();
            let days = standing.first_sale_at.map(|first| (now() - first).num_days());
            let stands = (standing.affiliate.0, standing.counted_towards_cap, days.unwrap());
            ((name, standing.program.0), stands)
        })
    });
    of_all.collect()
}

#[test]
fn a_batch_may_be_cut_anywhere_in_10_000_histories() {
    in_histories(
        10_000,
        &(approvals(), steps(), 0usize..14),
        |(approves, steps, cut)| {
            let whole = decide(events(&steps), empty(approves)).unwrap();
            let in_batches = |batches: Vec<Vec<Incoming>>| {
                let (mut world, mut transfers, mut schedules) = (empty(approves), Vec::new(), Vec::new());
                for batch in batches {
                    let decided = decide(batch, world).unwrap();
                    transfers.extend(decided.effects.transfers);
                    schedules.extend(decided.effects.schedules);
                    world = decided.world;
                }
                (world, transfers, schedules)
            };
            let mut first = events(&steps);
            let second = first.split_off(cut.min(first.len()));
            let one_by_one = events(&steps)
                .into_iter()
                .map(|incoming| vec![incoming])
                .collect();
            for (world, transfers, schedules) in [in_batches(vec![first, second]), in_batches(one_by_one)] {
                prop_assert_eq!(&transfers, &whole.effects.transfers);
                prop_assert_eq!(&schedules, &whole.effects.schedules);
                prop_assert_eq!(conversions(&world), conversions(&whole.world));
                prop_assert_eq!(standings(&world), standings(&whole.world));
            }
            Ok(())
        },
    );
}

/// Create, updates, refunds and chargebacks of one order, in the order of their times and in another.
fn deliveries() -> impl Strategy<Value = (Steps, Steps)> {
    let order = || Just(0u8);
    let history = (
        create(order()),
        proptest::collection::vec(named(order()), 0..7),
        any::<prop::sample::Index>(),
    );
    let history = history.prop_map(|(create, mut steps, at)| {
        steps.insert(at.index(steps.len() + 1), create);
        with_ids(steps)
    });
    history.prop_flat_map(|steps| (Just(steps.clone()), Just(steps).prop_shuffle()))
}

#[test]
fn any_order_of_delivery_ends_alike_in_10_000_histories() {
    in_histories(
        10_000,
        &(approvals(), deliveries()),
        |(approves, (steps, shuffled))| {
            let straight = decide(events(&steps), empty(approves)).unwrap();
            let mixed = decide(events(&shuffled), empty(approves)).unwrap();
            is_sound(&mixed)?;
            prop_assert_eq!(
                balances(&straight.effects.transfers),
                balances(&mixed.effects.transfers)
            );
            // As if all had been delivered in the order of the times that they tell.
            let mut in_time = steps.clone();
            in_time.sort_by_key(|(id, step)| (!matches!(step, Step::Create { .. }), step.time(*id)));
            prop_assert_eq!(
                balances(&mixed.effects.transfers),
                Model::of(approves, &in_time).balances()
            );
            let mut ends = [&straight, &mixed].map(|decided| conversions(&decided.world));
            for conversion in ends.iter_mut().flat_map(BTreeMap::values_mut) {
                // Which changes came too late is a matter of their order.
                conversion.trace.outdated.clear();
                // Of two with one id, or of one amount without, the first to come is recorded.
                for refund in conversion
                    .refunds
                    .iter_mut()
                    .filter(|refund| !refund.has_own_id())
                {
                    refund.key = format!("{:?}", refund.amount);
                }
                conversion.refunds.sort_by(|a, b| a.key.cmp(&b.key));
                for refund in &mut conversion.refunds {
                    (refund.event, refund.created_at) = (conversion.event, conversion.created_at);
                }
            }
            prop_assert_eq!(&ends[0], &ends[1]);
            prop_assert_eq!(standings(&straight.world), standings(&mixed.world));
            Ok(())
        },
    );
}

/// A sale, and partial refunds that make up all of it, in any order.
fn refunded_in_parts() -> impl Strategy<Value = (Step, Vec<i64>)> {
    let shares = proptest::collection::vec(1i64..100_000_000, 1..8);
    (create(Just(0u8)), shares).prop_map(|(mut create, shares)| {
        let Step::Create { parts, .. } = &mut create else {
            panic!("a create")
        };
        *parts = vec![shares.iter().sum()];
        (create, shares)
    })
}

#[test]
fn refunds_never_exceed_and_end_at_zero_in_10_000_histories() {
    in_histories(
        10_000,
        &(approvals(), refunded_in_parts()),
        |(approves, (create, shares))| {
            let refund = |(id, amount)| Step::Refund {
                order: 0,
                amount: Some(amount),
                id: Some(id),
            };
            let steps = with_ids(
                [create]
                    .into_iter()
                    .chain((1..).zip(shares).map(refund))
                    .collect(),
            );
            let (mut world, mut transfers, mut last) = (empty(approves), Vec::new(), None::<Balances>);
            for incoming in events(&steps) {
                let decided = decide(vec![incoming], world).unwrap();
                transfers.extend(decided.effects.transfers);
                world = decided.world;
                let now = balances(&transfers);
                for (owner, sums) in &now {
                    prop_assert!(sums.iter().all(|sum| *sum >= 0), "{:?}", now);
                    let before = last.as_ref().map(|last| last[owner]);
                    prop_assert!(
                        before.is_none_or(|before| sums.iter().sum::<i128>() <= before.iter().sum())
                    );
                }
                last = Some(now);
            }
            prop_assert_eq!(balances(&transfers), Balances::new());
            Ok(())
        },
    );
}
