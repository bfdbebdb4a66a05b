use rust_decimal::Decimal;
use serde_json::json;

use super::*;

fn fields(value: Value) -> Fields {
    let Value::Object(values) = value else {
        panic!("an object is expected");
    };
    Fields::new(values).unwrap()
}

fn one(value: Value) -> Fields {
    let mut values = Map::new();
    values.insert("f".to_owned(), value);
    Fields::new(values).unwrap()
}

#[test]
fn texts_may_be_numbers_and_have_a_length() {
    assert_eq!(one(json!("a")).text("f", 1), Ok(Some("a".to_owned())));
    assert_eq!(one(json!(17)).text("f", 9), Ok(Some("17".to_owned())));
    let exact: Value = serde_json::from_str("1.50").unwrap();
    assert_eq!(one(exact).text("f", 9), Ok(Some("1.50".to_owned())));
    assert_eq!(one(json!(["a"])).text("f", 9), Ok(Some("a".to_owned())));
    for absent in [
        json!(null),
        json!(""),
        json!(" \t"),
        json!(false),
        json!([]),
        json!({}),
        json!("\u{200b}"),
    ] {
        assert_eq!(one(absent.clone()).text("f", 9), Ok(None));
        let error = one(absent).required_text("f", 9).unwrap_err();
        assert_eq!(error.0, "f is required");
    }
    for wrong in [json!(true), json!(["a", "b"]), json!({"a": 1})] {
        assert_eq!(one(wrong).text("f", 9).unwrap_err().0, "f must be a string");
    }
    assert_eq!(
        one(json!("é".repeat(9))).text("f", 9).unwrap(),
        Some("é".repeat(9))
    );
    let error = one(json!("é".repeat(10))).text("f", 9).unwrap_err();
    assert_eq!(error.0, "f is longer than 9 characters");
}

#[test]
fn identifiers_have_no_space_around_them_and_prose_keeps_its_own() {
    for sent in ["ORD 77", " ORD 77", "ORD 77 ", "\t\u{a0}ORD 77\r\n"] {
        assert_eq!(one(json!(sent)).text("f", 6), Ok(Some("ORD 77".to_owned())));
        assert_eq!(one(json!(sent)).order_id("f"), Ok(Some("ORD 77".to_owned())));
        assert_eq!(one(json!(sent)).prose("f", 99), Ok(Some(sent.to_owned())));
    }
}

#[test]
fn an_order_is_told_from_all_others() {
    let read = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        one(value).order_id("f").map_err(|wrong| wrong.0)
    };
    for (sent, want) in [
        ("1001", "1001"),
        ("\"1001\"", "1001"),
        ("1001.0", "1001"),
        ("1.001e3", "1001"),
        ("\"0030611\"", "0030611"),
        ("\"1001-null\"", "1001-null"),
        ("\"A[1]B\"", "A[1]B"),
    ] {
        assert_eq!(read(sent), Ok(Some(want.to_owned())), "{sent}");
    }
    assert_eq!(read("null"), Ok(None));
    for (sent, want) in [
        ("\"\"", "f is empty"),
        ("\" \\u200b\"", "f is empty"),
        ("false", "f must be a string"),
        ("true", "f must be a string"),
        ("[]", "f must be a string"),
        ("[\"A\"]", "f must be a string"),
        ("{}", "f must be a string"),
        ("0", "f is a placeholder (0) and no id"),
        ("\"Undefined\"", "f is a placeholder (Undefined) and no id"),
        ("\"[order_id]\"", "f is an unresolved macro"),
        (
            "\"\\u001f0030611\"",
            "f begins or ends with a sign that nobody sees (U+001F)",
        ),
        (
            "\"A1\\ufeff\"",
            "f begins or ends with a sign that nobody sees (U+FEFF)",
        ),
        ("\"A\\u200b1\"", "f contains a sign that nobody sees (U+200B)"),
        ("\"A\\n1\"", "f contains a sign that nobody sees (U+000A)"),
        ("\"A\\u00001\"", "f contains a NUL character"),
        ("\"A\\ufffd1\"", "f contains what is not UTF-8 (U+FFFD)"),
    ] {
        assert_eq!(read(sent), Err(want.to_owned()), "{sent}");
    }
    assert_eq!(
        one(json!(" ")).required_order_id("f").unwrap_err().0,
        "f is required"
    );
    assert_eq!(one(json!("")).distinct_id("f"), Ok(None));
    assert!(one(json!("null")).distinct_id("f").is_err());
}

