//! What falls due by itself, by example: holds and recurring commissions.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    story::{Story, word},
    tests::{catalog_mut, decimal, now},
};
use crate::domain::{
    Applied, Outcome, ProgramId,
    catalog::{Approval, Program, Rate, Recurrence},
    entities::{CommissionKind, Customer, ScheduleKind},
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
    let mut story = Story::in_program(|program| program.terms.first.approval = Approval::Hold(30));
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
    let mut story = Story::in_program(|program| program.terms.first.approval = Approval::Hold(10));
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
    assert_eq!(
        story.schedules.last().map(|schedule| schedule.due_at),
        Some(later)
    );
    story.world.now = later;
    story.tell(4, hold_ends());
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 11 0".into(), "0 5.5 0".into())
    );
}

#[test]
fn a_hold_does_nothing_for_a_conversion_that_is_gone() {
    let mut story = Story::in_program(|program| program.terms.first.approval = Approval::Hold(0));
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
    program.terms.first.approval = Approval::Immediate;
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
            .map(|schedule| (schedule.subject, schedule.period, schedule.due_at))
    };
    assert_eq!(planned(&story), Some((1, 1, at(FIRST))));
    let outcome = story.tell(2, recur(1, FIRST));
    let Outcome::Applied(Applied::Commissions(added)) = outcome else {
        panic!("{outcome:?}")
    };
    let added: Vec<_> = added
        .iter()
        .map(|commission| (commission.kind.as_str(), commission.amount, commission.created_at))
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

/// Something that happens to a recurrence.
type End = Box<dyn FnOnce(&mut Story)>;

