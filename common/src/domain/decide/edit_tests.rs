//! What people change by hand: one property of meta data, and what was there before a change.

use serde_json::{Value, json};

use super::{
    Body, Decisions, decide,
    story::{Story, word},
    tests::{decimal, event},
};
use crate::domain::{Applied, MAX_META_PROPERTIES, ProgramId};

/// A sale `o1` of 100 by `second` to `buyer`.
fn sold() -> Story {
    let mut story = Story::new();
    let customer = json!({"identity": {"id": "buyer"}, "external_id": "buyer"});
    let sale = json!({"create_conversion": {
        "external_id": "o1", "attribution": {"coupon": "second"}, "amount": "100", "customer": customer,
    }});
    assert_eq!(word(&story.tell(10, sale)), "applied");
    story
}

/// The events that change one property, of a conversion and of a customer.
fn changes(change: &Value) -> [Value; 2] {
    [
        json!({"edit_conversion": {"conversion": 1, "meta_change": change}}),
        json!({"update_customer": {"customer": {"id": "buyer"}, "meta_change": change}}),
    ]
}

fn set(key: &str, value: &str) -> Value {
    json!({"set": {"key": key, "value": value}})
}

fn meta_data(story: &Story) -> [Value; 2] {
    let customer = story.world.customers.values().next().unwrap();
    [&story.conversion(1).meta_data, &customer.meta_data].map(|data| Value::from(data.clone()))
}

#[test]
fn properties_are_changed_one_by_one_in_any_order() {
    let mut story = sold();
    // The later change is decided first: it says nothing of the other property.
    for (id, change) in [(30, set("b", "2")), (20, set("a", "1")), (21, set("b", "3"))] {
        for (offset, body) in (0..).zip(changes(&change)) {
            assert_eq!(word(&story.tell(id * 10 + offset, body)), "applied");
        }
    }
    assert_eq!(
        meta_data(&story),
        [json!({"a": "1", "b": "3"}), json!({"a": "1", "b": "3"})]
    );
    for id in [400, 410] {
        for (offset, body) in (0..).zip(changes(&json!({"remove": {"key": "a"}}))) {
            assert_eq!(
                word(&story.tell(id + offset, body)),
                "applied",
                "again it changes nothing"
            );
        }
    }
    assert_eq!(meta_data(&story), [json!({"b": "3"}), json!({"b": "3"})]);
    assert_eq!(story.balance(2), "10 0 0");
}

#[test]
fn an_older_replacement_does_not_undo_a_later_property() {
    let mut story = sold();
    let [body, _] = changes(&set("a", "1"));
    story.tell(30, body);
    story.tell(
        20,
        json!({"update_conversion": {"external_id": "o1", "meta_data": {"old": 1}}}),
    );
    assert_eq!(meta_data(&story)[0], json!({"a": "1"}));
}

#[test]
fn there_are_only_so_many_properties() {
    let mut story = sold();
    let mut id = 1_000;
    for number in 0..=MAX_META_PROPERTIES {
        for body in changes(&set(&format!("k{number}"), "v")) {
            id += 1;
            let want = if number < MAX_META_PROPERTIES {
                "applied"
            } else {
                "too_many"
            };
            assert_eq!(word(&story.tell(id, body)), want, "{number}");
        }
    }
    for body in changes(&set("k3", "other")) {
        id += 1;
        assert_eq!(word(&story.tell(id, body)), "applied", "it is there already");
    }
}

fn decided(story: &Story, body: Value) -> Decisions {
    let body: Body = serde_json::from_value(body).unwrap();
    decide(vec![event(99, body)], story.world.clone()).unwrap()
}

#[test]
fn an_edit_tells_what_was_there_before() {
    let mut story = sold();
    story.tell(
        11,
        json!({"edit_commission": {"commission": 1, "approved": true}}),
    );
    story.tell(
        12,
        json!({"pay": {"payments": [{"affiliate": "second", "amount": "4", "currency": "USD"}]}}),
    );
    let before = |body| decided(&story, body).decisions.pop().unwrap().before;

    let Some(Applied::Conversion(view)) =
        before(json!({"edit_conversion": {"conversion": 1, "amount": "50"}}))
    else {
        panic!("a conversion")
    };
    assert_eq!(
        (view.amount, view.commissions[0].approved),
        (decimal("100"), Some(true))
    );
    let Some(Applied::Commission(view)) =
        before(json!({"edit_commission": {"commission": 1, "amount": "3"}}))
    else {
        panic!("a commission")
    };
    assert_eq!((view.amount, view.approved), (decimal("10"), Some(true)));
    let cancel = json!({"update_customer": {"customer": {"id": "buyer"}, "action": "cancel"}});
    let Some(Applied::Customer(record)) = before(cancel) else {
        panic!("a customer")
    };
    assert_eq!(record.status, "active");
    let Some(Applied::Payments(views)) = before(json!({"cancel_payment": {"payment": 1}})) else {
        panic!("a payment")
    };
    assert_eq!(views[0].amount, decimal("4"));
    for body in [
        json!({"edit_conversion": {"conversion": 9, "amount": "50"}}),
        json!({"edit_commission": {"commission": 9, "amount": "50"}}),
        json!({"cancel_payment": {"payment": 9}}),
        json!({"pay": {"payments": [{"affiliate": "second", "amount": "4", "currency": "USD"}]}}),
        json!({"refund": {"external_id": "o1"}}),
    ] {
        assert_eq!(before(body.clone()), None, "{body}");
    }
}

#[test]
fn a_key_of_another_program_pays_nobody_and_cancels_nothing() {
    let mut story = sold();
    let pay = || json!({"pay": {"payments": [{"affiliate": "second", "amount": "4", "currency": "USD"}]}});
    let cancel = || json!({"cancel_payment": {"payment": 1}});
    for (id, scope, want_paid, want_cancelled) in [
        (20, 7, "unknown_affiliate", "unknown_payment"),
        (30, 1, "applied", "applied"),
    ] {
        let paid = story.tell_as(id, pay(), |event| event.program_scope = Some(ProgramId(scope)));
        assert_eq!(word(&paid), want_paid, "{scope}");
        if scope != 1 {
            story.tell(id + 1, pay());
        }
        let cancelled = story.tell_as(id + 2, cancel(), |event| {
            event.program_scope = Some(ProgramId(scope));
        });
        assert_eq!(word(&cancelled), want_cancelled, "{scope}");
    }
    assert_eq!(
        story.balance(2),
        "10 -4 4",
        "the one that was paid without a scope, or with the right one"
    );
}
