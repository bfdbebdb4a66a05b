//! Money after the sale, by example.

use serde_json::{Value, json};

use super::{
    story::{Story, word},
    tests::decimal,
};
use crate::domain::{
    Applied, Outcome, ProgramId, RefundView,
    catalog::{Approval, CommissionType, Rate, Recurrence},
};

pub(super) fn sale(order: &str, coupon: &str, amount: &str) -> Value {
    json!({"create_conversion": {"external_id": order, "attribution": {"coupon": coupon}, "amount": amount}})
}

pub(super) fn refund(amount: Option<&str>, id: Option<&str>) -> Value {
    json!({"refund": {"external_id": "o1", "amount": amount, "refund_id": id}})
}

pub(super) fn update(amount: Option<&str>, status: Option<&str>) -> Value {
    json!({"update_conversion": {"external_id": "o1", "amount": amount, "status": status}})
}

fn chargeback(reversed: bool) -> Value {
    json!({"chargeback": {"external_id": "o1", "reversed": reversed}})
}

pub(super) fn edit_commission(id: i64, change: Value) -> Value {
    let mut edit = change;
    edit["commission"] = id.into();
    json!({"edit_commission": edit})
}

pub(super) fn edit(change: Value) -> Value {
    let mut edit = change;
    edit["conversion"] = 1.into();
    json!({"edit_conversion": edit})
}

/// A sale of 100 by `second`, who has no parent.
pub(super) fn sold() -> Story {
    let mut story = Story::new();
    assert_eq!(word(&story.tell(10, sale("o1", "second", "100"))), "applied");
    assert_eq!(story.balance(2), "10 0 0");
    story
}

