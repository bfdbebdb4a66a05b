//! The tables as one page for people: plain HTML, nothing loaded from elsewhere.

use std::fmt::Write as _;

use super::{
    document::{meaning, parsed},
    operation::{Answer, JSON, Key, Operation, RequestBody, Table},
    tables::TABLES,
};

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

pub(super) fn page() -> String {
    let mut html = HEAD.to_owned();
    for table in TABLES {
        section(&mut html, table);
    }
    html
}

/// Writing to a String cannot fail.
macro_rules! put {
    ($html:expr, $($text:tt)*) => { write!($html, $($text)*).unwrap_or_default() };
}

fn section(html: &mut String, table: &Table) {
    let (tag, about) = (table.tag, escaped(table.about));
    put!(
        html,
        "<h2 id={tag}>{tag}</h2>\n<p>{about} {}</p>\n",
        key(table.key)
    );
    for operation in table.operations() {
        entry(html, table, operation);
    }
}

fn entry(html: &mut String, table: &Table, operation: &Operation) {
    let (path, parameters) = operation.template();
    let (method, summary) = (operation.method.to_uppercase(), escaped(operation.summary));
    put!(
        html,
        "<details><summary><b>{method}</b> <code>{path}</code> {summary}</summary>\n"
    );
    let named = parameters.iter().chain(operation.query);
    let named: Vec<String> = named
        .map(|(name, value)| match *value {
            "" => format!("<code>{name}</code>"),
            value => format!("<code>{name}</code> (<code>{}</code>)", escaped(value)),
        })
        .collect();
    if !named.is_empty() {
        put!(html, "<p>Parameters: {}</p>\n", named.join(", "));
    }
    if let Some(body) = &operation.body {
        let example = if body.media == JSON {
            pretty(body.example)
        } else {
            body.example.to_owned()
        };
        let required = match body.required {
            [] => String::new(),
            names => format!(", with <code>{}</code>", names.join("</code>, <code>")),
        };
        put!(
            html,
            "<p>Body: {}{required}</p><pre>{}</pre>\n",
            body.media,
            escaped(&example)
        );
        further(html, body);
    }
    match operation.answer {
        Answer::One(example) => put!(html, "<p>200</p><pre>{}</pre>\n", escaped(&pretty(example))),
        Answer::List(example) => put!(
            html,
            "<p>200, a list of</p><pre>{}</pre>\n",
            escaped(&pretty(example))
        ),
        Answer::Empty => put!(html, "<p>204</p>\n"),
        Answer::Media(media) => put!(html, "<p>200, {media}</p>\n"),
    }
    for status in table.failures {
        put!(html, "<p>{status}: {}</p>\n", meaning(*status));
    }
    html.push_str("</details>\n");
}

/// What the example does not show.
fn further(html: &mut String, body: &RequestBody) {
    let optional = parsed(body.optional);
    let fields = optional.as_object().into_iter().flatten();
    let mut listed: Vec<String> = fields
        .map(|(name, value)| {
            format!(
                "<code>{name}</code> (<code>{}</code>)",
                escaped(&value.to_string())
            )
        })
        .collect();
    listed.extend(body.words.iter().map(|(name, words)| {
        let words = words.join("</code>, <code>");
        format!("<code>{name}</code> is one of <code>{words}</code>")
    }));
    if !listed.is_empty() {
        put!(html, "<p>Further fields: {}</p>\n", listed.join(", "));
    }
}

fn key(key: Key) -> &'static str {
    match key {
        Key::None => "No key is wanted.",
        Key::Header("Y-API-Key") => "The key is sent in <code>Y-API-Key</code>.",
        Key::Header(_) => "The key is sent in <code>X-Api-Key</code>.",
        Key::MaybeBearer => "The key, where one is sent, is in <code>Authorization: Bearer</code>.",
        Key::Either => "The key is sent in <code>X-Api-Key</code> or as <code>Authorization: Bearer</code>.",
    }
}

fn pretty(example: &str) -> String {
    serde_json::to_string_pretty(&parsed(example)).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
