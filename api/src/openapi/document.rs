//! The tables as one OpenAPI 3.1 document.

use serde_json::{Map, Value, json};

use super::{
    operation::{Answer, JSON, Key, Operation, PICTURE, Parameter, RequestBody, Table},
    schema,
    tables::TABLES,
};

/// Failures of every call that wants a key.
const FAILURES: &[u16] = &[400, 401, 403, 404, 408, 414, 429, 503];
/// Failures of calls that want none.
const OPEN_FAILURES: &[u16] = &[400, 404, 408, 414, 429, 503];
const TOO_LARGE: u16 = 413;
const OTHER_REQUEST: u16 = 422;

pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for table in TABLES {
        for operation in table.operations() {
            let (path, parameters) = operation.template();
            let item = paths.entry(path).or_insert_with(|| json!({}));
            schema::set(item, operation.method, printed(table, operation, &parameters));
        }
    }
    let tags: Vec<Value> = TABLES
        .iter()
        .map(|table| json!({"name": table.tag, "description": table.about}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Commissary",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Affiliate conversions, each recorded exactly once. Paths are served with their last slash and without.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "YApiKey": {"type": "apiKey", "in": "header", "name": "Y-API-Key"},
                "XApiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "Bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {
                "Receipt": schema::of_answer(&receipt()),
                "Failure": {"type": "object"},
            },
        },
    })
}

fn receipt() -> Value {
    json!({"event_id": "019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d", "status": "accepted"})
}

fn printed(table: &Table, operation: &Operation, path: &[Parameter]) -> Value {
    let in_path = path.iter().map(|parameter| parameter_of("path", *parameter));
    let in_query = operation
        .query
        .iter()
        .map(|parameter| parameter_of("query", *parameter));
    let preferences = if operation.takes_preferences(table) {
        preferences()
    } else {
        Vec::new()
    };
    let mut printed = json!({
        "operationId": operation_id(operation),
        "tags": [table.tag],
        "summary": operation.summary,
        "parameters": in_path.chain(in_query).chain(preferences).collect::<Vec<_>>(),
        "responses": responses(table, operation),
        "security": security(table.key),
    });
    if let Some(body) = &operation.body {
        schema::set(&mut printed, "requestBody", request_body(body));
    }
    printed
}

fn operation_id(operation: &Operation) -> String {
    let (path, _) = operation.template();
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.fold(operation.method.to_owned(), |id, word| id + "_" + word)
}

fn parameter_of(place: &str, (name, value): Parameter) -> Value {
    let mut parameter = json!({
        "name": name, "in": place, "required": place == "path", "schema": {"type": "string"},
    });
    if !value.is_empty() {
        schema::set(&mut parameter, "example", json!(value));
    }
    parameter
}

/// Headers of every call that records something.
fn preferences() -> Vec<Value> {
    vec![
        json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same request again under its key gets the first outcome; another one is refused (422).",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        }),
        json!({
            "name": "Prefer", "in": "header", "required": false,
            "description": "respond-async: the receipt at once; wait=N: the outcome within N seconds, at most 10.",
            "schema": {"type": "string", "pattern": "^(respond-async|wait=[0-9]{1,2})$"},
        }),
    ]
}

fn request_body(body: &RequestBody) -> Value {
    let optional = parsed(body.optional);
    if body.media != JSON {
        // An array stands for the lines, as OpenAPI 3.1 has no word of its own.
        let lines: Vec<Value> = body.example.lines().map(parsed).collect();
        let fields: Vec<Value> = lines.iter().cloned().chain([optional]).collect();
        let line = schema::of_body(&fields, body.required, body.words);
        return json!({
            "required": true,
            "description": "One JSON object a line, and no array: the array of this description stands for the lines.",
            "content": {body.media: {"schema": {"type": "array", "items": line}, "example": lines}},
        });
    }
    let example = parsed(body.example);
    let schema = schema::of_body(&[example.clone(), optional], body.required, body.words);
    json!({"required": true, "content": {JSON: {"schema": schema, "example": example}}})
}

fn responses(table: &Table, operation: &Operation) -> Value {
    let mut responses = Map::new();
    let (status, success) = match operation.answer {
        Answer::One(example) => ("200", answer(&parsed(example))),
        Answer::List(example) => ("200", answer(&json!([parsed(example)]))),
        Answer::Empty => ("204", json!({"description": "Done."})),
        Answer::Media(media) => ("200", json!({"description": "Done.", "content": {media: {}}})),
    };
    responses.insert(status.to_owned(), success);
    if operation.is_event(table) {
        let accepted = json!({
            "description": "Durable, but not decided in time: the receipt's path, `Location`, says what becomes of it.",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Receipt"}, "example": receipt()}},
        });
        responses.insert("202".to_owned(), accepted);
    }
    let shared = if table.key == Key::None {
        OPEN_FAILURES
    } else {
        FAILURES
    };
    let too_large = operation.body.map(|_body| &TOO_LARGE);
    let other_request = operation.takes_preferences(table).then_some(&OTHER_REQUEST);
    let own = too_large.into_iter().chain(other_request).chain(table.failures);
    for status in shared.iter().chain(own) {
        let mut content = json!({JSON: {"schema": {"$ref": "#/components/schemas/Failure"}}});
        if operation.answer.is_picture() {
            // A page that shows the pixel must not show a broken picture.
            schema::set(&mut content, PICTURE, json!({}));
        }
        let failure = json!({"description": meaning(*status), "content": content});
        responses.insert(status.to_string(), failure);
    }
    Value::Object(responses)
}

fn answer(example: &Value) -> Value {
    json!({"description": "Done.", "content": {JSON: {"schema": schema::of_answer(example), "example": example}}})
}

pub(super) fn meaning(status: u16) -> &'static str {
    match status {
        400 => "A field is missing or wrong, or the event was refused; the message says which and why.",
        401 => "The key is missing or invalid.",
        403 => "The organisation lacks the feature or the key the scope.",
        404 => "There is nothing under this name.",
        408 => "The body did not arrive in time.",
        409 => "It has been recorded before; the answer holds the first event's ids.",
        413 => "The body is too large.",
        414 => "The URL is too long.",
        422 => "The Idempotency-Key was used for another request.",
        429 => "Too many requests: come back after `Retry-After` seconds.",
        503 => "Events cannot be accepted at the moment: come back after `Retry-After` seconds.",
        _ => "It failed.",
    }
}

fn security(key: Key) -> Value {
    match key {
        Key::None => json!([]),
        Key::Header("Y-API-Key") => json!([{"YApiKey": []}]),
        Key::Header(_) => json!([{"XApiKey": []}]),
        Key::MaybeBearer => json!([{}, {"Bearer": []}]),
        Key::Either => json!([{"XApiKey": []}, {"Bearer": []}]),
    }
}

/// An example. The tests see to it that all are JSON.
pub(super) fn parsed(example: &str) -> Value {
    serde_json::from_str(example).unwrap_or_default()
}