pub(super) fn refunded(outcome: Outcome) -> RefundView {
    match outcome {
        Outcome::Applied(Applied::Refund(view)) => *view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_thirds_of_a_sale_end_at_zero() {
    let mut story = Story::new();
    story.tell(1, sale("o1", "second", "99.99"));
    for (id, left) in [(2, "6.67"), (3, "3.33"), (4, "0")] {
        let view = refunded(story.tell(id, refund(Some("33.33"), Some(left))));
        assert_eq!(story.amounts(1), [left]);
        assert_eq!((view.is_full, view.is_repeat), (left == "0", false));
    }
    assert_eq!(story.balance(2), "0 0 0");
    assert!(
        refunded(story.tell(5, refund(None, None))).is_repeat,
        "nothing was left"
    );
}

#[test]
fn refunds_of_every_kind() {
    for (name, sale_amount, refunds, want) in [
        ("all that is left", "100", vec![(None, None)], "0"),
        (
            "equal amounts without an id are one refund",
            "100",
            vec![(Some("30"), None), (Some("30.00"), None)],
            "7",
        ),
        (
            "one with an id and one without are two",
            "100",
            vec![(Some("30"), Some("r")), (Some("30"), None)],
            "4",
        ),
        (
            "lines that an import of the version before named are known by their amounts",
            "100",
            vec![(Some("30"), Some("import:00ff:1")), (Some("30"), None)],
            "7",
        ),
        (
            "the same id is one refund",
            "100",
            vec![(Some("30"), Some("r")), (Some("30"), Some("r"))],
            "7",
        ),
        (
            "two ids are two",
            "100",
            vec![(Some("30"), Some("r")), (Some("30"), Some("s"))],
            "4",
        ),
        ("more than the sale", "100", vec![(Some("1000"), None)], "0"),
        (
            "parts that exceed it together",
            "100",
            vec![(Some("70"), None), (Some("71"), None)],
            "0",
        ),
        ("half a cent stays", "0.1", vec![(Some("0.05"), None)], "0.01"),
        (
            "a tenth of a cent more and it goes",
            "0.1",
            vec![(Some("0.051"), None)],
            "0",
        ),
    ] {
        let mut story = Story::new();
        story.tell(1, sale("o1", "second", sale_amount));
        for (id, (amount, key)) in (2..).zip(refunds) {
            assert_eq!(word(&story.tell(id, refund(amount, key))), "applied", "{name}");
        }
        assert_eq!(story.amounts(1), [want], "{name}");
    }
}

#[test]
fn any_refund_of_a_sale_of_nothing_is_full() {
    let mut story = Story::new();
    let mut create = sale("o1", "second", "0");
    create["create_conversion"]["commission"] = "5".into();
    story.tell(1, create);
    assert_eq!(story.balance(2), "5 0 0");
    let view = refunded(story.tell(2, refund(Some("0.01"), None)));
    assert_eq!((view.deducted, view.is_full), (decimal("5"), true));
    assert_eq!(story.balance(2), "0 0 0");
}

#[test]
fn a_refund_stays_when_the_amount_changes() {
    let mut story = sold();
    story.tell(11, refund(Some("50"), None));
    story.tell(12, update(Some("200"), None));
    assert_eq!(story.amounts(1), ["15"], "150 of 200 are left");
    story.tell(13, update(Some("40"), None));
    assert_eq!(story.amounts(1), ["0"], "50 of 40 were given back");
}

#[test]
fn recalculation_leaves_no_drift() {
    let mut story = Story::new();
    let lines = json!([{"sub_amount": "33.33"}, {"sub_amount": "33.33"}, {"sub_amount": "33.34"}]);
    story.tell(1, json!({"create_conversion": {"external_id": "o1", "attribution": {"coupon": "second"}, "amount": "100", "lines": lines}}));
    let first = (story.amounts(1), story.balance(2));
    assert_eq!(
        first.0,
        ["3.33", "3.33", "3.33"],
        "each line is rounded by itself"
    );
    for (id, amount) in (2..).zip(["0.01", "77.77", "0", "1000000000000", "0.000001", "100"]) {
        assert_eq!(
            word(&story.tell(id, update(Some(amount), None))),
            "applied",
            "{amount}"
        );
    }
    assert_eq!((story.amounts(1), story.balance(2)), first);
    assert_eq!(story.conversion(1).commissions[2].sub_amount, decimal("33.34"));
}

#[test]
fn a_commission_is_pending_approved_or_disapproved() {
    let mut story = sold();
    for (id, status, want) in [
        (11, "approved", "0 10 0"),
        (12, "approved", "0 10 0"),
        (13, "disapproved", "0 0 0"),
        (14, "approved", "0 10 0"),
        (9, "disapproved", "0 10 0"),
    ] {
        assert_eq!(word(&story.tell(id, update(None, Some(status)))), "applied");
        assert_eq!(
            story.balance(2),
            want,
            "{status} by {id}; an older event does not overwrite a newer one"
        );
    }
    let codes: Vec<&str> = story
        .transfers
        .iter()
        .map(|transfer| transfer.code.name())
        .collect();
    assert_eq!(codes, ["accrual", "approval", "reversal", "accrual"]);
}

#[test]
fn the_latest_word_of_the_bank_counts() {
    let mut story = sold();
    story.tell(11, refund(Some("33.33"), None));
    for (id, reversed, want) in [
        (12, false, "0"),
        (14, true, "6.67"),
        (13, false, "6.67"),
        (15, false, "0"),
        (16, true, "6.67"),
    ] {
        story.tell(id, chargeback(reversed));
        assert_eq!(story.amounts(1), [want], "{id}");
    }
    assert_eq!(story.balance(2), "6.67 0 0");
}

#[test]
fn an_edit_keeps_commissions_unless_it_recalculates() {
    let mut story = sold();
    let outcome = story.tell(20, edit(json!({"amount": "17.95", "meta_data": {"baz": "qux"}})));
    let Outcome::Applied(Applied::Conversion(view)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (view.amount, view.commissions[0].amount),
        (decimal("17.95"), decimal("10"))
    );
    assert_eq!(json!(view.meta_data), json!({"baz": "qux"}));
    story.tell(21, edit(json!({"amount": "20", "recalculate": true})));
    assert_eq!(
        (story.amounts(1), story.balance(2)),
        (vec!["2".to_owned()], "2 0 0".to_owned())
    );
    story.tell(
        19,
        edit(json!({"amount": "500", "recalculate": true, "meta_data": {}})),
    );
    assert_eq!(story.amounts(1), ["2"], "an older edit comes late");
    assert_eq!(json!(story.conversion(1).meta_data), json!({"baz": "qux"}));
    story.tell(18, update(Some("500"), None));
    assert_eq!(story.amounts(1), ["2"], "an older update comes late");
    for amount in ["-0.01", "1000000000000.01"] {
        assert_eq!(
            word(&story.tell(30, edit(json!({"amount": amount})))),
            "amount_out_of_range"
        );
    }
}

/// seed: REST 1.6, `conversion_sub_amount`: the new value for the commission and its conversion.
#[test]
fn a_new_part_of_the_sale_changes_the_sale() {
    let mut story = sold();
    story.tell(11, edit_commission(1, json!({"sub_amount": "50"})));
    assert_eq!(
        (story.conversion(1).amount, story.amounts(1)),
        (decimal("50"), vec!["5".to_owned()])
    );
    // Half of the sale as it is now.
    story.tell(12, refund(Some("25"), None));
    assert_eq!(
        (story.amounts(1), story.balance(2)),
        (vec!["2.5".to_owned()], "2.5 0 0".to_owned())
    );
    story.tell(13, edit_commission(1, json!({"sub_amount": "60", "amount": "8"})));
    assert_eq!(
        story.conversion(1).amount,
        decimal("60"),
        "again, and an exact amount wins for the commission"
    );
    story.tell(14, edit_commission(1, json!({"amount": "3"})));
    assert_eq!(
        story.conversion(1).amount,
        decimal("60"),
        "an exact amount changes no sale"
    );
}

#[test]
fn one_part_of_several_changes_the_sale_by_its_difference() {
    let mut story = Story::new();
    let lines = json!([{"sub_amount": "30"}, {"sub_amount": "60"}]);
    story.tell(10, json!({"create_conversion": {"external_id": "o1", "attribution": {"coupon": "second"}, "amount": "100", "lines": lines}}));
    story.tell(11, edit_commission(1, json!({"sub_amount": "10"})));
    assert_eq!(
        (story.conversion(1).amount, story.amounts(1)),
        (decimal("80"), vec!["1".to_owned(), "6".to_owned()])
    );
    story.tell(12, edit_commission(2, json!({"sub_amount": "0"})));
    assert_eq!(story.conversion(1).amount, decimal("20"));
    // An older change of a part is no later word on the amount.
    story.tell(9, edit_commission(1, json!({"sub_amount": "500"})));
    assert_eq!(story.conversion(1).amount, decimal("20"));
    let too_large = edit_commission(1, json!({"sub_amount": "1000000000000"}));
    assert_eq!(word(&story.tell(13, too_large)), "applied");
}

#[test]
fn an_order_gets_another_name_if_nobody_has_it() {
    let mut story = sold();
    story.tell(11, sale("o2", "second", "50"));
    let taken = story.tell(
        12,
        edit(json!({"external_id": "o2", "amount": "1", "recalculate": true})),
    );
    assert_eq!(
        (word(&taken), story.balance(2).as_str()),
        ("duplicate_order", "15 0 0")
    );
    assert_eq!(
        word(&story.tell(13, edit(json!({"external_id": "o1"})))),
        "applied",
        "its own name"
    );
    assert_eq!(
        word(&story.tell(14, edit(json!({"external_id": "o3"})))),
        "applied"
    );
    assert_eq!(
        word(&story.tell(15, refund(None, None))),
        "parked",
        "nothing is called o1 any more"
    );
    assert_eq!(
        word(&story.tell(16, sale("o3", "second", "1"))),
        "duplicate_order"
    );
    assert_eq!(word(&story.tell(17, sale("o1", "second", "70"))), "applied");
    assert_eq!(story.balance(2), "15 0 0", "the refund waited for the next o1");
}

#[test]
fn a_deleted_conversion_is_as_if_it_had_not_been() {
    let mut story = Story::in_program(|program| program.terms.first.recurring_cap = Some(1));
    let mut create = sale("o1", "first", "100");
    create["create_conversion"]["customer"] =
        json!({"identity": {"id": "c1"}, "external_id": "c1", "email": null, "name": null, "meta_data": {}});
    story.tell(1, create.clone());
    story.tell(2, update(None, Some("approved")));
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 10 0".into(), "0 5 0".into())
    );
    assert_eq!(word(&story.tell(3, edit(json!({"delete": true})))), "applied");
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 0 0".into(), "0 0 0".into())
    );
    for body in [
        edit(json!({"delete": true})),
        edit(json!({"amount": "1"})),
        json!({"add_commissions": {"conversion": 1, "lines": [{"sub_amount": "1"}]}}),
    ] {
        assert_eq!(word(&story.tell(4, body)), "unknown_order");
        story.world.events.clear();
    }
    assert_eq!(
        word(&story.tell(5, edit_commission(1, json!({"approved": true})))),
        "unknown_commission"
    );
    assert_eq!(word(&story.tell(6, create)), "applied", "the order id is free");
    assert_eq!(
        story.balance(1),
        "10 0 0",
        "and the customer is below the cap again"
    );
}

