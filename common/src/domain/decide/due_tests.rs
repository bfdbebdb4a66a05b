//! What falls due by itself, by example: holds, recurring commissions, bonuses.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    story::{Story, word},
    tests::{ORG, decimal, now},
};
use crate::domain::{
    Applied, EventId, Outcome, ProgramId,
    catalog::{Approval, Bonus, BonusTarget, Program, Rate, Recurrence},
    entities::{CommissionKind, Customer, MonthlySales, ScheduleKind},
};

fn sale(order: &str, at: &str, commission: Option<&str>) -> Value {
    json!({"create_conversion": {
        "external_id": order,
        "attribution": {"coupon": "first"},
        "amount": "100",
        "commission": commission,
        "occurred_at": at,
        "customer": {"identity": {"id": "c1"}, "external_id": "c1", "email": null, "name": null, "meta_data": {}},
    }})
}

fn hold_ends() -> Value {
    json!({"scheduled": {"hold_ends": {"conversion": 1}}})
}

fn recur(period: u32, due: &str) -> Value {
    json!({"scheduled": {"recur": {"conversion": 1, "commission": 1, "period": period, "due": due}}})
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const START: &str = "2026-07-31T12:00:00Z";
const FIRST: &str = "2026-08-31T12:00:00Z";
const SECOND: &str = "2026-09-30T12:00:00Z";

#[test]
fn a_hold_approves_what_nobody_has_decided() {
    let mut story = Story::in_program(|program| program.approval = Approval::Hold(30));
    story.world.now = at("2026-08-01T00:00:00Z");
    story.tell(1, sale("o1", START, None));
    assert_eq!(story.schedules.len(), 1);
    assert_eq!(
        (story.schedules[0].what, story.schedules[0].due_at),
        (ScheduleKind::Hold, at("2026-08-30T12:00:00Z"))
    );
    story.world.now = at("2026-08-30T11:59:59Z");
    assert_eq!(
        story.tell(2, hold_ends()),
        Outcome::Applied(Applied::Nothing),
        "too early"
    );
    assert_eq!(
        story.schedules[1].due_at,
        at("2026-08-30T12:00:00Z"),
        "it is asked again"
    );
    story.tell(
        3,
        json!({"edit_commission": {"commission": 2, "approved": false}}),
    );
    story.world.now = at("2026-08-30T12:00:00Z");
    let outcome = story.tell(4, hold_ends());
    let Outcome::Applied(Applied::Commissions(approved)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(approved.len(), 1);
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 10 0".into(), "0 0 0".into())
    );
    assert_eq!(
        story.tell(5, hold_ends()),
        Outcome::Applied(Applied::Nothing),
        "nothing waits"
    );
    assert_eq!(story.schedules.len(), 2);
}

#[test]
fn commissions_added_later_are_held_from_then_on() {
    let mut story = Story::in_program(|program| program.approval = Approval::Hold(10));
    let occurred = now() - chrono::TimeDelta::days(20);
    story.tell(1, sale("o1", &occurred.to_rfc3339(), None));
    story.tell(
        2,
        json!({"add_commissions": {"conversion": 1, "lines": [{"sub_amount": "10"}]}}),
    );
    story.tell(3, hold_ends());
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("1 10 0".into(), "0.5 5 0".into())
    );
    let later = now() + chrono::TimeDelta::days(10);
    assert_eq!(story.schedules.last().map(|one| one.due_at), Some(later));
    story.world.now = later;
    story.tell(4, hold_ends());
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 11 0".into(), "0 5.5 0".into())
    );
}

#[test]
fn a_hold_does_nothing_for_a_conversion_that_is_gone() {
    let mut story = Story::in_program(|program| program.approval = Approval::Hold(0));
    assert_eq!(
        story.tell(1, hold_ends()),
        Outcome::Applied(Applied::Nothing),
        "never heard of"
    );
    story.tell(2, sale("o1", START, None));
    story.tell(3, json!({"edit_conversion": {"conversion": 1, "delete": true}}));
    assert_eq!(story.tell(4, hold_ends()), Outcome::Applied(Applied::Nothing));
    assert_eq!(story.balance(1), "0 0 0");
}

fn monthly(program: &mut Program) {
    program.types[0].recurrence = Recurrence::Monthly;
    program.approval = Approval::Immediate;
}

/// A sale on the last day of July, which comes again each month.
fn subscribed(edit: impl FnOnce(&mut Program)) -> Story {
    let mut story = Story::in_program(|program| {
        monthly(program);
        edit(program);
    });
    assert_eq!(word(&story.tell(1, sale("o1", START, None))), "applied");
    story
}

