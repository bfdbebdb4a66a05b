//! Random histories that are recalculated: by the same rules, by others, and twice.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    super::tests::event,
    approvals, conversions, empty,
    history::{events, steps},
    in_histories, is_sound,
};
use crate::domain::{
    Body, ConversionId, Decisions, Incoming, ProgramId, RecalculateCommissions, World,
    catalog::Rate,
    decide,
    decide::tests::catalog_mut,
    recalculation::{rule_of, said},
};

/// Recalculates all conversions, in events with numbers from `id` on.
fn recalculated(world: World, id: u128) -> Decisions {
    let mut numbers: Vec<ConversionId> = world
        .conversions
        .values()
        .map(|conversion| conversion.id)
        .collect();
    numbers.sort_unstable();
    let recalculate = |(id, conversion)| {
        event(
            id,
            Body::RecalculateCommissions(RecalculateCommissions { conversion }),
        )
    };
    let events: Vec<Incoming> = (id..).zip(numbers).map(recalculate).collect();
    decide(events, world).unwrap()
}

#[test]
fn by_the_same_rules_nothing_changes_in_5_000_histories() {
    in_histories(5_000, &(approvals(), steps()), |(approves, steps)| {
        let decided = decide(events(&steps), empty(approves)).unwrap();
        let before = conversions(&decided.world);
        let again = recalculated(decided.world, 5_000);
        prop_assert!(again.effects.transfers.is_empty());
        prop_assert_eq!(conversions(&again.world), before);
        Ok(())
    });
}

#[test]
fn by_other_rules_twice_is_once_in_5_000_histories() {
    let rates = (0i64..40_000, 0i64..40_000, any::<bool>());
    in_histories(
        5_000,
        &(approvals(), steps(), rates),
        |(approves, steps, (own, level, is_fixed))| {
            let mut decided = decide(events(&steps), empty(approves)).unwrap();
            let catalog = catalog_mut(&mut decided.world);
            let own = Decimal::new(own, 3);
            for number in 1..=2 {
                let mut program = catalog.program(ProgramId(number)).unwrap().clone();
                program.types[0].rate = if is_fixed {
                    Rate::Fixed(own)
                } else {
                    Rate::Percentage(own)
                };
                program.levels[0].percentage = Decimal::new(level, 3);
                catalog.add_program(program);
            }
            let before = conversions(&decided.world);
            let mut once = recalculated(decided.world, 5_000);
            let mut transfers = decided.effects.transfers;
            transfers.append(&mut once.effects.transfers);
            once.effects.transfers.clone_from(&transfers);
            is_sound(&once)?;
            let after = conversions(&once.world);
            for (id, conversion) in &after {
                for (index, commission) in conversion.commissions.iter().enumerate() {
                    let old = &before[id].commissions[index];
                    // Nothing but the amount and how it is calculated.
                    prop_assert_eq!(
                        (commission.approved, commission.sub_amount, commission.share),
                        (old.approved, old.sub_amount, old.share)
                    );
                    if commission.gross != old.gross {
                        let rule = rule_of(conversion, index);
                        prop_assert_eq!(said(commission, conversion.original_amount, rule), None);
                    }
                }
            }
            let twice = recalculated(once.world, 6_000);
            prop_assert!(twice.effects.transfers.is_empty());
            prop_assert_eq!(conversions(&twice.world), after);
            Ok(())
        },
    );
}
