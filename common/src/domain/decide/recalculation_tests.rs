//! Recalculating by the rules of a commission's time, by example. The world has a type of 10 percent and a level of 5.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    story::{Story, word},
    tests::{catalog_mut, decimal, now},
};
use crate::domain::{
    AffiliateId, Applied, LeftAlone, Outcome, ProgramId, RecalculatedView,
    catalog::{CommissionType, GroupOverride, Level, Program, Rate, Recurrence},
    trace::RuleSource,
    versions::Versions,
};

/// A sale of conversion 1 by `seller`, of 100 unless `edit` says otherwise.
fn sold(seller: &str, edit: impl FnOnce(&mut Value)) -> Story {
    let mut story = Story::new();
    let mut sale = json!({
        "external_id": "o1", "attribution": {"coupon": seller}, "amount": "100",
        "customer": {"identity": {"id": "buyer"}, "external_id": "buyer"},
    });
    edit(&mut sale);
    assert_eq!(
        word(&story.tell(10, json!({"create_conversion": sale}))),
        "applied"
    );
    story
}

fn in_program(story: &mut Story, edit: impl FnOnce(&mut Program)) {
    let catalog = catalog_mut(&mut story.world);
    let mut program = catalog.program(ProgramId(1)).unwrap().clone();
    edit(&mut program);
    catalog.add_program(program);
}

/// A day before the sale.
fn yesterday() -> DateTime<Utc> {
    now() - TimeDelta::days(1)
}

/// The standard type has had another rate since `from`.
fn rate_since(story: &mut Story, from: DateTime<Utc>, rate: Rate) {
    in_program(story, |program| {
        let version = CommissionType {
            valid_from: Some(from),
            rate,
            ..program.types[0].clone()
        };
        program.types.push(version);
    });
}

fn percent(text: &str) -> Rate {
    Rate::Percentage(decimal(text))
}

fn recalculate(story: &mut Story, id: u128) -> RecalculatedView {
    let before = story.conversion(1).clone();
    let outcome = story.tell(id, json!({"recalculate_commissions": {"conversion": 1}}));
    let Outcome::Applied(Applied::Recalculated(view)) = outcome else {
        panic!("{outcome:?}")
    };
    if view.changes.is_empty() {
        assert_eq!(story.conversion(1), &before, "nothing is written");
    }
    *view
}

/// What changed: number, from, to.
fn changes(view: &RecalculatedView) -> Vec<(i64, String, String)> {
    let shown = |amount: rust_decimal::Decimal| amount.normalize().to_string();
    view.changes
        .iter()
        .map(|change| (change.commission.0, shown(change.from), shown(change.to)))
        .collect()
}

fn change(commission: i64, from: &str, to: &str) -> (i64, String, String) {
    (commission, from.to_owned(), to.to_owned())
}

#[test]
fn a_backdated_rate_changes_what_was_sold_since_and_only_once() {
    let mut story = sold("first", |_| {});
    assert_eq!(changes(&recalculate(&mut story, 20)), []);
    rate_since(&mut story, yesterday(), percent("12.5"));
    assert_eq!(changes(&recalculate(&mut story, 21)), [change(1, "10", "12.5")]);
    assert_eq!(changes(&recalculate(&mut story, 22)), [], "it is so already");
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("12.5 0 0".into(), "5 0 0".into())
    );
    let rule = &story.conversion(1).trace.rules[0];
    assert_eq!(
        (rule.since, rule.percent),
        (Some(yesterday()), Some(decimal("12.5")))
    );
    // Later updates go by the new rate.
    story.tell(
        23,
        json!({"update_conversion": {"external_id": "o1", "amount": "200"}}),
    );
    assert_eq!(story.amounts(1), ["25", "10"]);
    assert_eq!(changes(&recalculate(&mut story, 24)), []);
}

#[test]
fn a_rate_from_a_later_time_on_changes_nothing() {
    let mut story = sold("first", |_| {});
    rate_since(&mut story, now() + TimeDelta::seconds(1), percent("12.5"));
    in_program(&mut story, |program| {
        program.levels.push(Level {
            valid_from: Some(now() + TimeDelta::seconds(1)),
            percentage: decimal("9"),
            ..program.levels[0].clone()
        });
    });
    assert_eq!(changes(&recalculate(&mut story, 20)), []);
}

