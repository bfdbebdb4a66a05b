use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::http::request::MAX_NAME;

fn one(value: Value) -> Fields {
    Fields::new(Map::from_iter([("f".to_owned(), value)])).unwrap()
}

#[test]
fn remarks_are_cut_and_never_refused() {
    for (sent, want, warnings) in [
        (json!("a"), Some("a"), 0),
        (json!(7), Some("7"), 0),
        (json!(["a"]), Some("a"), 0),
        (json!(null), None, 0),
        (json!(false), None, 0),
        (json!({}), None, 0),
        (json!(" "), None, 0),
        (json!("for {you}"), Some("for {you}"), 0),
        (json!("a\0b"), Some("a\u{fffd}b"), 0),
        (json!("{note}"), None, 1),
        (json!(["a", "b"]), None, 1),
        (json!({"a": 1}), None, 1),
        (json!("é".repeat(300)), Some(&*"é".repeat(MAX_NAME)), 1),
    ] {
        let fields = one(sent.clone());
        assert_eq!(fields.remark("f", MAX_NAME).as_deref(), want, "{sent}");
        assert_eq!(
            fields.warnings().len(),
            warnings,
            "{sent}: {:?}",
            fields.warnings()
        );
    }
    for (sent, want, warnings) in [
        (json!("yes"), Some(true), 0),
        (json!("perhaps"), None, 1),
        (json!(null), None, 0),
    ] {
        let fields = one(sent);
        assert_eq!(
            (fields.remark_flag("f"), fields.warnings().len()),
            (want, warnings)
        );
    }
    for (sent, want, warnings) in [
        (json!(" a@b "), Some("a@b"), 0),
        (json!("a"), None, 1),
        (json!("undefined@undefined"), None, 1),
        (json!("{email}"), None, 1),
        (json!(null), None, 0),
    ] {
        let fields = one(sent.clone());
        assert_eq!(fields.contact("f").as_deref(), want, "{sent}");
        assert_eq!(fields.warnings().len(), warnings, "{sent}");
    }
}

#[test]
fn free_data_has_any_names_and_a_size() {
    let many: MetaData = (0..100)
        .map(|at| (format!("k{at:03}"), json!("v".repeat(300))))
        .collect();
    let fields = one(Value::from(many.clone()));
    assert_eq!(fields.free_object("f"), Some(many));
    assert!(fields.warnings().is_empty());
    let odd = json!({"": 1, "a:b/c&d'e]{\"": "x", "k".repeat(500): true, "n": {"m": [null, 1.5]}});
    assert_eq!(one(odd.clone()).free_object("f").map(Value::from), Some(odd));

    let large: MetaData = (0..100)
        .map(|at| (format!("k{at:03}"), json!("v".repeat(1_000))))
        .collect();
    let fields = one(Value::from(large));
    let kept = fields.free_object("f").unwrap();
    let bytes = Value::from(kept.clone()).to_string().len();
    assert!(bytes <= MAX_FREE_BYTES && bytes > MAX_FREE_BYTES - 100, "{bytes}");
    assert_eq!(kept["k000"], "v".repeat(1_000));
    assert_eq!(fields.warnings().len(), 1, "{:?}", fields.warnings());

    for nothing in [json!(null), json!(false), json!("")] {
        assert_eq!(one(nothing).free_object("f"), None);
    }
    assert_eq!(
        one(json!([])).free_object("f"),
        Some(MetaData::new()),
        "PHP's empty object"
    );
    let fields = one(json!("no object"));
    assert_eq!((fields.free_object("f"), fields.warnings().len()), (None, 1));
}

#[test]
fn free_data_is_made_storable() {
    let absurd: Value = serde_json::from_str("1e999").unwrap();
    let fields = one(json!({"a\0": "b\0", "n": [{"\0": absurd}], "sub1": "{sub1}", "s": "see {this}"}));
    let want = json!({"a\u{fffd}": "b\u{fffd}", "n": [{"\u{fffd}": "1e+999"}], "s": "see {this}"});
    assert_eq!(fields.free_object("f").map(Value::from), Some(want));
    assert_eq!(
        fields.warnings(),
        ["f.sub1 is an unresolved macro and was left out"]
    );
}

#[test]
fn lists_keep_what_fits() {
    let items: Vec<_> = (0..100)
        .map(|at| json!({"at": at, "note": "x".repeat(1_000)}))
        .collect();
    let fields = one(json!(items));
    let kept = fields.free_json("f").unwrap();
    assert!(kept.to_string().len() <= MAX_FREE_BYTES);
    assert!(kept.as_array().unwrap().len() > 30);
    assert_eq!(fields.warnings().len(), 1);
    assert_eq!(one(json!("text")).free_json("f"), Some(json!("text")));
    assert_eq!(one(json!([])).free_json("f"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_kept_fits_and_is_what_was_sent(texts in prop::collection::btree_map(".{0,20}", "(?s).{0,2000}", 0..8)) {
        let sent: MetaData = texts.iter().map(|(key, text)| (key.clone(), json!(text))).collect();
        let kept = one(Value::from(sent)).free_object("f").unwrap_or_default();
        prop_assert!(Value::from(kept.clone()).to_string().len() <= MAX_FREE_BYTES);
        for (key, value) in kept {
            prop_assert!(!key.contains('\0'));
            if let Some(text) = texts.get(&key) {
                let storable = text.replace('\0', "\u{fffd}");
                prop_assert!(storable.starts_with(value.as_str().unwrap()));
            }
        }
    }
}
