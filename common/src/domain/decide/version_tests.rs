//! The rules of its time: whatever was declared later, and whenever an event arrives, it is decided by what held at its own time.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    examples::{PROGRAM, conversion, customer, edited, of_customer, with_click, with_customer},
    tests::{catalog_mut, decimal, now, sale, statuses, world},
    *,
};
use crate::domain::{
    AffiliateId,
    catalog::{Affiliate, Affiliation, Approval, GroupOverride, OwnRate, Program, Rate, Terms},
};

/// When the rules of these examples change. All events arrive ten days later.
fn change() -> DateTime<Utc> {
    now() - TimeDelta::days(10)
}

fn edit_program(world: &mut World, edit: impl FnOnce(&mut Program)) {
    let catalog = catalog_mut(world);
    let mut program = catalog.program(PROGRAM).unwrap().clone();
    edit(&mut program);
    catalog.add_program(program);
}

fn edit_affiliate(world: &mut World, edit: impl FnOnce(&mut Affiliate, &mut Affiliation)) {
    let catalog = catalog_mut(world);
    let mut affiliate = catalog.affiliate(AffiliateId(1)).unwrap().clone();
    let mut affiliation = catalog.affiliation(PROGRAM, AffiliateId(1)).unwrap().clone();
    edit(&mut affiliate, &mut affiliation);
    catalog.add_affiliate(affiliate);
    catalog.add_affiliation(affiliation);
}

/// The terms are others from [`change`] on.
fn new_terms(world: &mut World, edit: impl FnOnce(&mut Terms)) {
    edit_program(world, |program| {
        let mut terms = program.terms.first.clone();
        edit(&mut terms);
        program.terms.add(change(), terms);
    });
}

/// A sale of 100 by affiliate 1 that was made at `at`.
fn sale_at(n: u128, order: &str, at: DateTime<Utc>) -> Incoming {
    edited(sale(n, order, "first", "100"), |create| {
        create.occurred_at = Some(at);
    })
}