#[test]
fn fixed_amounts_and_percentages_take_each_others_place() {
    let mut story = sold("second", |_| {});
    rate_since(&mut story, yesterday(), Rate::Fixed(decimal("7.505")));
    assert_eq!(changes(&recalculate(&mut story, 20)), [change(1, "10", "7.51")]);
    story.tell(
        21,
        json!({"update_conversion": {"external_id": "o1", "amount": "200"}}),
    );
    assert_eq!(
        story.amounts(1),
        ["7.51"],
        "a fixed commission follows in nothing"
    );
    rate_since(&mut story, yesterday() + TimeDelta::hours(1), percent("3"));
    assert_eq!(changes(&recalculate(&mut story, 22)), [change(1, "7.51", "6")]);
    assert_eq!(changes(&recalculate(&mut story, 23)), []);
}

#[test]
fn overrides_of_groups_and_own_rates_count_as_at_a_sale() {
    let mut story = sold("second", |_| {});
    in_program(&mut story, |program| {
        program.types[0].group_overrides.push(GroupOverride {
            group_id: "gold".into(),
            rate: percent("20"),
        });
    });
    assert_eq!(
        changes(&recalculate(&mut story, 20)),
        [],
        "the affiliate is in no group"
    );
    let catalog = catalog_mut(&mut story.world);
    let mut member = catalog.affiliate(AffiliateId(2)).unwrap().clone();
    member.groups = Versions::always(Some("gold".into()));
    catalog.add_affiliate(member);
    assert_eq!(changes(&recalculate(&mut story, 21)), [change(1, "10", "20")]);
    let catalog = catalog_mut(&mut story.world);
    let mut affiliation = catalog.affiliation(ProgramId(1), AffiliateId(2)).unwrap().clone();
    affiliation.rates.first.rate = Some(Rate::Fixed(decimal("3")));
    catalog.add_affiliation(affiliation);
    assert_eq!(changes(&recalculate(&mut story, 22)), [change(1, "20", "3")]);
    assert_eq!(story.conversion(1).trace.rules[0].source, RuleSource::OwnRate);
    assert_eq!(changes(&recalculate(&mut story, 23)), []);
}

#[test]
fn levels_change_for_those_who_have_them_and_none_is_added() {
    let mut story = sold("first", |_| {});
    in_program(&mut story, |program| program.levels[0].percentage = decimal("7"));
    assert_eq!(changes(&recalculate(&mut story, 20)), [change(2, "5", "7")]);
    // Another parent today: the line stays whose it was, and is told to be missing for the other.
    let catalog = catalog_mut(&mut story.world);
    let mut seller = catalog.affiliate(AffiliateId(1)).unwrap().clone();
    seller.parent = None;
    catalog.add_affiliate(seller);
    in_program(&mut story, |program| program.levels[0].percentage = decimal("8"));
    let view = recalculate(&mut story, 21);
    assert_eq!(
        (changes(&view), view.left),
        (vec![change(2, "7", "8")], LeftAlone::default())
    );
    in_program(&mut story, |program| program.levels.clear());
    let view = recalculate(&mut story, 22);
    let want = LeftAlone {
        no_rule: 1,
        ..LeftAlone::default()
    };
    assert_eq!((changes(&view), view.left), (vec![], want));
    assert_eq!(story.balance(2), "8 0 0");
    let mut story = Story::in_program(|program| program.levels.clear());
    story.tell(
        10,
        json!({"create_conversion": {
            "external_id": "o1", "attribution": {"coupon": "first"}, "amount": "100",
        }}),
    );
    in_program(&mut story, |program| {
        program.levels.push(Level {
            level: 2,
            title: "Level 2".into(),
            valid_from: None,
            percentage: decimal("5"),
            retired: false,
        });
    });
    let view = recalculate(&mut story, 20);
    let want = LeftAlone {
        missing_levels: 1,
        ..LeftAlone::default()
    };
    assert_eq!((changes(&view), view.left), (vec![], want));
}

