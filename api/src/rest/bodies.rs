//! Bodies as clients send them.

use common::http::request::{Fields, Invalid, Received};
use serde_json::Map;

/// The fields of a body; PHP prints none as an empty list.
///
/// # Errors
/// When the body cannot be read.
pub(super) fn fields_of(received: &Received) -> Result<Fields, Invalid> {
    let is_empty_list = received.body().trim_ascii() == b"[]";
    if is_empty_list {
        Fields::new(Map::new())
    } else {
        received.body_fields()
    }
}