#[test]
fn who_is_nobody_counts_as_not_sent() {
    let read = |value: Value| {
        let fields = one(value);
        (fields.identity("f"), fields.warnings())
    };
    for absent in [json!(null), json!(""), json!(false), json!([]), json!({})] {
        assert_eq!(read(absent), (Ok(None), Vec::new()));
    }
    for nobody in [
        json!(0),
        json!("undefined"),
        json!("[object Object]"),
        json!("{customer_id}"),
        json!(["null"]),
    ] {
        let (read, warnings) = read(nobody.clone());
        assert_eq!((read, warnings.len()), (Ok(None), 1), "{nobody}");
        assert!(warnings.concat().starts_with("f is a"), "{warnings:?}");
    }
    assert_eq!(
        read(json!("\u{feff}c7 ")),
        (Ok(Some("c7".to_owned())), Vec::new())
    );
    assert_eq!(
        read(json!("c\u{200b}7")).0.unwrap_err().0,
        "f contains a sign that nobody sees (U+200B)"
    );
    assert_eq!(
        one(json!("Jane@Example.com")).customer_id("f"),
        Ok(Some("jane@example.com".to_owned()))
    );
    assert_eq!(one(json!("Jane")).customer_id("f"), Ok(Some("Jane".to_owned())));
    assert_eq!(
        one(json!(0)).required_customer_id("f").unwrap_err().0,
        "f is required"
    );
}

#[test]
fn codes_are_found_by_what_is_seen_of_them() {
    for (sent, want) in [
        ("JANE\u{200b}", Some("JANE")),
        ("null", Some("null")),
        ("[coupon]", None),
        ("%%C%%", None),
    ] {
        assert_eq!(one(json!(sent)).code("f"), Ok(want.map(str::to_owned)), "{sent}");
    }
    for (sent, want) in [
        ("abc123/", Some("abc123")),
        ("abc123", Some("abc123")),
        ("/", None),
    ] {
        assert_eq!(
            one(json!(sent)).referral_code("f"),
            Ok(want.map(str::to_owned)),
            "{sent}"
        );
    }
}

#[test]
fn unresolved_macros_are_refused_by_name() {
    for text in ["{order_id}", "%7Border_id%7D", "x-${id}", "#s1#"] {
        let error = one(json!(text)).text("f", 99).unwrap_err();
        assert_eq!(error.0, "f is an unresolved macro");
    }
    for text in ["${amount}", "[amount]", "%%AMOUNT%%"] {
        let error = one(json!(text)).amount("f").unwrap_err();
        assert_eq!(error.0, "f is an unresolved macro");
    }
    assert!(one(json!("for {you}")).prose("f", 99).is_ok());
    assert!(one(json!("{note}")).prose("f", 99).is_err());
}

#[test]
fn amounts_are_numbers_or_texts_of_numbers() {
    for (value, want) in [(json!("100"), "100"), (json!(100), "100"), (json!(0), "0")] {
        assert_eq!(one(value).required_amount("f"), Ok(want.parse().unwrap()));
    }
    let tenth: Value = serde_json::from_str("0.1").unwrap();
    assert_eq!(one(tenth).required_amount("f"), Ok(Decimal::new(1, 1)));
    for wrong in [json!(true), json!([]), json!({})] {
        assert_eq!(one(wrong).amount("f").unwrap_err().0, "f must be a number");
    }
    assert_eq!(one(json!("abc")).amount("f").unwrap_err().0, "f must be a number");
    assert_eq!(
        one(json!(-1)).amount("f").unwrap_err().0,
        "f must not be negative"
    );
    assert_eq!(
        one(json!("")).required_amount("f").unwrap_err().0,
        "f is required"
    );
    assert_eq!(one(json!("")).amount("f").unwrap_err().0, "f must be a number");
    let query = super::super::query_fields("f=&g=1", &Warnings::default()).unwrap();
    assert_eq!(query.amount("f"), Ok(None), "a parameter without a value");
}

