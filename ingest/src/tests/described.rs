//! The fields that are described against those that the handlers read: requests are made from the description, and what the
//! parsers ask for is noted.

use std::collections::BTreeSet;

use axum::body::Body;
use common::http::request::asked;
use serde_json::{Map, Value, json};
use tower::ServiceExt;
use url::form_urlencoded;

use super::{KEY, Service, request};

const NDJSON: &str = "application/x-ndjson";
/// Read like fields, but from the path and from a link.
const NO_FIELDS: [&str; 2] = ["affiliate_code", "aff"];
/// An object that is kept whole: its fields are described for people.
const KEPT_WHOLE: &str = "product.";

/// One call of the description.
struct Call<'a> {
    document: &'a Value,
    path: &'a str,
    method: &'a str,
    operation: &'a Value,
}

fn calls(document: &Value) -> impl Iterator<Item = Call<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(move |(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| Call {
            document,
            path,
            method,
            operation,
        })
    })
}

impl<'a> Call<'a> {
    /// The schema of the body, and the example of one.
    fn body(&self) -> Option<(&'a Value, &'a Value)> {
        let content = self.operation["requestBody"]["content"].as_object()?;
        let (media, content) = content.iter().next().unwrap();
        match media.as_str() {
            NDJSON => Some((&content["schema"]["items"], &content["example"][0])),
            _ => Some((&content["schema"], &content["example"])),
        }
    }

    fn parameters(&self, place: &str) -> impl Iterator<Item = &'a Value> {
        let parameters = self.operation["parameters"].as_array().into_iter().flatten();
        parameters.filter(move |parameter| parameter["in"] == place)
    }

    /// All names of fields, as the parsers' errors print them.
    fn described(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self
            .parameters("query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            // The pixel's proof is taken from the query before it is read.
            .filter(|name| name != "sig")
            .collect();
        if let Some((schema, _)) = self.body() {
            self.names(schema, "", &mut names);
        }
        names
    }

    fn names(&self, schema: &Value, prefix: &str, names: &mut BTreeSet<String>) {
        for (name, field) in self.properties(schema) {
            names.insert(format!("{prefix}{name}"));
            self.names(&field, &format!("{prefix}{name}."), names);
            if let Some(entry) = self.one_of(&field).get("items") {
                self.names(entry, &format!("{prefix}{name}[]."), names);
            }
        }
    }

    /// The schema behind references and alternatives: of these the first that is not null.
    fn one_of(&self, schema: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.one_of(&self.document["components"]["schemas"][name]);
        }
        let alternatives = ["oneOf", "anyOf"]
            .iter()
            .find_map(|word| schema[*word].as_array());
        let mut alternatives = alternatives.into_iter().flatten();
        match alternatives.find(|alternative| alternative["type"] != "null") {
            Some(alternative) => self.one_of(alternative),
            None => schema.clone(),
        }
    }

    fn properties(&self, schema: &Value) -> Map<String, Value> {
        let schema = self.one_of(schema);
        let mut all = schema["properties"].as_object().cloned().unwrap_or_default();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            all.extend(self.properties(part));
        }
        all
    }

    /// A value as the schema describes it.
    fn sample(&self, schema: &Value) -> Value {
        if !schema["example"].is_null() {
            return schema["example"].clone();
        }
        let schema = self.one_of(schema);
        let properties = self.properties(&schema);
        if !properties.is_empty() {
            let fields = properties.iter();
            return fields
                .map(|(name, field)| (name.clone(), self.sample(field)))
                .collect();
        }
        let example = [&schema["example"], &schema["examples"][0], &schema["enum"][0]];
        if let Some(example) = example.into_iter().find(|example| !example.is_null()) {
            return example.clone();
        }
        let kinds = schema["type"]
            .as_array()
            .map_or(&schema["type"], |kinds| &kinds[0]);
        match kinds.as_str() {
            Some("array") => json!([self.sample(&schema["items"])]),
            Some("object") => json!({}),
            Some("boolean") => json!(true),
            Some("integer" | "number") => json!(1),
            _ if schema["format"] == "email" => json!("jane@example.com"),
            _ => json!("x"),
        }
    }

    /// Bodies with all fields, with those of the example, with each word of the fields that have words, and each of them
    /// without each of its fields.
    fn bodies(&self) -> Vec<Value> {
        let Some((schema, example)) = self.body() else {
            return Vec::new();
        };
        let full = self.sample(schema);
        let mut bodies = vec![full.clone(), example.clone()];
        for (name, field) in self.properties(schema) {
            for word in self.one_of(&field)["enum"].as_array().into_iter().flatten() {
                let mut body = full.clone();
                body[&name] = word.clone();
                bodies.push(body);
            }
        }
        let shorter: Vec<Value> = bodies.iter().flat_map(without_each).collect();
        bodies.extend(shorter);
        bodies
    }

    /// Queries with all parameters, and without each of them.
    fn queries(&self) -> Vec<String> {
        let all: Map<String, Value> = self
            .parameters("query")
            .map(|parameter| {
                let name = parameter["name"].as_str().unwrap().to_owned();
                let example = &parameter["example"];
                let value = if example.is_null() {
                    self.sample(&parameter["schema"])
                } else {
                    example.clone()
                };
                (name, value)
            })
            .collect();
        let all = Value::Object(all);
        let shorter = without_each(&all);
        std::iter::once(all)
            .chain(shorter)
            .map(|query| encoded(&query))
            .collect()
    }

    fn url(&self, query: &str) -> String {
        let path = self
            .parameters("path")
            .fold(self.path.to_owned(), |path, parameter| {
                let name = parameter["name"].as_str().unwrap();
                path.replace(&format!("{{{name}}}"), parameter["example"].as_str().unwrap())
            });
        format!("{path}?{query}")
    }

    /// What the handler reads of all these requests. Nobody takes the events: that comes after reading.
    async fn read(&self, service: &Service) -> BTreeSet<String> {
        asked();
        let bodies = self.bodies();
        let queries = self.queries();
        let requests = queries.iter().map(|query| (query.as_str(), String::new()));
        let requests = requests.chain(bodies.iter().map(|body| ("", body.to_string())));
        for (query, body) in requests {
            let keys = [
                ("X-Api-Key", KEY),
                ("Y-API-Key", KEY),
                ("Authorization", &format!("Bearer {KEY}")),
            ];
            let request = request(
                &self.method.to_uppercase(),
                &self.url(query),
                &keys,
                Body::from(body),
            );
            service.router.clone().oneshot(request).await.unwrap();
        }
        asked()
    }
}