#[test]
fn a_recurring_commission_comes_again_on_its_day() {
    let mut story = subscribed(|_| {});
    let planned = |story: &Story| {
        story
            .schedules
            .last()
            .map(|one| (one.subject, one.period, one.due_at))
    };
    assert_eq!(planned(&story), Some((1, 1, at(FIRST))));
    let outcome = story.tell(2, recur(1, FIRST));
    let Outcome::Applied(Applied::Commissions(added)) = outcome else {
        panic!("{outcome:?}")
    };
    let added: Vec<_> = added
        .iter()
        .map(|one| (one.kind.as_str(), one.amount, one.created_at))
        .collect();
    assert_eq!(
        added,
        [
            ("recurring", decimal("10"), at(FIRST)),
            ("recurring", decimal("5"), at(FIRST))
        ]
    );
    assert_eq!(
        planned(&story),
        Some((1, 2, at(SECOND))),
        "the last day of September"
    );
    story.tell(3, recur(2, SECOND));
    assert_eq!(
        planned(&story),
        Some((1, 3, at("2026-10-31T12:00:00Z"))),
        "the day of the sale again"
    );
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 30 0".into(), "0 15 0".into())
    );
    assert_eq!(story.conversion(1).trace.rules.len(), 6);
    story.tell(
        4,
        json!({"refund": {"external_id": "o1", "amount": null, "refund_id": null}}),
    );
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 20 0".into(), "0 10 0".into()),
        "only the first sale's"
    );
}

#[test]
fn a_recurrence_goes_by_the_rules_of_its_day_and_by_what_was_said() {
    let twelve = |program: &mut Program| {
        let mut second = program.types[0].clone();
        second.valid_from = Some(at(FIRST));
        second.rate = Rate::Percentage(decimal("12"));
        program.types.push(second);
    };
    let fixed = |program: &mut Program| {
        program.types[0].rate = Rate::Fixed(decimal("7.5"));
        let mut second = program.types[0].clone();
        second.valid_from = Some(at(FIRST));
        second.rate = Rate::Fixed(decimal("8"));
        program.types.push(second);
    };
    let amount = |change: Value| json!({"edit_commission": {"commission": 1, "amount": change}});
    for (name, story, change, want) in [
        ("a percentage of a later version", subscribed(twelve), None, "12"),
        ("a fixed amount of a later version", subscribed(fixed), None, "8"),
        (
            "an edited percentage",
            subscribed(twelve),
            Some(amount("30.55".into())),
            "30.55",
        ),
        (
            "an edited fixed amount",
            subscribed(fixed),
            Some(amount("9".into())),
            "9",
        ),
        (
            "an edited sub amount",
            subscribed(twelve),
            Some(json!({"edit_commission": {"commission": 1, "sub_amount": "50"}})),
            "6",
        ),
        (
            "an updated sale",
            subscribed(twelve),
            Some(json!({"update_conversion": {"external_id": "o1", "amount": "200"}})),
            "24",
        ),
    ] {
        let mut story = story;
        if let Some(change) = change {
            story.tell(2, change);
        }
        story.tell(3, recur(1, FIRST));
        assert_eq!(story.amounts(1)[2], want, "{name}");
    }
    let mut story = Story::in_program(monthly);
    story.tell(1, sale("o1", START, Some("33")));
    story.tell(2, recur(1, FIRST));
    assert_eq!(story.amounts(1), ["33", "5", "33", "5"], "an explicit amount");
}

/// The one customer of a story.
fn customer(story: &mut Story) -> &mut Customer {
    story.world.customers.values_mut().next().unwrap()
}

/// Something that ends a recurrence.
type End = Box<dyn FnOnce(&mut Story)>;

