//! Reading requests leniently, the same for all dialects: JSON or form, query or body, text or number.
//!
//! What real clients send decides here, not what they declare. Nothing here knows a dialect's field names.

#[cfg(any(test, feature = "testing"))]
mod asked;
mod body;
mod charset;
mod fields;
mod fingerprint;
mod form;
mod free;
mod ids;
mod invalid;
mod invisible;
mod json;
mod macros;
mod multipart;
mod names;
mod number;
mod numbers;
mod placeholder;
mod preference;
mod received;
mod repair;
mod separators;
mod text_checks;
mod timestamp;
mod value;

#[cfg(any(test, feature = "testing"))]
pub use asked::asked;
pub use body::{BODY_TIMEOUT, FREE_BODY_BYTES, MAX_BODY_BYTES, SCARCE_BODY_TIMEOUT};
pub(in crate::http) use body::{NotAwaited, Reading};
pub use fields::{Fields, MAX_EMAIL, MAX_ID, MAX_NAME, MAX_NOTES, MAX_OBJECT_BYTES, MAX_USER_AGENT};
pub use fingerprint::of_fields;
pub use form::{MAX_PARAMETERS, named_values};
pub use free::{MAX_FREE_BYTES, cut_to};
pub use ids::folded_customer;
pub use invalid::{Invalid, named_first};
pub use json::{MAX_DEPTH, parse as json_object};
pub use names::check_name;
pub use number::{MAX_EXPONENT, MAX_NUMBER_TEXT, json_number};
pub use preference::{
    DEFAULT_WAIT, IdempotencyKey, MAX_IDEMPOTENCY_KEY, MAX_WAIT, Preferences, Wait, in_scope,
};
pub use received::Received;
pub(in crate::http) use received::sent_values;
pub use timestamp::{EARLIEST_TIME, MAX_AHEAD};
pub use value::Sent;

use super::Warnings;
use encoding_rs::UTF_8;

/// Bytes of path and query, at most.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// The fields of a query, whose reader notes in `warnings` what it leaves out.
///
/// # Errors
/// When something may be stored nowhere, there are too many parameters, or one is glued to an id.
pub fn query_fields(query: &str, warnings: &Warnings) -> Result<Fields, Invalid> {
    Fields::noting(form::parse(query, UTF_8)?, warnings)
}

/// A code in a path, held to what its field would be. A macro names nobody, and is looked for as any other code.
///
/// # Errors
/// When it is empty, too long, or has signs within that nobody sees.
pub fn path_text(name: &str, text: &str) -> Result<String, Invalid> {
    Fields::new(serde_json::Map::new())?.tidy_text(name, text)
}
