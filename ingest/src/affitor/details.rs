//! What calls say besides the event itself: kept for reports.

use common::domain::MetaData;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use common::http::request::Fields;

/// Characters of a page's address, at most.
pub(super) const MAX_PAGE_URL: usize = 4_000;

/// Free data of a call.
#[derive(ToSchema)]
#[schema(as = affitor::AdditionalData)]
#[expect(dead_code, reason = "describes what `test_mode` reads")]
pub(super) struct AdditionalData {
    /// The call is only tried out.
    test_mode: Option<bool>,
    /// Whose test it is: slug or number; by default the key's program.
    #[schema(value_type = Option<Value>)]
    program_id: Option<Value>,
}

/// The texts of these names and lengths, and `additional_data`.
pub(super) fn details(fields: &Fields, texts: &[(&str, usize)]) -> MetaData {
    let mut details = MetaData::new();
    for (name, limit) in texts {
        if let Some(text) = fields.remark(name, *limit) {
            details.insert((*name).to_owned(), text.into());
        }
    }
    if let Some(more) = fields
        .free_object("additional_data")
        .filter(|more| !more.is_empty())
    {
        details.insert("additional_data".to_owned(), more.into());
    }
    details
}

/// Addresses are never kept as they are (seed: Affitor, lead).
pub(super) fn hashed(address: &str) -> String {
    let hash = Sha256::digest(address.trim().to_lowercase().as_bytes());
    format!("sha256:{}", hex::encode(hash))
}
