//! The description as one page for people: plain HTML, nothing loaded from elsewhere.

use std::fmt::Write as _;

use serde_json::Value;

const HEAD: &str = "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>
<title>Commissary: API</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace } pre { overflow: auto; padding: .5rem; border: 1px solid #8884 }
details { border-bottom: 1px solid #8884; padding: .3rem 0 } summary { cursor: pointer } b { display: inline-block; min-width: 4rem }
:root { color-scheme: light dark }
</style>
<h1>Commissary: API</h1>
<p>The same for programs: <a href=/openapi.json>openapi.json</a> (OpenAPI 3.1). Paths work with their last slash and without.
Every call that records something takes <code>Idempotency-Key</code>, and <code>Prefer: respond-async</code> or
<code>Prefer: wait=N</code>.</p>\n";

/// Writing to a String cannot fail.
macro_rules! put {
    ($html:expr, $($text:tt)*) => { write!($html, $($text)*).unwrap_or_default() };
}

/// The page of an OpenAPI document.
pub(crate) fn page(document: &Value) -> String {
    let mut html = HEAD.to_owned();
    for tag in list(&document["tags"]) {
        let (name, about) = (text(&tag["name"]), escaped(text(&tag["description"])));
        put!(html, "<h2 id={name}>{name}</h2>\n<p>{about}</p>\n");
        for (path, item) in fields(&document["paths"]) {
            for (method, operation) in fields(item) {
                if list(&operation["tags"]).any(|own| *own == tag["name"]) {
                    entry(&mut html, document, path, method, operation);
                }
            }
        }
    }
    html
}

fn entry(html: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    let (method, summary) = (method.to_uppercase(), escaped(text(&operation["summary"])));
    put!(
        html,
        "<details><summary><b>{method}</b> <code>{path}</code> {summary}</summary>\n<p>{}</p>\n",
        key(&operation["security"])
    );
    let parameters = list(&operation["parameters"]).filter(|parameter| parameter["in"] != "header");
    let parameters: Vec<String> = parameters.map(parameter).collect();
    if !parameters.is_empty() {
        put!(html, "<p>Parameters: {}</p>\n", parameters.join(", "));
    }
    let body = &operation["requestBody"];
    for (media, content) in fields(&body["content"]) {
        let about = escaped(text(&body["description"]));
        put!(
            html,
            "<p>Body: {media} {about}</p>{}",
            example(&content["example"])
        );
        let schema = resolved(document, &content["schema"]);
        let schema = schema.get("items").unwrap_or(schema);
        put!(
            html,
            "<p>Fields: {}</p>\n",
            properties(document, schema).join(", ")
        );
    }
    for (status, response) in fields(&operation["responses"]) {
        let response = resolved(document, response);
        put!(html, "<p>{status}: {}", escaped(text(&response["description"])));
        for (media, content) in fields(&response["content"]).filter(|_| status.starts_with('2')) {
            put!(html, " {media}{}", example(&content["example"]));
        }
        html.push_str("</p>\n");
    }
    html.push_str("</details>\n");
}

fn parameter(parameter: &Value) -> String {
    let name = text(&parameter["name"]);
    match &parameter["example"] {
        Value::Null => format!("<code>{name}</code>"),
        Value::String(example) => format!("<code>{name}</code> (<code>{}</code>)", escaped(example)),
        example => format!(
            "<code>{name}</code> (<code>{}</code>)",
            escaped(&example.to_string())
        ),
    }
}

/// The fields of a body, with the words of those that have a few. Those that must be there are in bold.
fn properties(document: &Value, schema: &Value) -> Vec<String> {
    let schema = resolved(document, schema);
    let own = fields(&schema["properties"]).map(|(name, field)| {
        let is_required = list(&schema["required"]).any(|required| required == name);
        let name = if is_required {
            format!("<strong><code>{name}</code></strong>")
        } else {
            format!("<code>{name}</code>")
        };
        let words: Vec<&str> = list(&resolved(document, field)["enum"]).map(text).collect();
        match words.as_slice() {
            [] => name,
            words => format!("{name} is one of <code>{}</code>", words.join("</code>, <code>")),
        }
    });
    let parts = list(&schema["allOf"]).flat_map(|part| properties(document, part));
    own.chain(parts).collect()
}

/// The schema or response behind references; of alternatives the first that is not null.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = text(&schema["$ref"]).strip_prefix('#');
    if let Some(referred) = reference.and_then(|pointer| document.pointer(pointer)) {
        return resolved(document, referred);
    }
    let mut alternatives = list(&schema["oneOf"]).chain(list(&schema["anyOf"]));
    match alternatives.find(|alternative| alternative["type"] != "null") {
        Some(alternative) => resolved(document, alternative),
        None => schema,
    }
}

fn key(security: &Value) -> String {
    let is_optional = list(security).any(|key| key == &serde_json::json!({}));
    let named = list(security).flat_map(fields).map(|(scheme, _)| match scheme {
        "YApiKey" => "<code>Y-API-Key</code>",
        "XApiKey" => "<code>X-Api-Key</code>",
        _ => "<code>Authorization: Bearer</code>",
    });
    match (named.collect::<Vec<_>>().join(" or "), is_optional) {
        (named, _) if named.is_empty() => "No key is wanted.".to_owned(),
        (named, true) => format!("The key, where one is sent, is in {named}."),
        (named, false) => format!("The key is sent in {named}."),
    }
}

fn example(example: &Value) -> String {
    if example.is_null() {
        return String::new();
    }
    let pretty = serde_json::to_string_pretty(example).unwrap_or_default();
    format!("<pre>{}</pre>\n", escaped(&pretty))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