#[test]
fn a_currency_without_decimals_has_none() {
    let clp = "CLP".parse().ok();
    let read = |text: &str, currency| {
        let fields = one(json!(text));
        let amount = fields.amount_in("f", currency).map_err(|wrong| wrong.0);
        (
            amount.map(|amount| amount.unwrap().to_string()),
            fields.warnings().len(),
        )
    };
    assert_eq!(read("139980", clp), (Ok("139980".to_owned()), 0));
    assert_eq!(read("139980.00", clp), (Ok("139980".to_owned()), 0));
    assert_eq!(read("139.98", clp), (Ok("139.98".to_owned()), 1));
    assert_eq!(read("139.980", "USD".parse().ok()), (Ok("139.98".to_owned()), 0));
    assert!(
        read("139.980", clp)
            .0
            .unwrap_err()
            .contains("three digits behind the point")
    );
}

#[test]
fn cents_are_whole_before_they_are_rounded() {
    for (text, want) in [
        ("100", Some(100)),
        ("100.00", Some(100)),
        ("1e2", Some(100)),
        ("0.9999999", None),
        ("-3.5e-15", None),
    ] {
        assert_eq!(one(json!(text)).whole_number("f").ok().flatten(), want, "{text}");
    }
}

#[test]
fn flags_have_many_spellings() {
    for (value, want) in [
        (json!("0"), Some(false)),
        (json!("1"), Some(true)),
        (json!("true"), Some(true)),
        (json!("false"), Some(false)),
        (json!("True"), Some(true)),
        (json!("False"), Some(false)),
        (json!(true), Some(true)),
        (json!(0), Some(false)),
        (json!("yes"), Some(true)),
        (json!("Off"), Some(false)),
        (json!(""), None),
        (json!(null), None),
        (json!([]), None),
        (json!({}), None),
    ] {
        assert_eq!(one(value).flag("f"), Ok(want));
    }
    for wrong in [json!("perhaps"), json!(2), json!([1]), json!({"a": 1})] {
        assert_eq!(one(wrong).flag("f").unwrap_err().0, "f must be true or false");
    }
}

#[test]
fn addresses_have_text_on_both_sides() {
    let long = format!("{}@x", "a".repeat(MAX_EMAIL - 2));
    for good in ["a@b", " jane@example.com ", &long] {
        assert_eq!(one(json!(good)).email("f"), Ok(Some(good.trim().to_owned())));
    }
    for bad in ["a", "@", "a@", "@b", "a b@c"] {
        assert_eq!(
            one(json!(bad)).email("f").unwrap_err().0,
            "f must be an e-mail address"
        );
    }
    let error = one(json!(format!("a{long}"))).email("f").unwrap_err();
    assert_eq!(error.0, "f is longer than 254 characters");
    for nobody in ["undefined", "null@null", "{email}", "*|EMAIL|*"] {
        let fields = one(json!(nobody));
        assert_eq!(
            (fields.email("f"), fields.warnings().len()),
            (Ok(None), 1),
            "{nobody}"
        );
    }
}

#[test]
fn nested_fields_are_named_in_full() {
    let customer = fields(json!({"customer": {"address": {"zip": true}}}));
    let address = customer
        .nested("customer")
        .unwrap()
        .unwrap()
        .nested("address")
        .unwrap();
    assert_eq!(
        address.unwrap().text("zip", 9).unwrap_err().0,
        "customer.address.zip must be a string"
    );
    assert!(customer.nested("absent").unwrap().is_none());
    for nothing in [json!(""), json!(false), json!({})] {
        assert!(
            one(nothing)
                .nested("f")
                .unwrap()
                .is_none_or(|fields| fields.values().is_empty())
        );
    }
    for wrong in [json!("x"), json!([1]), json!(1), json!(true)] {
        assert_eq!(one(wrong).nested("f").unwrap_err().0, "f must be an object");
    }
    assert_eq!(
        one(json!([])).object("f"),
        Ok(Some(Map::new())),
        "PHP's empty object"
    );
    assert_eq!(one(json!("")).object("f"), Ok(None));
}

#[test]
fn free_objects_have_a_size() {
    let sized = |bytes: usize| one(json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())}));
    assert!(sized(MAX_OBJECT_BYTES).object("f").is_ok());
    let error = sized(MAX_OBJECT_BYTES + 1).object("f").unwrap_err();
    assert_eq!(error.0, "f is larger than 8192 bytes");
}
