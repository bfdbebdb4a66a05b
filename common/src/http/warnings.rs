//! What was left out or cut of a request that was taken all the same: noted while it is read, told in its answer, and kept with
//! its event. It stands in `warnings` of a JSON object, where Tapfiliate's resources have a place for it and elsewhere only when
//! there is something to say; where the body is a list, somebody's free data or a pixel, in the
//! `Warning` header.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::Response,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::{RawValue, to_raw_value};

/// Warnings of one request, at most: whose template is broken everywhere learns it from these, too.
pub const MAX_WARNINGS: usize = 20;
/// The field of an answer.
const WARNINGS: &str = "warnings";
const WARNING: HeaderName = HeaderName::from_static("warning");

/// The warnings of one request. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Each once, [`MAX_WARNINGS`] at most.
    pub fn add(&self, warning: String) {
        let mut noted = self.noted();
        if noted.len() < MAX_WARNINGS && !noted.contains(&warning) {
            noted.push(warning);
        }
    }

    /// What has been noted until now.
    pub fn all(&self) -> Vec<String> {
        self.noted().clone()
    }

    fn noted(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `response` with the warnings of its request. `is_free`: its body is somebody's free data.
pub(super) async fn tell(response: Response, warnings: &Warnings, is_free: bool) -> Response {
    let noted = warnings.all();
    let kind = response.headers().get(CONTENT_TYPE);
    // Errors have their documented shapes, and name what they are about.
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_of = |what: &[u8]| kind.is_some_and(|kind| kind.as_bytes().starts_with(what));
    let (is_json, is_image) = (is_of(b"application/json"), is_of(b"image/"));
    if is_error || noted.is_empty() || !(is_json || is_image) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    if is_image {
        head.headers.extend(header(&noted));
        return Response::from_parts(head, body);
    }
    // It was made in memory a moment ago.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let told = if is_free {
        None
    } else {
        with_warnings(&bytes, &noted)
    };
    let body = if let Some(told) = told {
        head.headers.remove(CONTENT_LENGTH);
        Body::from(told)
    } else {
        head.headers.extend(header(&noted));
        Body::from(bytes)
    };
    Response::from_parts(head, body)
}

fn header(noted: &[String]) -> Option<(HeaderName, HeaderValue)> {
    let header = HeaderValue::try_from(format!("199 - {:?}", noted.join("; ")));
    Some((WARNING, header.ok()?))
}

/// The object in `body` with `noted` beside the warnings that it has. `None` where there is no place for them: in what is no
/// object, and in the documented words of a refusal (seed: Yaplet, `success: false`).
fn with_warnings(body: &[u8], noted: &[String]) -> Option<Vec<u8>> {
    let InOrder(mut fields) = serde_json::from_slice(body).ok()?;
    let is_refusal = |(name, value): &(Cow<'_, str>, &RawValue)| name == "success" && value.get() == "false";
    if fields.iter().any(is_refusal) {
        return Some(body.to_vec());
    }
    let own = fields.iter().position(|(name, _)| name == WARNINGS);
    let told = own.and_then(|at| fields.get(at)).map(|(_, told)| told.get());
    let mut all: Vec<String> = told
        .and_then(|told| serde_json::from_str(told).ok())
        .unwrap_or_default();
    for noted in noted {
        if !all.contains(noted) {
            all.push(noted.clone());
        }
    }
    let all = to_raw_value(&all).ok()?;
    match own.and_then(|at| fields.get_mut(at)) {
        Some((_, told)) => *told = &all,
        None => fields.push((WARNINGS.into(), &all)),
    }
    serde_json::to_vec(&InOrder(fields)).ok()
}

/// The fields of an object in the order in which they stand, which is documented for some.
struct InOrder<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a, 'de: 'a> Deserialize<'de> for InOrder<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsInOrder)
    }
}

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

struct FieldsInOrder;

impl<'de> Visitor<'de> for FieldsInOrder {
    type Value = InOrder<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            fields.push((Cow::Owned(name), map.next_value()?));
        }
        Ok(InOrder(fields))
    }
}

#[cfg(test)]
mod tests {
    use axum::{Json, http::StatusCode, response::IntoResponse};
    use serde_json::{Value, json};

    use super::*;

    async fn told(body: Value, is_free: bool) -> (Value, Option<String>) {
        let warnings = Warnings::default();
        warnings.add("a \u{e9} \"b\"".to_owned());
        let response = tell((StatusCode::OK, Json(body)).into_response(), &warnings, is_free).await;
        let header = response
            .headers()
            .get(WARNING)
            .map(|text| text.to_str().unwrap_or("?").to_owned());
        let bytes = to_bytes(response.into_body(), 1_000).await.unwrap();
        (serde_json::from_slice(&bytes).unwrap(), header)
    }

    #[tokio::test]
    async fn an_answer_has_them_where_there_is_a_place() {
        let exact: Value = serde_json::from_str(r#"{"amount":100.0,"warnings":["c"]}"#).unwrap();
        let (body, header) = told(exact, false).await;
        assert_eq!(
            body.to_string(),
            r#"{"amount":100.0,"warnings":["c","a é \"b\""]}"#
        );
        assert_eq!(header, None);
        let documented = r#"{"success":true,"z":{"b":1,"a":2},"a":1.50,"warnings":null,"k":[]}"#;
        let warned = with_warnings(documented.as_bytes(), &["w".to_owned()]).unwrap();
        assert_eq!(
            String::from_utf8(warned).unwrap(),
            r#"{"success":true,"z":{"b":1,"a":2},"a":1.50,"warnings":["w"],"k":[]}"#,
            "in the documented order"
        );
        let (body, _) = told(json!({"id": 1, "warnings": null}), false).await;
        assert_eq!(body["warnings"], json!(["a é \"b\""]));
        let refused = json!({"success": false, "message": "no"});
        assert_eq!(
            told(refused.clone(), false).await,
            (refused, None),
            "a documented shape"
        );
        let (body, header) = told(json!({"foo": "bar"}), true).await;
        assert_eq!(
            (body, header.is_some()),
            (json!({"foo": "bar"}), true),
            "somebody's own names"
        );
        let (body, header) = told(json!([1]), false).await;
        assert_eq!((body, header.is_some()), (json!([1]), true));
    }

    #[tokio::test]
    async fn nothing_is_told_where_nothing_was_noted() {
        let response = tell(Json(json!({"a": 1})).into_response(), &Warnings::default(), false).await;
        let bytes = to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(&bytes[..], br#"{"a":1}"#);
    }

    #[test]
    fn they_are_few() {
        let warnings = Warnings::default();
        for number in 0..=MAX_WARNINGS {
            warnings.add("the same".to_owned());
            warnings.add(number.to_string());
        }
        assert_eq!(warnings.all().len(), MAX_WARNINGS);
    }
}