fn encoded(query: &Value) -> String {
    let mut encoder = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.as_object().unwrap() {
        match value {
            Value::Object(_) => encoder.append_pair(&format!("{name}[key]"), "value"),
            Value::String(text) => encoder.append_pair(name, text),
            other => encoder.append_pair(name, &other.to_string()),
        };
    }
    encoder.finish()
}

/// The value without each of its fields in turn, however deep.
fn without_each(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let mut shorter = Vec::new();
            for (name, field) in fields {
                let mut without = fields.clone();
                without.remove(name);
                shorter.push(Value::Object(without));
                for field in without_each(field) {
                    let mut with = fields.clone();
                    with.insert(name.clone(), field);
                    shorter.push(Value::Object(with));
                }
            }
            shorter
        }
        Value::Array(entries) => {
            let entries = entries.iter().flat_map(without_each);
            entries.map(|entry| json!([entry])).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn every_field_that_is_read_is_described_and_the_reverse() {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for call in calls(&document) {
        let mut service = Service::new();
        service.submissions.close();
        let (read, described) = (call.read(&service).await, call.described());
        count += described.len();
        let missing: Vec<_> = read
            .difference(&described)
            .filter(|name| !NO_FIELDS.contains(&name.as_str()))
            .collect();
        let unread: Vec<_> = described
            .difference(&read)
            .filter(|name| !name.starts_with(KEPT_WHOLE))
            .collect();
        if !missing.is_empty() || !unread.is_empty() {
            wrong.push(format!(
                "{} {}: read and not described: {missing:?}; described and not read: {unread:?}",
                call.method, call.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 150, "{count} fields");
}
