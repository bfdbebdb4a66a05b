//! Amounts that may mean two things: equal refunds, and thousandths of a currency without decimals.

use serde_json::json;

use super::{
    money_tests::{edit, edit_commission, refund, refunded, sale, sold, update},
    story::{Story, word},
    tests::decimal,
};
use crate::domain::Outcome;

#[test]
fn who_sends_equal_refunds_is_told_what_tells_them_apart() {
    let mut story = sold();
    let first = refunded(story.tell(11, refund(Some("30"), None)));
    assert_eq!((first.is_repeat, first.warnings), (false, Vec::new()));
    let again = refunded(story.tell(12, refund(Some("30"), None)));
    assert_eq!(
        (again.is_repeat, again.deducted, again.warnings.len()),
        (true, decimal("0"), 1)
    );
    assert!(again.warnings[0].contains("refund_id"), "{:?}", again.warnings);
    let other = refunded(story.tell(13, refund(Some("20"), None)));
    assert_eq!((other.is_repeat, other.warnings), (false, Vec::new()));
    assert_eq!(story.balance(2), "5 0 0");
    let rest = refunded(story.tell(14, refund(None, None)));
    assert!(rest.is_full && !rest.is_repeat);
    let again = refunded(story.tell(15, refund(None, None)));
    assert_eq!(
        (again.is_repeat, again.warnings),
        (true, Vec::new()),
        "all is all"
    );
}

/// The request names no currency, the program's has no decimals.
#[test]
fn a_thousandth_of_a_yen_is_never_recorded() {
    let yen = || {
        let mut story = Story::in_program(|program| program.currency = "JPY".parse().unwrap());
        assert_eq!(word(&story.tell(1, sale("o1", "second", "1000"))), "applied");
        story
    };
    let refused = |outcome: Outcome| match outcome {
        Outcome::Refused(refusal) => {
            assert!(
                refusal.detail.contains("JPY has no decimals"),
                "{}",
                refusal.detail
            );
            refusal.reason.code()
        }
        other => panic!("{other:?}"),
    };
    let mut story = yen();
    let mut explicit = sale("o2", "second", "5");
    explicit["create_conversion"]["commission"] = "1.500".into();
    let line = json!({"sub_amount": "1.000", "commission_type": null, "comment": null});
    let mut in_lines = sale("o2", "second", "5");
    in_lines["create_conversion"]["lines"] = json!([line]);
    for (id, body) in (2..).zip([
        sale("o2", "second", "1.234"),
        sale("o2", "second", "1.000"),
        explicit,
        in_lines,
        update(Some("1.200"), None),
        refund(Some("1.000"), None),
        edit(json!({"amount": "1.000"})),
        edit_commission(1, json!({"amount": "1.000"})),
        edit_commission(1, json!({"sub_amount": "1.000"})),
        json!({"add_commissions": {"conversion": 1, "lines": [line]}}),
    ]) {
        let told = format!("{body}");
        assert_eq!(refused(story.tell(id, body)), "amount_out_of_range", "{told}");
    }
    assert_eq!(story.amounts(1), ["100"], "nothing has changed");
    for (id, amount, earned) in [(2, "1.5", "0"), (3, "0.000", "0"), (4, "1234.5000", "123")] {
        let order = format!("o{id}");
        let outcome = story.tell(20 + u128::try_from(id).unwrap(), sale(&order, "second", amount));
        assert_eq!(
            (word(&outcome), story.amounts(id)),
            ("applied", vec![earned.to_owned()])
        );
    }
    let mut dollars = Story::new();
    dollars.tell(1, sale("o1", "second", "10.500"));
    let amount = dollars.conversion(1).amount.to_string();
    assert_eq!((amount.as_str(), dollars.balance(2)), ("10.5", "1.05 0 0".into()));
}