#[test]
fn what_somebody_has_said_is_left_alone() {
    // By the request.
    let mut story = sold("second", |sale| sale["commission"] = json!("10"));
    rate_since(&mut story, yesterday(), percent("12"));
    let explicit = LeftAlone {
        explicit: 1,
        ..LeftAlone::default()
    };
    assert_eq!(recalculate(&mut story, 20).left, explicit);
    // By hand, be it what the rule gave; a sub amount by hand is calculated on.
    for (edit, left, want) in [
        (json!({"amount": "11"}), 1, "11"),
        (json!({"amount": "10"}), 1, "10"),
        (json!({"amount": "10", "sub_amount": "50"}), 1, "10"),
        (json!({"sub_amount": "50"}), 0, "6"),
    ] {
        let mut story = sold("second", |_| {});
        let mut body = edit.clone();
        body["commission"] = json!(1);
        assert_eq!(word(&story.tell(11, json!({"edit_commission": body}))), "applied");
        rate_since(&mut story, yesterday(), percent("12"));
        let view = recalculate(&mut story, 20);
        assert_eq!(
            view.left,
            LeftAlone {
                by_hand: left,
                ..LeftAlone::default()
            },
            "{edit}"
        );
        assert_eq!(story.amounts(1), [want], "{edit}");
    }
    // Given back to its rule by a sub amount.
    let mut story = sold("second", |_| {});
    story.tell(11, json!({"edit_commission": {"commission": 1, "amount": "10"}}));
    story.tell(
        12,
        json!({"edit_commission": {"commission": 1, "sub_amount": "100"}}),
    );
    rate_since(&mut story, yesterday(), percent("12"));
    assert_eq!(changes(&recalculate(&mut story, 20)), [change(1, "10", "12")]);
}

#[test]
fn rows_of_earlier_versions_are_told_by_their_rate() {
    for (rate, gross, want) in [
        (Some("10"), "10", ("12", LeftAlone::default())),
        (
            Some("10"),
            "9",
            (
                "9",
                LeftAlone {
                    by_hand: 1,
                    ..LeftAlone::default()
                },
            ),
        ),
        (
            None,
            "10",
            (
                "10",
                LeftAlone {
                    unknown: 1,
                    ..LeftAlone::default()
                },
            ),
        ),
    ] {
        let mut story = sold("second", |_| {});
        let mut old = story.conversion(1).clone();
        old.trace.rules.clear();
        old.commissions[0].rate = rate.map(decimal);
        old.commissions[0].gross = decimal(gross);
        old.commissions[0].amount = decimal(gross);
        story.world.add_conversion(old);
        rate_since(&mut story, yesterday(), percent("12"));
        let view = recalculate(&mut story, 20);
        assert_eq!((story.amounts(1).join(" ").as_str(), view.left), want);
    }
}

#[test]
fn refunds_payments_and_disapprovals_stay_what_they_were() {
    // Partly refunded: of the new gross the same share is left.
    let mut story = sold("second", |_| {});
    story.tell(11, json!({"refund": {"external_id": "o1", "amount": "25"}}));
    rate_since(&mut story, yesterday(), percent("12"));
    assert_eq!(changes(&recalculate(&mut story, 20)), [change(1, "7.5", "9")]);
    // All of it: nothing is left of the new one, which counts if a refund was none.
    story.tell(21, json!({"chargeback": {"external_id": "o1"}}));
    in_program(&mut story, |program| {
        program.types.last_mut().unwrap().rate = percent("16");
    });
    assert_eq!(changes(&recalculate(&mut story, 22)), [change(1, "0", "0")]);
    story.tell(23, json!({"chargeback": {"external_id": "o1", "reversed": true}}));
    assert_eq!(story.balance(2), "12 0 0");
    // Paid: the difference is owed, and owed back.
    let mut story = sold("second", |_| {});
    story.tell(
        11,
        json!({"edit_commission": {"commission": 1, "approved": true}}),
    );
    story.tell(
        12,
        json!({"pay": {"payments": [{"affiliate": "second", "amount": "10", "currency": "USD"}]}}),
    );
    assert_eq!(story.balance(2), "0 0 10");
    rate_since(&mut story, yesterday(), percent("12"));
    recalculate(&mut story, 20);
    assert_eq!(story.balance(2), "0 2 10");
    in_program(&mut story, |program| {
        program.types.last_mut().unwrap().rate = percent("9");
    });
    recalculate(&mut story, 21);
    assert_eq!(story.balance(2), "0 -1 10");
    // Disapproved: it holds no money, and would hold the new amount.
    let mut story = sold("second", |_| {});
    story.tell(
        11,
        json!({"edit_commission": {"commission": 1, "approved": false}}),
    );
    rate_since(&mut story, yesterday(), percent("12"));
    recalculate(&mut story, 20);
    assert_eq!(story.balance(2), "0 0 0");
    story.tell(
        21,
        json!({"edit_commission": {"commission": 1, "approved": true}}),
    );
    assert_eq!(story.balance(2), "0 12 0");
}

