//! The description against the routes of the handlers, and its examples.

use std::{collections::BTreeSet, fs, path::Path};

use axum::{body::Body, http::Request};
use serde_json::Value;
use tower::ServiceExt;

use super::{
    document::document,
    operation::{Answer, JSON},
    tables::TABLES,
};

/// Without its last slash and the names of its parameters.
fn shape(path: &str) -> String {
    let mut parts = path.trim_end_matches('/').split(['{', '}']);
    let mut shape = parts.next().unwrap_or_default().to_owned();
    while let Some(_name) = parts.next() {
        shape.push_str("{}");
        shape.push_str(parts.next().unwrap_or_default());
    }
    shape
}

/// The first argument of each `.route(` in the Rust files below `directory`.
fn routes(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let calls = source.split(".route(").skip(1);
            let literals = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next());
            found.extend(literals.filter(|path| path.starts_with('/')).map(shape));
        }
    }
}

#[test]
fn what_is_served_is_described_and_the_reverse() {
    let mut served = BTreeSet::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    routes(&here.join("src"), &mut served);
    routes(&here.join("../ingest/src"), &mut served);
    let document = document();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(|path| shape(path))
        .collect();
    let undescribed: Vec<_> = served.difference(&described).collect();
    assert!(
        undescribed.is_empty(),
        "no table of src/openapi has {undescribed:?}"
    );
    let unserved: Vec<_> = described.difference(&served).collect();
    assert!(unserved.is_empty(), "nobody serves {unserved:?}");
}

#[test]
fn examples_are_json_and_have_what_must_be_there() {
    for operation in TABLES.iter().flat_map(super::operation::Table::operations) {
        let path = operation.path;
        if let Some(body) = operation.body.filter(|body| body.media == JSON) {
            let example: Value =
                serde_json::from_str(body.example).unwrap_or_else(|error| panic!("{path}: {error}"));
            for field in body.required {
                assert!(!example[field].is_null(), "{path}: {field}");
            }
            let optional: Value =
                serde_json::from_str(body.optional).unwrap_or_else(|error| panic!("{path}: {error}"));
            for name in optional.as_object().unwrap().keys() {
                assert!(example.get(name).is_none(), "{path}: the example shows {name}");
            }
            for (name, _) in body.words {
                let shown = example.get(name).or(optional.get(name));
                assert!(shown.is_some_and(Value::is_string), "{path}: {name}");
            }
        }
        if let Answer::One(example) | Answer::List(example) = operation.answer {
            let example: Value = serde_json::from_str(example).unwrap_or_default();
            assert!(
                example.as_object().is_some_and(|fields| !fields.is_empty()),
                "{path}"
            );
        }
    }
}

#[test]
fn failures_and_headers_are_those_of_the_call() {
    let document = document();
    let operation = |method: &str, path: &str| document["paths"][path][method].clone();
    let has = |operation: &Value, status: &str| operation["responses"].get(status).is_some();
    let headers = |operation: &Value| {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        parameters.filter(|one| one["in"] == "header").count()
    };
    for (method, path, large, other) in [
        ("get", "/1.6/conversions/", false, false),
        ("post", "/1.6/conversions/", true, true),
        ("get", "/1.7/pb/con/c/", false, true),
        ("post", "/v1/events", true, true),
        ("post", "/api/v1/cli/test-event", true, false),
        ("get", "/healthz", false, false),
    ] {
        let operation = operation(method, path);
        assert_eq!(has(&operation, "413"), large, "{method} {path}");
        assert_eq!(has(&operation, "422"), other, "{method} {path}");
        assert_eq!(headers(&operation), if other { 2 } else { 0 }, "{method} {path}");
    }
}

#[test]
fn no_call_is_described_twice() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let printed: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
    let calls = TABLES
        .iter()
        .flat_map(super::operation::Table::operations)
        .count();
    assert_eq!(printed, calls);
    let ids: BTreeSet<&str> = paths
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), calls, "operation ids differ");
}

async fn text(path: &str) -> (String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = super::router().oneshot(request).await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn both_are_served_without_a_key() {
    let (kind, json) = text("/openapi.json").await;
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (kind.as_str(), &document["openapi"]),
        ("application/json", &Value::from("3.1.0"))
    );
    let (kind, html) = text("/docs").await;
    assert_eq!(kind, "text/html; charset=utf-8");
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
    }
    for loaded in ["src=", "http-equiv", "<link", "@import", "url("] {
        assert!(!html.contains(loaded), "{loaded}");
    }
}
