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
    for absent in [json!(null), json!(""), json!(" \t")] {
        assert_eq!(one(absent.clone()).text("f", 9), Ok(None));
        let error = one(absent).required_text("f", 9).unwrap_err();
        assert_eq!(error.0, "f is required");
    }
    for wrong in [json!(true), json!([]), json!({})] {
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
        assert_eq!(one(json!(sent)).prose("f", 99), Ok(Some(sent.to_owned())));
    }
}

#[test]
fn unresolved_macros_are_refused_by_name() {
    for text in ["{order_id}", "%7Border_id%7D", "x-${id}", "#s1#"] {
        let error = one(json!(text)).text("f", 99).unwrap_err();
        assert_eq!(error.0, "f is an unresolved macro");
    }
    let error = one(json!("${amount}")).amount("f").unwrap_err();
    assert_eq!(error.0, "f is an unresolved macro");
    assert!(one(json!("for {you}")).prose("f", 99).is_ok());
    assert!(one(json!("{note}")).prose("f", 99).is_err());
    let error = one(json!({"sub1": "{sub1}"})).meta_data("f").unwrap_err();
    assert_eq!(error.0, "f.sub1 is an unresolved macro");
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
        (json!(""), None),
        (json!(null), None),
    ] {
        assert_eq!(one(value).flag("f"), Ok(want));
    }
    for wrong in [json!("yes"), json!(2), json!([]), json!({})] {
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
    assert_eq!(customer.nested("absent"), Ok(None));
    for wrong in [json!("x"), json!([1]), json!(1), json!(false)] {
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

#[test]
fn meta_data_has_tapfiliates_limits() {
    let many = |count: usize| {
        let entries = (0..count).map(|at| (format!("k{at}"), json!("v")));
        one(Value::Object(entries.collect())).meta_data("f")
    };
    assert!(many(MAX_META_PROPERTIES).is_ok());
    assert_eq!(
        many(MAX_META_PROPERTIES + 1).unwrap_err().0,
        "f has more than 10 properties"
    );
    let key = |key: &str| one(json!({ key: "v" })).meta_data("f");
    assert!(key(&"k".repeat(MAX_META_KEY)).is_ok());
    for bad in [
        &*"k".repeat(MAX_META_KEY + 1),
        "",
        "a:b",
        "a/b",
        "a&b",
        "a'b",
        "a]b",
    ] {
        assert!(key(bad).unwrap_err().0.starts_with("f has a key"), "{bad}");
    }
    let value = |value: Value| one(json!({ "k": value })).meta_data("f");
    assert!(value(json!("v".repeat(MAX_META_VALUE))).is_ok());
    assert_eq!(
        value(json!("v".repeat(MAX_META_VALUE + 1))).unwrap_err().0,
        "f.k is longer than 255 characters"
    );
    assert!(value(json!("https://example.com/?a=1&b=2")).is_ok());
    assert_eq!(value(json!(7)).unwrap().unwrap()["k"], json!(7));
}