#[test]
fn a_recurrence_ends_with_its_sale_its_customer_or_its_first_commission() {
    let deleted = |story: &mut Story| customer(story).deleted_at = Some(at(START));
    let canceled = |story: &mut Story| customer(story).canceled = true;
    let capped = |story: &mut Story| customer(story).capped = true;
    let tell = |body: Value| move |story: &mut Story| drop(story.tell(2, body));
    let ends: Vec<(&str, End)> = vec![
        ("a deleted customer", Box::new(deleted)),
        ("a cancelled customer", Box::new(canceled)),
        ("a capped customer", Box::new(capped)),
        (
            "a deleted sale",
            Box::new(tell(
                json!({"edit_conversion": {"conversion": 1, "delete": true}}),
            )),
        ),
        (
            "a chargeback",
            Box::new(tell(json!({"chargeback": {"external_id": "o1"}}))),
        ),
        (
            "disapproved",
            Box::new(tell(
                json!({"edit_commission": {"commission": 1, "approved": false}}),
            )),
        ),
    ];
    for (name, end) in ends {
        let mut story = subscribed(|_| {});
        end(&mut story);
        let (posted, planned) = (story.transfers.len(), story.schedules.len());
        assert_eq!(
            word(&story.tell(3, recur(1, FIRST))),
            "recurrence_ended",
            "{name}"
        );
        assert_eq!(
            (story.transfers.len(), story.schedules.len()),
            (posted, planned),
            "{name}"
        );
    }
    let mut story = subscribed(|_| {});
    assert_eq!(
        word(&story.tell(
            2,
            json!({"scheduled": {"recur": {"conversion": 1, "commission": 99, "period": 1, "due": FIRST}}})
        )),
        "recurrence_ended"
    );
    story.tell(
        3,
        json!({"refund": {"external_id": "o1", "amount": null, "refund_id": null}}),
    );
    assert_eq!(
        word(&story.tell(4, recur(1, FIRST))),
        "applied",
        "a refund of the first sale ends nothing"
    );
}

#[test]
fn recurring_commissions_count_towards_the_caps() {
    let mut story = subscribed(|program| program.recurring_cap = Some(2));
    assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
    let one = customer(&mut story).clone();
    assert_eq!(
        (one.counted, one.capped, one.status.as_str()),
        (2, true, "capped")
    );
    assert_eq!(word(&story.tell(3, recur(2, SECOND))), "recurrence_ended");

    let mut story = subscribed(|program| {
        program.recurring_cap = Some(2);
        program.types[0].count_towards_cap = false;
    });
    assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
    assert_eq!(
        word(&story.tell(3, recur(2, SECOND))),
        "applied",
        "a type that does not count"
    );

    let mut story = subscribed(|program| program.recurring_period_days = Some(31));
    assert_eq!(
        word(&story.tell(2, recur(1, FIRST))),
        "applied",
        "the last moment of 31 days"
    );
    assert_eq!(
        word(&story.tell(3, recur(2, SECOND))),
        "recurrence_ended",
        "61 days"
    );
}

#[test]
fn a_deleted_sale_gives_back_what_it_and_its_repetitions_took_of_the_limit() {
    // days since the first sale that the program pays for; the status after the deletion
    for (days, status) in [(None, "active"), (Some(365), "active"), (Some(40), "capped")] {
        let mut story = subscribed(|program| {
            program.recurring_cap = Some(2);
            program.recurring_period_days = days;
        });
        assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
        assert_eq!(customer(&mut story).counted, 2);
        story.tell(3, json!({"edit_conversion": {"conversion": 1, "delete": true}}));
        let one = customer(&mut story);
        assert_eq!(
            (one.counted, one.status.as_str()),
            (0, status),
            "the days since the first sale have passed all the same"
        );
    }
}

#[test]
fn a_recurrence_starts_as_the_program_says() {
    let mut story = subscribed(|program| program.approval = Approval::Hold(30));
    story.tell(2, recur(1, FIRST));
    let held = &story.conversion(1).commissions[2];
    assert_eq!(
        (held.approved, held.final_at, held.kind),
        (None, Some(at(SECOND)), CommissionKind::Recurring)
    );
    let hold = story
        .schedules
        .iter()
        .rfind(|one| one.what == ScheduleKind::Hold)
        .unwrap();
    assert_eq!((hold.subject, hold.due_at), (1, at(SECOND)));
}

