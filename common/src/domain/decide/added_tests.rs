//! Commissions that are added to a sale: how they start, and when they come again.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    story::{Story, word},
    tests::now,
};
use crate::domain::{
    catalog::{Approval, Program, Recurrence},
    entities::{CommissionKind, ScheduleKind},
};

fn customer() -> Value {
    json!({"identity": {"id": "c1"}, "external_id": "c1", "email": null, "name": null, "meta_data": {}})
}

/// A sale of 100 by `first`, whose parent is paid, too.
fn sale(order: &str, customer: &Value) -> Value {
    json!({"create_conversion": {"external_id": order, "attribution": {"coupon": "first"}, "amount": "100",
        "occurred_at": now() - TimeDelta::days(1), "customer": customer}})
}

fn add(conversion: i64, kind: &str) -> Value {
    let line = json!({"sub_amount": "50", "commission_type": kind, "comment": null});
    json!({"add_commissions": {"conversion": conversion, "lines": [line]}})
}

/// Types of 10 percent that come again weekly and monthly, approved at once.
fn recurring(program: &mut Program) {
    program.terms.first.approval = Approval::Immediate;
    for (identifier, recurrence) in [("weekly", Recurrence::Weekly), ("monthly", Recurrence::Monthly)] {
        let mut kind = program.types[0].clone();
        kind.identifier = identifier.into();
        kind.recurrence = recurrence;
        program.types.push(kind);
    }
}

fn recur(commission: i64, period: i32, after: TimeDelta) -> Value {
    json!({"scheduled": {"recur": {"conversion": 1, "commission": commission, "period": period, "due": now() + after}}})
}

/// The latest repetition that is planned for a commission: its number, and how long after the addition it is due.
fn planned(story: &Story, commission: i64) -> Option<(i32, TimeDelta)> {
    let of = |schedule: &&crate::domain::entities::Schedule| {
        schedule.what == ScheduleKind::Recurrence && schedule.subject == commission
    };
    let last = story.schedules.iter().rfind(of);
    last.map(|schedule| (schedule.period, schedule.due_at - now()))
}

#[test]
fn an_added_commission_comes_again_counted_from_its_addition() {
    let week = TimeDelta::weeks(1);
    let mut story = Story::in_program(recurring);
    story.tell(1, sale("o1", &customer()));
    assert_eq!(word(&story.tell(2, add(1, "standard"))), "applied");
    assert_eq!(planned(&story, 3), None);
    assert_eq!(word(&story.tell(3, add(1, "weekly"))), "applied");
    assert_eq!(planned(&story, 5), Some((1, week)));
    assert_eq!(planned(&story, 6), None, "the parent's comes with the seller's");
    assert_eq!(word(&story.tell(4, recur(5, 1, week))), "applied");
    assert_eq!(planned(&story, 5), Some((2, week * 2)));
    assert_eq!(story.amounts(1), ["10", "5", "5", "2.5", "5", "2.5", "5", "2.5"]);
    let again = &story.conversion(1).commissions[6];
    assert_eq!(
        (again.kind, again.created_at, again.approved),
        (CommissionKind::Recurring, now() + week, Some(true))
    );
    assert_eq!(planned(&story, 7), None, "a repetition starts no row of its own");
    story.tell(5, json!({"chargeback": {"external_id": "o1"}}));
    assert_eq!(word(&story.tell(6, recur(5, 2, week * 2))), "recurrence_skipped");
    assert_eq!(planned(&story, 5), Some((3, week * 3)));
    story.tell(7, json!({"chargeback": {"external_id": "o1", "reversed": true}}));
    assert_eq!(word(&story.tell(8, recur(5, 3, week * 3))), "applied");
    // 2026-09-21 and a month.
    assert_eq!(word(&story.tell(9, add(1, "monthly"))), "applied");
    let added = story.conversion(1).commissions[10].id.0;
    assert_eq!(planned(&story, added), Some((1, TimeDelta::days(30))));
}

#[test]
fn what_nobody_could_end_does_not_come_again() {
    let mut story = Story::in_program(recurring);
    story.tell(1, sale("o1", &Value::Null));
    assert_eq!(word(&story.tell(2, add(1, "weekly"))), "applied");
    assert_eq!(story.schedules, []);
}

/// How the commissions that were added last stand.
fn added_last(story: &Story, conversion: i64) -> [Option<bool>; 2] {
    let commissions = &story.conversion(conversion).commissions;
    let [.., seller, parent] = commissions.as_slice() else {
        panic!("{commissions:?}")
    };
    assert_eq!(seller.finalised_at, None);
    [seller.approved, parent.approved]
}

#[test]
fn what_is_added_to_a_disapproved_sale_starts_disapproved() {
    let by_status = json!({"update_conversion": {"external_id": "o1", "status": "disapproved"}});
    let one_by_one = json!({"edit_commission": {"commission": 1, "approved": false}});
    let only_the_parents = json!({"edit_commission": {"commission": 2, "approved": false}});
    let (gone, at_once) = ([Some(false); 2], [Some(true); 2]);
    for (change, want) in [(by_status, gone), (one_by_one, gone), (only_the_parents, at_once)] {
        let mut story = Story::in_program(recurring);
        story.tell(1, sale("o1", &customer()));
        let before = story.balance(1);
        assert_eq!(before, "0 10 0");
        story.tell(2, change.clone());
        story.tell(3, add(1, "standard"));
        assert_eq!(added_last(&story, 1), want, "{change}");
        // Approved again, what is added starts as the program says.
        story.tell(
            4,
            json!({"update_conversion": {"external_id": "o1", "status": "approved"}}),
        );
        assert_eq!(story.balance(1), "0 15 0");
        story.tell(5, add(1, "standard"));
        assert_eq!(added_last(&story, 1), at_once);
    }
}

#[test]
fn what_is_added_to_a_capped_sale_waits_for_a_person() {
    for approval in [Approval::Immediate, Approval::Hold(3)] {
        let mut story = Story::in_program(|program| {
            recurring(program);
            program.terms.first.recurring_cap = Some(1);
            program.terms.first.approval = approval;
        });
        story.tell(1, sale("o1", &customer()));
        story.tell(2, sale("o2", &customer()));
        assert!(story.conversion(2).commissions.is_empty(), "beyond the limit");
        let holds = story.schedules.len();
        story.tell(3, add(2, "standard"));
        assert_eq!(added_last(&story, 2), [None, None]);
        assert_eq!(story.schedules.len(), holds, "and no hold ends it");
        story.tell(
            4,
            json!({"update_conversion": {"external_id": "o2", "status": "disapproved"}}),
        );
        story.tell(5, add(2, "standard"));
        assert_eq!(added_last(&story, 2), [Some(false); 2]);
    }
}

/// A capped sale that was disapproved has no commission that tells.
#[test]
fn the_status_of_a_sale_without_commissions_is_its_latest_word() {
    let mut story = Story::in_program(|program| program.terms.first.recurring_cap = Some(1));
    story.tell(1, sale("o1", &customer()));
    story.tell(2, sale("o2", &customer()));
    story.tell(
        3,
        json!({"update_conversion": {"external_id": "o2", "status": "disapproved"}}),
    );
    story.tell(4, add(2, "standard"));
    assert_eq!(added_last(&story, 2), [Some(false); 2]);
}