#[test]
fn a_recurrence_ends_with_its_sale_or_its_customer() {
    let deleted = |story: &mut Story| customer(story).deleted_at = Some(at(START));
    let canceled = |story: &mut Story| customer(story).canceled = true;
    let tell = |body: Value| move |story: &mut Story| drop(story.tell(2, body));
    let ends: Vec<(&str, End)> = vec![
        ("a deleted customer", Box::new(deleted)),
        ("a cancelled customer", Box::new(canceled)),
        (
            "a deleted sale",
            Box::new(tell(
                json!({"edit_conversion": {"conversion": 1, "delete": true}}),
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
        json!({"refund": {"external_id": "o1", "amount": "99.99", "refund_id": null}}),
    );
    assert_eq!(
        word(&story.tell(4, recur(1, FIRST))),
        "applied",
        "a refund of a part ends nothing"
    );
    assert_eq!(story.amounts(1), ["0", "0", "10", "5"]);
    let planned = story.schedules.len();
    story.tell(
        5,
        json!({"refund": {"external_id": "o1", "amount": null, "refund_id": null}}),
    );
    assert_eq!(
        word(&story.tell(6, recur(2, SECOND))),
        "recurrence_ended",
        "a refund of all that was left is for good"
    );
    assert_eq!(story.schedules.len(), planned, "nothing is planned any more");
    assert_eq!(
        story.amounts(1),
        ["0", "0", "10", "5"],
        "what came before it stays"
    );
}

#[test]
fn a_recurrence_passes_over_what_may_pass() {
    let capped = || subscribed(|program| program.terms.first.recurring_cap = Some(1));
    let reversal = || json!({"chargeback": {"external_id": "o1", "reversed": true}});
    let judged = |approved: bool| json!({"edit_commission": {"commission": 1, "approved": approved}});
    let told = |body: Value| -> End { Box::new(move |story| drop(story.tell(9, body))) };
    let raised: End = Box::new(|story| {
        let catalog = catalog_mut(&mut story.world);
        let mut program = catalog.program(ProgramId(1)).unwrap().clone();
        program.terms.first.recurring_cap = Some(5);
        catalog.add_program(program);
    });
    let cases: Vec<(&str, Story, Option<Value>, End)> = vec![
        (
            "a chargeback",
            subscribed(|_| {}),
            Some(json!({"chargeback": {"external_id": "o1"}})),
            told(reversal()),
        ),
        (
            "partial refunds of all of it",
            subscribed(|_| {}),
            Some(json!({"refund": {"external_id": "o1", "amount": "100", "refund_id": null}})),
            told(json!({"update_conversion": {"external_id": "o1", "amount": "150"}})),
        ),
        (
            "disapproved",
            subscribed(|_| {}),
            Some(judged(false)),
            told(judged(true)),
        ),
        ("a limit", capped(), None, raised),
    ];
    for (name, mut story, event, undo) in cases {
        if let Some(event) = event {
            story.tell(2, event);
        }
        let (posted, lines) = (story.transfers.len(), story.conversion(1).commissions.len());
        assert_eq!(
            word(&story.tell(3, recur(1, FIRST))),
            "recurrence_skipped",
            "{name}"
        );
        assert_eq!(
            (story.transfers.len(), story.conversion(1).commissions.len()),
            (posted, lines)
        );
        let next = story.schedules.last().unwrap();
        assert_eq!((next.period, next.due_at), (2, at(SECOND)), "{name}");
        undo(&mut story);
        assert_eq!(word(&story.tell(10, recur(2, SECOND))), "applied", "{name}");
    }
}

#[test]
fn the_next_repetition_is_counted_in_the_units_that_hold_then() {
    let mut story = subscribed(|_| {});
    let catalog = catalog_mut(&mut story.world);
    let mut program = catalog.program(ProgramId(1)).unwrap().clone();
    program.types[0].recurrence = Recurrence::Yearly;
    catalog.add_program(program);
    assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
    let next = story.schedules.last().unwrap();
    assert_eq!((next.period, next.due_at), (2, at("2027-07-31T12:00:00Z")));
}

/// A sale of two lines that come again together.
#[test]
fn the_lines_of_a_sale_count_once_when_they_fall_due() {
    let mut story = Story::in_program(|program| {
        monthly(program);
        program.terms.first.recurring_cap = Some(2);
    });
    let mut two = sale("o1", START, None);
    let line = json!({"sub_amount": "50", "commission_type": null, "comment": null});
    two["create_conversion"]["lines"] = json!([line, line]);
    assert_eq!(word(&story.tell(1, two)), "applied");
    let started: Vec<_> = story.schedules.iter().map(|schedule| schedule.subject).collect();
    assert_eq!(started.len(), 2);
    let again = |commission: i64, period: u32, due: &str| json!({"scheduled": {"recur": {"conversion": 1, "commission": commission, "period": period, "due": due}}});
    for (id, commission) in (2..).zip(&started) {
        assert_eq!(word(&story.tell(id, again(*commission, 1, FIRST))), "applied");
    }
    let capped = customer(&mut story);
    assert_eq!(
        (capped.own.counted_towards_cap, capped.status.as_str()),
        (2, "capped")
    );
    for (id, commission) in (4..).zip(&started) {
        assert_eq!(
            word(&story.tell(id, again(*commission, 2, SECOND))),
            "recurrence_skipped"
        );
    }
}

#[test]
fn repetitions_rest_on_what_their_sale_rests_on() {
    let repeated = |authenticated: bool, binding: bool| {
        let mut story = Story::in_program(|program| {
            monthly(program);
            program.terms.first.approval = Approval::Immediate;
        });
        story.tell_as(1, sale("o1", START, None), |event| {
            event.authenticated = authenticated;
        });
        let conversion = story.world.conversions.values_mut().next().unwrap();
        conversion.trace.unauthenticated_binding = !binding;
        assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
        let counted = customer(&mut story).own.counted_towards_cap;
        let kinds = story.conversion(1).commissions.clone();
        let repeated = kinds
            .iter()
            .find(|commission| commission.kind == CommissionKind::Recurring);
        (repeated.unwrap().approved, counted)
    };
    assert_eq!(repeated(true, true), (Some(true), 2));
    assert_eq!(
        repeated(true, false),
        (None, 2),
        "the binding was unauthenticated: a person decides"
    );
    assert_eq!(
        repeated(false, true),
        (None, 0),
        "and an unauthenticated sale uses up no limit"
    );
}

#[test]
fn recurring_commissions_count_towards_the_caps() {
    let mut story = subscribed(|program| program.terms.first.recurring_cap = Some(2));
    assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
    let capped = customer(&mut story).clone();
    assert_eq!(
        (
            capped.own.counted_towards_cap,
            capped.own.capped,
            capped.status.as_str()
        ),
        (2, true, "capped")
    );
    assert_eq!(word(&story.tell(3, recur(2, SECOND))), "recurrence_skipped");

    let mut story = subscribed(|program| {
        program.terms.first.recurring_cap = Some(2);
        program.types[0].count_towards_cap = false;
    });
    assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
    assert_eq!(
        word(&story.tell(3, recur(2, SECOND))),
        "applied",
        "a type that does not count"
    );

    let mut story = subscribed(|program| program.terms.first.recurring_period_days = Some(31));
    assert_eq!(
        word(&story.tell(2, recur(1, FIRST))),
        "applied",
        "the last moment of 31 days"
    );
    assert_eq!(
        word(&story.tell(3, recur(2, SECOND))),
        "recurrence_skipped",
        "61 days"
    );
}

#[test]
fn a_deleted_sale_gives_back_what_it_and_its_repetitions_took_of_the_limit() {
    // days since the first sale that the program pays for; the status after the deletion
    for (days, status) in [(None, "active"), (Some(365), "active"), (Some(40), "capped")] {
        let mut story = subscribed(|program| {
            program.terms.first.recurring_cap = Some(2);
            program.terms.first.recurring_period_days = days;
        });
        assert_eq!(word(&story.tell(2, recur(1, FIRST))), "applied");
        assert_eq!(customer(&mut story).own.counted_towards_cap, 2);
        story.tell(3, json!({"edit_conversion": {"conversion": 1, "delete": true}}));
        let capped = customer(&mut story);
        assert_eq!(
            (capped.own.counted_towards_cap, capped.status.as_str()),
            (0, status),
            "the days since the first sale have passed all the same"
        );
    }
}

#[test]
fn a_recurrence_starts_as_the_program_says() {
    let mut story = subscribed(|program| program.terms.first.approval = Approval::Hold(30));
    story.tell(2, recur(1, FIRST));
    let held = &story.conversion(1).commissions[2];
    assert_eq!(
        (held.approved, held.finalised_at, held.kind),
        (None, Some(at(SECOND)), CommissionKind::Recurring)
    );
    let hold = story
        .schedules
        .iter()
        .rfind(|schedule| schedule.what == ScheduleKind::Hold)
        .unwrap();
    assert_eq!((hold.subject, hold.due_at), (1, at(SECOND)));
}
