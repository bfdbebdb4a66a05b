//! Payments and their cancellation, by example.

use serde_json::{Value, json};

use super::{
    payment::MAX_PAYMENTS,
    story::{Story, word},
    tests::decimal,
};
use crate::domain::{Applied, OrgId, Outcome, PaymentId};

fn pay(amount: &str, currency: &str) -> Value {
    json!({"pay": {"payments": [{"affiliate": "second", "amount": amount, "currency": currency}]}})
}

fn approve(is_approved: bool) -> Value {
    json!({"edit_commission": {"commission": 1, "approved": is_approved}})
}

#[test]
fn payments_move_payable_to_paid_and_back() {
    let mut story = Story::new();
    story.tell(10, json!({"create_conversion": {"external_id": "o1", "attribution": {"coupon": "second"}, "amount": "100"}}));
    story.tell(11, approve(true));
    let outcome = story.tell(12, pay("10", "USD"));
    let Outcome::Applied(Applied::Payments(paid)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (paid[0].id, paid[0].amount, paid[0].affiliate.slug.as_str()),
        (PaymentId(1), decimal("10"), "second")
    );
    assert_eq!(story.balance(2), "0 0 10");
    story.tell(13, approve(false));
    assert_eq!(
        story.balance(2),
        "0 -10 10",
        "approved, paid, disapproved: the balance is negative"
    );
    let cancel = || json!({"cancel_payment": {"payment": 1}});
    let elsewhere = story.tell_as(14, cancel(), |event| event.org = Some(OrgId(2)));
    assert_eq!(word(&elsewhere), "unknown_payment", "another organisation's");
    assert_eq!(word(&story.tell(15, cancel())), "applied");
    assert_eq!(story.balance(2), "0 0 0");
    assert_eq!(
        word(&story.tell(16, cancel())),
        "unknown_payment",
        "it is cancelled"
    );
    assert_eq!(
        word(&story.tell(17, json!({"cancel_payment": {"payment": 99}}))),
        "unknown_payment"
    );
    assert_eq!(word(&story.tell(18, pay("25", "USD"))), "applied");
    assert_eq!(story.balance(2), "0 -25 25", "more than the balance");
}

#[test]
fn payments_are_recorded_all_or_none() {
    for (amount, currency, affiliate, want) in [
        ("0.01", "USD", "second", "applied"),
        ("1000000000000", "USD", "second", "applied"),
        ("1.500", "USD", "second", "applied"),
        ("500", "JPY", "second", "applied"),
        ("0.001", "KWD", "second", "applied"),
        ("0", "USD", "second", "amount_out_of_range"),
        ("-1", "USD", "second", "amount_out_of_range"),
        ("1000000000000.01", "USD", "second", "amount_out_of_range"),
        ("0.001", "USD", "second", "amount_out_of_range"),
        ("0.5", "JPY", "second", "amount_out_of_range"),
        ("1", "USD", "nobody", "unknown_affiliate"),
    ] {
        let mut story = Story::new();
        let payments = json!([
            {"affiliate": "first", "amount": "1", "currency": "USD"},
            {"affiliate": affiliate, "amount": amount, "currency": currency},
        ]);
        let outcome = story.tell(1, json!({"pay": {"payments": payments}}));
        assert_eq!(word(&outcome), want, "{amount} {currency} to {affiliate}");
        let made = if want == "applied" { 2 } else { 0 };
        assert_eq!((story.transfers.len(), story.world.payments.len()), (made, made));
    }
}

#[test]
fn so_many_payments_at_once_and_no_more() {
    for (count, want) in [(MAX_PAYMENTS, "applied"), (MAX_PAYMENTS + 1, "too_many")] {
        let mut story = Story::new();
        story.world.ids.payments = (1..2000).rev().collect();
        let payment = json!({"affiliate": "second", "amount": "1", "currency": "USD"});
        assert_eq!(
            word(&story.tell(1, json!({"pay": {"payments": vec![payment; count]}}))),
            want
        );
    }
}