fn bonus(target_type: BonusTarget, target: &str, rate: Rate) -> Bonus {
    Bonus {
        identifier: "sales-bonus".into(),
        title: "Sales bonus".into(),
        target_type,
        target: decimal(target),
        rate,
        active: true,
        start_date: None,
        end_date: None,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn due() -> Value {
    json!({"scheduled": {"bonus": {"program": 1, "bonus": "sales-bonus", "affiliate": 2, "month": "2026-08-01"}}})
}

/// August: three conversions of 250 dollars and 1000 yen together.
fn august(awarded: bool) -> MonthlySales {
    MonthlySales {
        month: day("2026-08-01"),
        conversions: 3,
        amounts: vec![
            ("USD".parse().unwrap(), decimal("250")),
            ("JPY".parse().unwrap(), decimal("1000")),
        ],
        awarded,
    }
}

fn with_bonus(bonus: Bonus, sales: &[(u128, MonthlySales)]) -> Story {
    let mut story = Story::in_program(|program| {
        program.approval = Approval::Immediate;
        program.bonuses.push(bonus);
    });
    let of_event = |(id, sales): &(u128, MonthlySales)| (EventId(Uuid::from_u128(*id)), sales.clone());
    story.world.monthly_sales = sales.iter().map(of_event).collect();
    story
}

#[test]
fn a_bonus_needs_its_target_and_its_dates() {
    use BonusTarget::{ConversionAmount, ConversionCount};
    let five = Rate::Fixed(decimal("5"));
    let dated = |start: &str, end: &str| Bonus {
        start_date: Some(day(start)),
        end_date: Some(day(end)),
        ..bonus(ConversionCount, "1", five)
    };
    let inactive = Bonus {
        active: false,
        ..bonus(ConversionCount, "1", five)
    };
    for (bonus, want) in [
        (bonus(ConversionCount, "3", five), "applied"),
        (bonus(ConversionCount, "4", five), "target_missed"),
        (bonus(ConversionAmount, "250", five), "applied"),
        (bonus(ConversionAmount, "250.01", five), "target_missed"),
        (inactive, "target_missed"),
        (dated("2026-08-31", "2026-12-31"), "applied"),
        (dated("2026-09-01", "2026-12-31"), "target_missed"),
        (dated("2026-01-01", "2026-08-01"), "applied"),
        (dated("2026-01-01", "2026-07-31"), "target_missed"),
        (
            Bonus {
                identifier: "other".into(),
                ..bonus(ConversionCount, "1", five)
            },
            "target_missed",
        ),
    ] {
        let mut story = with_bonus(bonus.clone(), &[(1, august(false))]);
        assert_eq!(word(&story.tell(1, due())), want, "{bonus:?}");
        let given = usize::from(want == "applied");
        assert_eq!(
            (
                story.transfers.len(),
                story.awards.len(),
                story.world.bonuses.len()
            ),
            (given, given, given)
        );
    }
}

#[test]
fn a_bonus_is_given_once_and_waits_for_a_person() {
    let fixed = bonus(BonusTarget::ConversionCount, "1", Rate::Fixed(decimal("5")));
    let mut story = with_bonus(fixed, &[(1, august(false)), (2, august(true))]);
    assert_eq!(word(&story.tell(1, due())), "applied");
    assert_eq!(
        story.balance(2),
        "5 0 0",
        "pending, although the program approves at once"
    );
    assert_eq!(word(&story.tell(2, due())), "target_missed", "it was given");
    assert_eq!(word(&story.tell(3, due())), "target_missed", "nothing was sold");
    let edit =
        |change: Value| json!({"edit_commission": {"commission": 1, "approved": true, "amount": change}});
    let unseen = story.tell_as(4, edit("6".into()), |event| {
        event.program_scope = Some(ProgramId(1));
    });
    assert_eq!(word(&unseen), "unknown_commission");
    assert_eq!(word(&story.tell(5, edit("6".into()))), "applied");
    assert_eq!(story.balance(2), "0 6 0");
    assert_eq!(word(&story.tell(6, edit("-1".into()))), "amount_out_of_range");
    let (org, one) = story.world.bonuses.values().next().unwrap();
    assert_eq!(
        (*org, one.kind, one.approved, one.amount),
        (ORG, CommissionKind::Bonus, Some(true), one.gross)
    );
}

#[test]
fn one_batch_gives_a_bonus_once() {
    let fixed = bonus(BonusTarget::ConversionCount, "1", Rate::Fixed(decimal("5")));
    let story = with_bonus(fixed, &[(1, august(false)), (2, august(false))]);
    let body = |id| super::tests::event(id, serde_json::from_value(due()).unwrap());
    let decided = super::decide(vec![body(1), body(2)], story.world).unwrap();
    assert_eq!(super::tests::statuses(&decided), ["applied", "target_missed"]);
    assert_eq!(decided.bonus_awards.len(), 1);
}

#[test]
fn a_percentage_bonus_is_paid_in_each_currency() {
    let percent = bonus(
        BonusTarget::ConversionCount,
        "1",
        Rate::Percentage(decimal("2.5")),
    );
    let mut story = with_bonus(percent, &[(1, august(false))]);
    let outcome = story.tell(1, due());
    let Outcome::Applied(Applied::Commissions(given)) = outcome else {
        panic!("{outcome:?}")
    };
    let given: Vec<_> = given
        .iter()
        .map(|one| {
            (
                one.kind.as_str(),
                one.commission_name.as_str(),
                one.amount,
                one.currency.code(),
                one.conversion,
            )
        })
        .collect();
    assert_eq!(
        given,
        [
            ("bonus", "Sales bonus", decimal("6.25"), "USD", None),
            ("bonus", "Sales bonus", decimal("25"), "JPY", None),
        ]
    );
}
