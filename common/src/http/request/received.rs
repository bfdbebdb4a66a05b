//! One request, read to its end.

use std::borrow::Cow;

use crate::domain::Idempotency;
use axum::{
    extract::Request,
    http::{HeaderMap, Method, header::CONTENT_ENCODING},
};
use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use serde_json::{Map, Value};

use super::{
    Fields, Invalid, MAX_BODY_BYTES,
    body::{self, BodyBegan},
    charset,
    fingerprint::{Fingerprint, Said},
    form,
    invisible::trimmed,
    json, multipart, preference,
    value::Sent,
};
use crate::http::{Connection, Origin, Rejection, Warnings, noted, request::Wait};

#[derive(Debug)]
pub struct Received {
    pub method: Method,
    pub wait: Wait,
    pub idempotency: Option<Idempotency>,
    /// `None` where no layer gave it one.
    pub origin: Option<Origin>,
    /// The character set of the body.
    charset: &'static Encoding,
    query: String,
    body: Bytes,
}

impl Received {
    /// # Errors
    /// 413, 408, or 400 for a compressed body or a bad `Idempotency-Key`.
    pub async fn read(request: Request) -> Result<Self, Rejection> {
        Self::read_up_to(request, MAX_BODY_BYTES).await
    }

    /// With a body of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Received::read`].
    pub async fn read_up_to(request: Request, limit: usize) -> Result<Self, Rejection> {
        let (head, body) = request.into_parts();
        let connection = head.extensions.get::<Connection>();
        let began = head.extensions.get::<BodyBegan>().copied();
        let body = body::read(body, limit, connection, began).await?;
        noted::body(&body);
        if is_compressed(&head.headers, &body) {
            return Err(
                Invalid::new("compressed bodies are not taken: send it without Content-Encoding").into(),
            );
        }
        let query = head.uri.query().unwrap_or_default().to_owned();
        let mut received = Self {
            origin: head.extensions.get().cloned(),
            wait: preference::wait(&head.headers),
            idempotency: None,
            charset: charset::declared(&head.headers),
            method: head.method,
            query,
            body,
        };
        let key = preference::idempotency_key(&head.headers)?;
        received.idempotency = key.map(|key| received.idempotency(key, head.uri.path()));
        Ok(received)
    }

    /// The body as it was sent.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text, in which U+FFFD stands for what cannot be read.
    pub fn text(&self) -> Cow<'_, str> {
        charset::text_of(&self.body, self.charset)
    }

    /// What is left out and cut by whoever reads the fields.
    pub fn warnings(&self) -> Warnings {
        self.origin
            .as_ref()
            .map(|origin| origin.warnings.clone())
            .unwrap_or_default()
    }

    /// The fields of the body: of a JSON object if it is one, else of a form, whatever the content type says.
    ///
    /// # Errors
    /// When the body cannot be read as either.
    pub fn body_fields(&self) -> Result<Fields, Invalid> {
        Fields::noting(self.body_values()?, &self.warnings())
    }

    /// The fields of query and body together.
    ///
    /// # Errors
    /// As [`Received::body_fields`].
    pub fn all_fields(&self) -> Result<Fields, Invalid> {
        let mut sent = form::parse(&self.query, UTF_8)?;
        sent.extend(self.body_values()?);
        Fields::noting(sent, &self.warnings())
    }

    /// The fields of each object of a list, or of the one object that the body is.
    ///
    /// # Errors
    /// As [`Received::body_fields`], and when the list is empty or longer than `limit`.
    pub fn body_list(&self, limit: usize) -> Result<Vec<Fields>, Invalid> {
        let text = self.text();
        let text = text.trim();
        if !text.starts_with('[') {
            return Ok(vec![self.body_fields()?]);
        }
        let list = json::parse_list(text)?;
        if list.is_empty() || list.len() > limit {
            return Err(Invalid::new(format!("the list must have 1 to {limit} entries")));
        }
        let (numbered, warnings) = (list.into_iter().enumerate(), self.warnings());
        numbered
            .map(|(index, sent)| Fields::entry(&format!("[{index}]"), sent, &warnings))
            .collect()
    }

    /// What makes the request the same when it comes again under `key`.
    fn idempotency(&self, key: String, path: &str) -> Idempotency {
        let request = Fingerprint {
            method: self.method.as_str(),
            path,
            query: &self.query,
            body: &self.body,
        };
        let said = Said {
            query: form::parse(&self.query, UTF_8)
                .ok()
                .map(|sent| Value::Object(sent.values))
                .filter(is_legible),
            body: self.body_value().filter(is_legible),
        };
        let (has_secret, bytes) = (said.has_secret(), request.of_bytes());
        Idempotency::new(key, &request.of_meaning(said), bytes, has_secret)
    }

    /// The body's fields, or its list; `None` where it cannot be read.
    fn body_value(&self) -> Option<Value> {
        let text = self.text();
        let text = text.trim();
        if text.starts_with('[') {
            return json::parse_any(text).ok();
        }
        self.body_values().ok().map(|sent| Value::Object(sent.values))
    }

    fn body_values(&self) -> Result<Sent, Invalid> {
        let text = self.text();
        let text = trimmed(&text);
        if json::looks_like_json(text) {
            json::parse(text)
        } else if multipart::looks_like_multipart(text) {
            multipart::parse(self.body.clone(), self.charset)
        } else if !form::looks_like_form(text) {
            Err(Invalid::new("the request body is neither JSON nor a form"))
        } else {
            form::parse(text, self.charset)
        }
    }
}

/// Whether nothing of it was lost when it was read: else two bodies of different bytes would be one.
fn is_legible(value: &Value) -> bool {
    !value.to_string().contains(charset::LOST)
}

/// Encodings of a body that are not taken.
const COMPRESSIONS: [&str; 7] = [
    "gzip",
    "x-gzip",
    "deflate",
    "br",
    "zstd",
    "compress",
    "x-compress",
];

/// Some clients name a character set in this header, or an encoding that they do not use: what can be read decides.
fn is_compressed(headers: &HeaderMap, body: &[u8]) -> bool {
    let named = headers
        .get(CONTENT_ENCODING)
        .map(|value| value.as_bytes().to_ascii_lowercase());
    let is_one =
        named.is_some_and(|named| COMPRESSIONS.iter().any(|name| named.starts_with(name.as_bytes())));
    is_one && std::str::from_utf8(body).is_err()
}

/// What was sent, as far as it can be read: for who looks at a request that cannot be.
pub(in crate::http) fn sent_values(query: &str, body: &[u8]) -> Map<String, Value> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let body = if json::looks_like_json(text) {
        json::parse(text)
    } else {
        form::parse(text, UTF_8)
    };
    let mut sent = form::parse(query, UTF_8).unwrap_or_default();
    sent.extend(body.unwrap_or_default());
    sent.values
}