#[test]
fn added_commissions_have_levels_and_do_not_follow_the_amount() {
    let mut story = Story::in_program(|program| program.types.push(low()));
    story.tell(1, sale("o1", "first", "100"));
    let lines =
        json!([{"sub_amount": "50", "commission_type": "low", "comment": "Awesome!"}, {"sub_amount": "1"}]);
    let outcome = story.tell(2, json!({"add_commissions": {"conversion": 1, "lines": lines}}));
    let Outcome::Applied(Applied::Commissions(added)) = outcome else {
        panic!("{outcome:?}")
    };
    let added: Vec<_> = added
        .iter()
        .map(|commission| {
            (
                commission.kind.as_str(),
                commission.amount.to_string(),
                commission.comment.as_deref(),
            )
        })
        .collect();
    let want = [
        ("regular", "2".to_owned(), Some("Awesome!")),
        ("level", "2.5".to_owned(), None),
        ("regular", "0.1".to_owned(), None),
        ("level", "0.05".to_owned(), None),
    ];
    assert_eq!(added, want);
    assert_eq!(story.conversion(1).trace.rules.len(), 6);
    story.tell(3, update(Some("200"), None));
    assert_eq!(story.amounts(1), ["20", "10", "2", "2.5", "0.1", "0.05"]);
    story.tell(4, refund(Some("100"), None));
    assert_eq!(
        story.amounts(1),
        ["10", "5", "1", "1.25", "0.05", "0.03"],
        "refunds take their share of all"
    );
    for (lines, want) in [
        (
            json!([{"sub_amount": "1"}, {"sub_amount": "1", "commission_type": "nope"}]),
            "unknown_commission_type",
        ),
        (
            json!([{"sub_amount": "1"}, {"sub_amount": "-1"}]),
            "amount_out_of_range",
        ),
        (json!([{"sub_amount": "1000000000000.01"}]), "amount_out_of_range"),
    ] {
        let before = story.transfers.len();
        let body = json!({"add_commissions": {"conversion": 1, "lines": lines}});
        assert_eq!(word(&story.tell(10, body)), want);
        story.world.events.clear();
        assert_eq!(
            (story.transfers.len(), story.amounts(1).len()),
            (before, 6),
            "all or none"
        );
    }
}