#[test]
fn it_rounds_once_to_the_currencys_minor_unit() {
    for (currency, amount, want) in [
        ("JPY", "1005", "126"),
        ("KWD", "1.005", "0.126"),
        ("USD", "1.2", "0.15"),
    ] {
        let mut story = sold("second", |sale| {
            sale["currency"] = json!(currency);
            sale["amount"] = json!(amount);
        });
        rate_since(&mut story, yesterday(), percent("12.5"));
        recalculate(&mut story, 20);
        assert_eq!(story.amounts(1), [want], "{currency}");
    }
}

#[test]
fn each_commission_has_the_rules_of_its_own_time() {
    let mut story = Story::in_program(|program| program.types[0].recurrence = Recurrence::Monthly);
    let start = now() - TimeDelta::days(40);
    story.tell(
        10,
        json!({"create_conversion": {
            "external_id": "o1", "attribution": {"coupon": "first"}, "amount": "100", "occurred_at": start,
            "customer": {"identity": {"id": "buyer"}, "external_id": "buyer"},
        }}),
    );
    let due = start + chrono::Months::new(1);
    let recur = json!({"conversion": 1, "commission": 1, "period": 1, "due": due});
    assert_eq!(
        word(&story.tell(11, json!({"scheduled": {"recur": recur}}))),
        "applied"
    );
    let added = json!({"conversion": 1, "lines": [{"sub_amount": "50"}]});
    assert_eq!(
        word(&story.tell(12, json!({"add_commissions": added}))),
        "applied"
    );
    assert_eq!(story.amounts(1), ["10", "5", "10", "5", "5", "2.5"]);
    rate_since(&mut story, due, percent("12"));
    rate_since(&mut story, now(), percent("14"));
    in_program(&mut story, |program| {
        program.levels.push(Level {
            valid_from: Some(due),
            percentage: decimal("6"),
            ..program.levels[0].clone()
        });
    });
    let view = recalculate(&mut story, 20);
    assert_eq!(story.amounts(1), ["10", "5", "12", "6", "7", "3"]);
    assert_eq!((view.changes.len(), view.left), (4, LeftAlone::default()));
    assert_eq!(changes(&recalculate(&mut story, 21)), []);
}

#[test]
fn parts_of_a_sale_keep_their_types_and_shares() {
    let mut story = Story::in_program(|program| {
        let flat = CommissionType {
            identifier: "flat".into(),
            rate: Rate::Fixed(decimal("2")),
            ..program.types[0].clone()
        };
        program.types.push(flat);
    });
    story.tell(
        10,
        json!({"create_conversion": {
            "external_id": "o1", "attribution": {"coupon": "second"}, "amount": "100", "lines": [
                {"sub_amount": "60", "commission_type": null, "comment": null},
                {"sub_amount": "40", "commission_type": "flat", "comment": null},
            ],
        }}),
    );
    story.tell(
        11,
        json!({"update_conversion": {"external_id": "o1", "amount": "50"}}),
    );
    assert_eq!(story.amounts(1), ["3", "2"]);
    rate_since(&mut story, yesterday(), percent("20"));
    in_program(&mut story, |program| program.types[1].rate = percent("50"));
    assert_eq!(
        changes(&recalculate(&mut story, 20)),
        [change(1, "3", "6"), change(2, "2", "10")]
    );
    // As if it had been sold so.
    story.tell(
        21,
        json!({"update_conversion": {"external_id": "o1", "amount": "100"}}),
    );
    assert_eq!(story.amounts(1), ["12", "20"]);
    assert_eq!(changes(&recalculate(&mut story, 22)), []);
    in_program(&mut story, |program| {
        program.types.retain(|rule| rule.identifier != "flat");
    });
    assert_eq!(recalculate(&mut story, 23).left.no_rule, 1);
}

#[test]
fn what_cannot_be_recalculated_is_refused_and_stays() {
    let mut story = sold("second", |sale| sale["amount"] = json!("1000000000000"));
    assert_eq!(
        word(&story.tell(20, json!({"recalculate_commissions": {"conversion": 9}}))),
        "unknown_order"
    );
    rate_since(&mut story, yesterday(), percent("101"));
    let body = || json!({"recalculate_commissions": {"conversion": 1}});
    assert_eq!(word(&story.tell(21, body())), "amount_out_of_range");
    let elsewhere = story.tell_as(22, body(), |event| event.program_scope = Some(ProgramId(7)));
    assert_eq!(word(&elsewhere), "unknown_order");
    story.tell(23, json!({"edit_conversion": {"conversion": 1, "delete": true}}));
    assert_eq!(word(&story.tell(24, body())), "unknown_order");
    assert_eq!(story.balance(2), "0 0 0");
}
