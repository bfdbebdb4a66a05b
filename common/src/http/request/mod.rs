//! Reading requests leniently, the same for all dialects: JSON or form, query or body, text or number.
//!
//! What real clients send decides here, not what they declare. Nothing here knows a dialect's field names.

#[cfg(any(test, feature = "testing"))]
mod asked;
mod body;
mod fields;
mod fingerprint;
mod form;
mod invalid;
mod json;
mod macros;
mod number;
mod preference;
mod received;
mod text_checks;
mod timestamp;
mod value;

#[cfg(any(test, feature = "testing"))]
pub use asked::asked;
pub use body::{BODY_TIMEOUT, MAX_BODY_BYTES};
pub use fields::{
    Fields, MAX_EMAIL, MAX_ID, MAX_META_KEY, MAX_META_PROPERTIES, MAX_META_VALUE, MAX_NAME, MAX_NOTES,
    MAX_OBJECT_BYTES, MAX_USER_AGENT,
};
pub use fingerprint::of_fields;
pub use form::{MAX_PARAMETERS, named_values};
pub use invalid::Invalid;
pub use json::{MAX_DEPTH, parse as json_object};
pub use number::{MAX_EXPONENT, MAX_NUMBER_TEXT, json_number};
pub use preference::{
    DEFAULT_WAIT, IdempotencyKey, MAX_IDEMPOTENCY_KEY, MAX_WAIT, Preferences, Wait, in_scope,
};
pub use received::Received;
pub(in crate::http) use received::sent_values;
pub use timestamp::{EARLIEST_TIME, MAX_AHEAD};
pub use value::Sent;

/// Bytes of path and query, at most.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// The fields of a query.
///
/// # Errors
/// When a parameter is not UTF-8 or may be stored nowhere, or there are too many.
pub fn query_fields(query: &str) -> Result<Fields, Invalid> {
    Fields::new(form::parse(query)?)
}

/// A path's text, held to what its field would be.
///
/// # Errors
/// When it is empty, too long, has a NUL character or an unresolved macro.
pub fn path_text(name: &str, text: &str) -> Result<String, Invalid> {
    let mut values = serde_json::Map::new();
    values.insert(name.to_owned(), text.into());
    Fields::new(values)?.required_text(name, MAX_ID)
}