fn low() -> CommissionType {
    CommissionType {
        identifier: "low".into(),
        title: "low".into(),
        valid_from: None,
        rate: Rate::Percentage(decimal("4")),
        group_overrides: Vec::new(),
        recurrence: Recurrence::Once,
        count_towards_cap: true,
        retired: false,
    }
}

#[test]
fn one_commission_is_changed_alone() {
    let mut story = Story::new();
    story.tell(10, sale("o1", "first", "100"));
    for (id, change, balance, parents) in [
        (11, json!({"approved": true}), "0 10 0", "5 0 0"),
        (12, json!({"approved": true}), "0 10 0", "5 0 0"),
        (13, json!({"amount": "30.555"}), "0 30.56 0", "5 0 0"),
        (14, json!({"comment": "returned"}), "0 30.56 0", "5 0 0"),
        (15, json!({"sub_amount": "50.01"}), "0 5 0", "5 0 0"),
        (
            16,
            json!({"sub_amount": "70", "amount": "9", "approved": false}),
            "0 0 0",
            "5 0 0",
        ),
        (17, json!({"approved": true}), "0 9 0", "5 0 0"),
    ] {
        assert_eq!(word(&story.tell(id, edit_commission(1, change))), "applied");
        assert_eq!(
            (story.balance(1).as_str(), story.balance(2).as_str()),
            (balance, parents),
            "{id}"
        );
    }
    let commission = &story.conversion(1).commissions[0];
    assert_eq!(
        (commission.sub_amount, commission.comment.as_deref()),
        (decimal("70"), Some("returned"))
    );
    story.tell(18, update(Some("1000"), None));
    assert_eq!(
        story.amounts(1),
        ["9", "50"],
        "what a person has said does not follow the amount"
    );
    story.tell(19, refund(Some("500"), None));
    assert_eq!(story.amounts(1), ["4.5", "25"]);
    for (id, change, want) in [
        (1, json!({"amount": "-0.01"}), "amount_out_of_range"),
        (1, json!({"amount": "1000000000000.01"}), "amount_out_of_range"),
        (
            1,
            json!({"sub_amount": "-1", "approved": false}),
            "amount_out_of_range",
        ),
        (999, json!({"approved": true}), "unknown_commission"),
    ] {
        assert_eq!(word(&story.tell(30, edit_commission(id, change))), want);
        story.world.events.clear();
    }
    assert_eq!(story.balance(1), "0 4.5 0");
    assert_eq!(
        word(&story.tell(31, edit_commission(1, json!({"amount": "1000000000000"})))),
        "applied"
    );
}

