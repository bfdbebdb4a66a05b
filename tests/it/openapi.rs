//! The description of all calls, as a process of the api role alone serves it.

use std::collections::BTreeSet;

use commissary_tests::{Queue, World};
use reqwest::Method;
use serde_json::{Value, json};

/// All operations, with their names for messages.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    operations.collect()
}

/// Media types with a schema, in bodies and in successful responses.
fn contents<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    let responses = operation["responses"].as_object().unwrap().iter();
    let success = responses.filter(|(status, _)| status.starts_with('2'));
    let bodies = success.map(|(_, response)| resolved(document, response));
    let bodies = bodies.chain([&operation["requestBody"]]);
    bodies.flat_map(|body| {
        body["content"]
            .as_object()
            .into_iter()
            .flat_map(|content| content.values())
    })
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let target = document.pointer(reference.trim_start_matches('#'));
            resolved(
                document,
                target.unwrap_or_else(|| panic!("nothing is at {reference}")),
            )
        }
        None => value,
    }
}

/// All references of the document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(
                fields
                    .get("$ref")
                    .map(|reference| reference.as_str().unwrap().to_owned()),
            );
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Why `value` does not fit `schema`, by the words of JSON Schema that the document uses.
fn misfit(document: &Value, schema: &Value, value: &Value, place: &str) -> Option<String> {
    let schema = resolved(document, schema);
    let all = |word: &str| schema[word].as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = |schema: &&Value| misfit(document, schema, value, place).is_none();
    for word in ["oneOf", "anyOf"] {
        if !all(word).is_empty() && !all(word).iter().any(|schema| fits(&schema)) {
            return Some(format!("{place}: {value} is none of {word}"));
        }
    }
    if let Some(misfit) = all("allOf")
        .iter()
        .find_map(|schema| misfit(document, schema, value, place))
    {
        return Some(misfit);
    }
    if !all("enum").is_empty() && !all("enum").contains(value) {
        return Some(format!("{place}: {value} is no word of {}", schema["enum"]));
    }
    let kinds = match &schema["type"] {
        Value::String(_) => std::slice::from_ref(&schema["type"]),
        kinds => kinds.as_array().map(Vec::as_slice).unwrap_or_default(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind.as_str().unwrap(), value)) {
        return Some(format!("{place}: {value} is no {}", schema["type"]));
    }
    if let Value::Object(fields) = value {
        if let Some(missing) = all("required")
            .iter()
            .find(|name| !fields.contains_key(name.as_str().unwrap()))
        {
            return Some(format!("{place}: {missing} is missing"));
        }
        return fields.iter().find_map(|(name, field)| {
            let schema = schema["properties"].get(name)?;
            misfit(document, schema, field, &format!("{place}.{name}"))
        });
    }
    let entries = value.as_array()?.iter();
    let items = schema.get("items")?;
    entries
        .into_iter()
        .find_map(|entry| misfit(document, items, entry, &format!("{place}[]")))
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type: {other}"),
    }
}

#[tokio::test]
async fn all_calls_are_described_by_the_api_alone() {
    let world = World::start(Queue::Spool).await;
    let document = world.shop.get_as("/openapi.json", None).await.expect(200).body;
    assert_eq!(document["openapi"], "3.1.0");
    for (name, operation) in operations(&document) {
        for field in ["summary", "operationId"] {
            assert!(operation[field].is_string(), "{name} has no {field}");
        }
        let tags = document["tags"].as_array().unwrap();
        assert!(
            tags.iter().any(|tag| tag["name"] == operation["tags"][0]),
            "{name}"
        );
        assert!(operation["security"].is_array(), "{name}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        for (status, response) in responses {
            let about = &resolved(&document, response)["description"];
            assert!(
                about.as_str().is_some_and(|about| !about.is_empty()),
                "{name} {status}"
            );
        }
        for content in contents(&document, operation).filter(|content| content["schema"].is_object()) {
            let example = &content["example"];
            // Results line by line are those of the whole.
            if content["schema"]["$ref"] != "#/components/schemas/native.LineResult" {
                assert_eq!(misfit(&document, &content["schema"], example, ""), None, "{name}");
            }
        }
    }
    let mut all = BTreeSet::new();
    references(&document, &mut all);
    for reference in all {
        resolved(&document, &json!({"$ref": reference}));
    }
    let page = reqwest::get(format!("{}/docs", world.shop.api)).await.unwrap();
    let page = page.text().await.unwrap();
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
    for loaded in ["src=", "http-equiv", "<link", "@import", "url("] {
        assert!(!page.contains(loaded), "{loaded}");
    }
    failures_and_headers_are_those_of_the_call(&document);
    both_planes_share_a_path(&document);
    what_is_created_links_to_calls_about_it(&document);
    a_key_is_wanted_where_it_is_described(&world, &document).await;
    world.finish().await;
}