/// What became of the order: how it was refused, else who got how much and what is approved.
fn told(decided: &Decisions, order: &str) -> String {
    if let Some(decision) = decided
        .decisions
        .iter()
        .rev()
        .find(|decision| decision.outcome.reason().is_some())
    {
        return decision.outcome.reason().unwrap().to_owned();
    }
    let each = conversion(decided, order).commissions.iter().map(|commission| {
        let approved = if commission.approved == Some(true) {
            "!"
        } else {
            ""
        };
        format!(
            "{}: {}{approved}",
            commission.affiliate.0,
            commission.amount.normalize()
        )
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Just before the change, at it, and well after it.
fn check(name: &str, world: &World, sale: impl Fn(DateTime<Utc>) -> Incoming, before: &str, after: &str) {
    for (at, want) in [
        (change() - TimeDelta::milliseconds(1), before),
        (change(), after),
        (change() + TimeDelta::days(1), after),
    ] {
        let decided = decide(vec![sale(at)], world.clone()).unwrap();
        assert_eq!(told(&decided, "o1"), want, "{name}, at {at}");
    }
}

#[test]
fn a_sale_is_decided_by_the_terms_of_its_time() {
    let plain = |at| sale_at(1, "o1", at);
    let mut world_ = world();
    edit_program(&mut world_, |program| {
        let mut other = program.types[0].clone();
        other.identifier = "other".into();
        other.rate = Rate::Percentage(decimal("20"));
        program.types.push(other);
    });
    new_terms(&mut world_, |terms| terms.default_type = "other".into());
    check("default type", &world_, plain, "1: 10, 2: 5", "1: 20, 2: 5");

    let mut world_ = world();
    new_terms(&mut world_, |terms| terms.approval = Approval::Immediate);
    check("approval", &world_, plain, "1: 10, 2: 5", "1: 10!, 2: 5!");

    let mut world_ = world();
    let days = TimeDelta::days(15);
    let name = with_click(&mut world_, 50, 1, days);
    new_terms(&mut world_, |terms| terms.cookie_time = 3);
    let by_click = |at| {
        edited(plain(at), |create| {
            create.attribution.coupon = None;
            create.attribution.click_id = Some(name.clone());
        })
    };
    check("window", &world_, by_click, "1: 10, 2: 5", "window_expired");

    let mut world_ = world();
    edit_program(&mut world_, |program| program.terms.first.recurring = false);
    new_terms(&mut world_, |terms| terms.recurring = true);
    with_customer(&mut world_, "c1", 2, |_| {});
    let again = |at| of_customer(plain(at), "c1");
    check("first affiliate", &world_, again, "1: 10, 2: 5", "2: 10");

    let mut world_ = world();
    new_terms(&mut world_, |terms| terms.recurring_cap = Some(1));
    with_customer(&mut world_, "c1", 1, |customer| {
        customer.own.counted_towards_cap = 1;
    });
    check("cap", &world_, again, "1: 10, 2: 5", "");

    let mut world_ = world();
    new_terms(&mut world_, |terms| terms.recurring_period_days = Some(5));
    with_customer(&mut world_, "c1", 1, |customer| {
        customer.own.first_sale_at = Some(change() - TimeDelta::days(6));
    });
    check("days", &world_, again, "1: 10, 2: 5", "");
}

#[test]
fn a_sale_is_decided_by_the_affiliates_rates_and_group_of_its_time() {
    let plain = |at| sale_at(1, "o1", at);
    let mut world_ = world();
    edit_affiliate(&mut world_, |_, affiliation| {
        let rate = Some(Rate::Fixed(decimal("3")));
        affiliation.rates.add(
            change(),
            OwnRate {
                rate,
                ..OwnRate::default()
            },
        );
    });
    check("own rate", &world_, plain, "1: 10, 2: 5", "1: 3, 2: 5");

    let mut world_ = world();
    edit_affiliate(&mut world_, |_, affiliation| {
        let ignores = OwnRate {
            rate: None,
            ignore_product_rate: true,
        };
        affiliation.rates.add(change(), ignores);
    });
    let explicit = |at| edited(plain(at), |create| create.commission = Some(decimal("50")));
    check("product rate", &world_, explicit, "1: 50, 2: 5", "1: 10, 2: 5");

    let mut world_ = world();
    edit_program(&mut world_, |program| {
        program.types[0].group_overrides.push(GroupOverride {
            group_id: "gold".into(),
            rate: Rate::Percentage(decimal("20")),
        });
    });
    edit_affiliate(&mut world_, |affiliate, _| {
        affiliate.groups.add(change(), Some("gold".into()));
    });
    check("group", &world_, plain, "1: 10, 2: 5", "1: 20, 2: 5");
}

#[test]
fn what_is_retired_is_so_from_its_time_on() {
    let plain = |at| sale_at(1, "o1", at);
    let mut world_ = world();
    edit_program(&mut world_, |program| program.retired_at = Some(change()));
    check("program", &world_, plain, "1: 10, 2: 5", "program_retired");

    let mut world_ = world();
    edit_program(&mut world_, |program| {
        let mut grandparent = program.levels[0].clone();
        (grandparent.level, grandparent.percentage) = (3, decimal("2"));
        let mut retired = program.levels[0].clone();
        (retired.valid_from, retired.retired) = (Some(change()), true);
        program.levels.extend([grandparent, retired]);
    });
    let catalog = catalog_mut(&mut world_);
    let mut second = catalog.affiliate(AffiliateId(2)).unwrap().clone();
    second.parent = Some(AffiliateId(3));
    catalog.add_affiliate(second);
    examples::with_affiliate(&mut world_, PROGRAM, 3, "third", |_| {});
    check("level", &world_, plain, "1: 10, 2: 5, 3: 2", "1: 10, 3: 2");

    let mut world_ = world();
    edit_program(&mut world_, |program| {
        let mut retired = program.types[0].clone();
        (retired.valid_from, retired.retired) = (Some(change()), true);
        program.types.push(retired);
    });
    let named = |at| {
        edited(plain(at), |create| {
            create.commission_type = Some("standard".into());
        })
    };
    check(
        "named type",
        &world_,
        named,
        "1: 10, 2: 5",
        "unknown_commission_type",
    );
    check("default type", &world_, plain, "1: 10, 2: 5", "1: 10, 2: 5");
}

#[test]
fn what_says_no_time_of_its_own_is_decided_by_when_it_came_in() {
    let mut world = world();
    new_terms(&mut world, |terms| terms.approval = Approval::Immediate);
    edit_program(&mut world, |program| program.retired_at = Some(now()));
    let mut unsigned = sale_at(1, "o1", change() - TimeDelta::days(1));
    unsigned.event.authenticated = false;
    let decided = decide(vec![unsigned], world).unwrap();
    assert_eq!(
        statuses(&decided),
        ["program_retired"],
        "it tells its own time without a secret"
    );
}

/// Two sales that arrive in the other order are each by their own terms, and the customer is called what today's terms say.
#[test]
fn a_late_sale_of_an_older_time_gets_the_older_terms() {
    let mut world = world();
    edit_program(&mut world, |program| program.terms.first.recurring_cap = Some(1));
    new_terms(&mut world, |terms| terms.recurring_cap = None);
    let of = |n, order, days| of_customer(sale_at(n, order, change() + TimeDelta::days(days)), "c1");
    let decided = decide(vec![of(1, "new", 1), of(2, "old", -1), of(3, "next", 2)], world).unwrap();
    let paid = |order| conversion(&decided, order).commissions.len();
    assert_eq!((paid("new"), paid("old"), paid("next")), (2, 0, 2));
    assert_eq!(customer(&decided, "c1").status, "active", "no limit holds now");
}

proptest! {
    /// What a sale brings is what its time's version says, whatever is declared for later and whatever was before.
    #[test]
    fn a_commission_depends_only_on_the_version_of_its_time(
        declared in prop::collection::btree_map(-100i64..100, 0i64..90, 0..6), at in -100i64..100,
    ) {
        let minute = |minute| change() + TimeDelta::minutes(minute);
        let brought = |versions: &[(i64, i64)]| {
            let mut world = world();
            edit_affiliate(&mut world, |_, affiliation| {
                for (from, percent) in versions {
                    let rate = Some(Rate::Percentage(Decimal::from(*percent)));
                    affiliation.rates.add(minute(*from), OwnRate { rate, ..OwnRate::default() });
                }
            });
            let decided = decide(vec![sale_at(1, "o1", minute(at))], world).unwrap();
            conversion(&decided, "o1").commissions[0].amount
        };
        let all: Vec<(i64, i64)> = declared.into_iter().collect();
        let until_then: Vec<_> = all.iter().copied().filter(|(from, _)| *from <= at).collect();
        let want = until_then.last().map_or(Decimal::TEN, |(_, percent)| Decimal::from(*percent));
        prop_assert_eq!(brought(&all), want);
        prop_assert_eq!(brought(&until_then), want);
        prop_assert_eq!(brought(&until_then[until_then.len().saturating_sub(1)..]), want);
    }
}