#[test]
fn a_key_of_another_program_sees_nothing() {
    let mut story = sold();
    for (id, body, want) in [
        (11, edit(json!({"amount": "1"})), "unknown_order"),
        (12, edit(json!({"delete": true})), "unknown_order"),
        (
            13,
            json!({"add_commissions": {"conversion": 1, "lines": [{"sub_amount": "1"}]}}),
            "unknown_order",
        ),
        (
            14,
            edit_commission(1, json!({"approved": true})),
            "unknown_commission",
        ),
        (15, refund(None, None), "unknown_order"),
    ] {
        let outcome = story.tell_as(id, body, |event| event.program_scope = Some(ProgramId(2)));
        assert_eq!(word(&outcome), want);
    }
    assert_eq!(story.balance(2), "10 0 0");
    let own = story.tell_as(16, refund(None, None), |event| {
        event.program_scope = Some(ProgramId(1));
    });
    assert_eq!(word(&own), "applied");
}

#[test]
fn amounts_beyond_the_limits_are_refused_and_leave_nothing_behind() {
    let mut story = Story::in_program(|program| program.types[0].rate = Rate::Percentage(decimal("1000")));
    story.tell(1, sale("o1", "first", "100000000000"));
    assert_eq!(story.balance(1), "1000000000000 0 0");
    for body in [
        update(Some("100000000000.01"), Some("approved")),
        update(Some("1000000000000.01"), None),
        update(Some("-1"), None),
        edit(json!({"amount": "100000000000.01", "recalculate": true})),
        edit_commission(1, json!({"sub_amount": "100000000000.01"})),
        sale("o2", "first", "100000000000.01"),
        sale("o2", "first", "1000000000000.01"),
    ] {
        assert_eq!(word(&story.tell(2, body)), "amount_out_of_range");
        story.world.events.clear();
        assert_eq!(story.balance(1), "1000000000000 0 0");
        assert_eq!(story.conversion(1).amount, decimal("100000000000"));
    }
}

#[test]
fn a_program_may_approve_at_once_and_money_stays_exact_there() {
    let mut story = Story::in_program(|program| program.terms.first.approval = Approval::Immediate);
    story.tell(1, sale("o1", "first", "0.15"));
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 0.02 0".into(), "0 0.01 0".into())
    );
    story.tell(2, refund(Some("0.07"), None));
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 0.01 0".into(), "0 0 0".into())
    );
    story.tell(3, refund(Some("0.08"), None));
    assert_eq!(
        (story.balance(1), story.balance(2)),
        ("0 0 0".into(), "0 0 0".into())
    );
}