/// Each call is made without a key, at both planes; one of them serves it.
async fn a_key_is_wanted_where_it_is_described(world: &World, document: &Value) {
    let (mut secured, mut open) = (0, 0);
    for (name, operation) in operations(document) {
        let (method, path) = name.split_once(' ').unwrap();
        let method: Method = method.to_uppercase().parse().unwrap();
        let path = without_parameters(path);
        let needs = operation["security"].as_array().unwrap();
        let is_secured = !needs.is_empty() && needs.iter().all(|need| *need != json!({}));
        let mut refused = false;
        for plane in [&world.shop.ingest, &world.shop.api] {
            let url = format!("{plane}{path}");
            let answer = world.shop.call(method.clone(), &url, &[], None).await.unwrap();
            assert!(answer.status < 500, "{name}: {answer:?}");
            refused |= answer.status == 401;
        }
        assert_eq!(refused, is_secured, "{name} is described with {needs:?}");
        secured += usize::from(is_secured);
        open += usize::from(!is_secured);
    }
    assert!(secured > 100 && open > 10, "{secured} {open}");
}

/// A path with something in the place of each parameter.
fn without_parameters(path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        let is_parameter = segment.starts_with('{');
        if is_parameter { "1" } else { segment }
    });
    segments.collect::<Vec<_>>().join("/")
}

fn failures_and_headers_are_those_of_the_call(document: &Value) {
    for (method, path, large, records) in [
        ("get", "/1.6/conversions/", false, false),
        ("post", "/1.6/conversions/", true, true),
        ("get", "/1.7/pb/con/c/", false, true),
        ("post", "/v1/events", true, true),
        ("post", "/api/v1/cli/test-event", true, false),
        ("get", "/healthz", false, false),
    ] {
        let operation = &document["paths"][path][method];
        let has = |status: &str| operation["responses"].get(status).is_some();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let headers = parameters.filter(|parameter| parameter["in"] == "header").count();
        assert_eq!(has("413"), large, "{method} {path}");
        assert_eq!(has("422"), records, "{method} {path}");
        assert_eq!(headers, if records { 2 } else { 0 }, "{method} {path}");
    }
}

/// The ingest serves one method of it, the api the other.
fn both_planes_share_a_path(document: &Value) {
    let operations = operations(document);
    let ids: BTreeSet<&str> = operations
        .iter()
        .map(|(_, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), operations.len(), "operation ids differ");
    for id in [
        "get_1_6_conversions",
        "post_1_6_conversions",
        "get_1_7_pb_con_c",
        "post_v1_events",
    ] {
        assert!(ids.contains(id), "{id}");
    }
}

/// Fuzzers follow the links; a link to nowhere, or with a parameter that its call does not have, would be left out silently.
fn what_is_created_links_to_calls_about_it(document: &Value) {
    let operations = operations(document);
    let mut linked = BTreeSet::new();
    for (name, operation) in &operations {
        let links = operation["responses"]["200"]["links"].as_object();
        for (id, link) in links.into_iter().flatten() {
            let target = operations
                .iter()
                .find(|(_, other)| other["operationId"] == link["operationId"]);
            let (_, target) = target.unwrap_or_else(|| panic!("{name} links to {id}"));
            let parameters: Vec<_> = target["parameters"].as_array().unwrap().iter().collect();
            for parameter in link["parameters"].as_object().unwrap().keys() {
                let is_known = parameters
                    .iter()
                    .any(|known| known["name"] == **parameter && known["in"] == "path");
                assert!(is_known, "{name}: {id} has no {parameter}");
            }
            linked.insert(operation["operationId"].as_str().unwrap());
        }
    }
    assert_eq!(
        linked.into_iter().collect::<Vec<_>>(),
        [
            "post_1_6_affiliate_groups",
            "post_1_6_affiliate_prospects",
            "post_1_6_affiliates",
            "post_1_6_affiliates_id_notes",
            "post_1_6_clicks",
            "post_1_6_conversions",
            "post_1_6_conversions_id_commissions",
            "post_1_6_customers",
            "post_1_6_payments",
            "post_1_6_programs_program_id_affiliates",
            "post_v1_keys",
        ]
    );
}
