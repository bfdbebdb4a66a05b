//! `POST /1.6/clicks/`

use common::domain::{Body, MetaData, RecordClick};
use serde_json::Value;

use crate::tapfiliate::params::details;
use common::http::request::{Fields, Invalid, MAX_ID, MAX_META_PROPERTIES};

/// Characters of a page's address.
pub(super) const MAX_PAGE: usize = 4_000;

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn create(fields: &Fields) -> Result<Body, Invalid> {
    Ok(Body::Click(Box::new(RecordClick {
        referral_code: fields.required_text("referral_code", MAX_ID)?,
        source_id: fields.text("source_id", MAX_ID)?,
        referrer: fields.prose("referrer", MAX_PAGE)?,
        landing_page: fields.prose("landing_page", MAX_PAGE)?,
        meta_data: meta_data(fields)?,
        details: details(fields)?,
        ..RecordClick::default()
    })))
}

/// An object as everywhere else, or pairs as the answers print them: `{"key": "subid1", "value": "baz"}`, one or a list.
fn meta_data(fields: &Fields) -> Result<MetaData, Invalid> {
    const NAME: &str = "meta_data";
    let mut all = MetaData::new();
    for entry in fields.list(NAME, MAX_META_PROPERTIES)? {
        let mut values = entry.into_values();
        if values.len() == 2 && values.contains_key("key") && values.contains_key("value") {
            let (Some(Value::String(key)), Some(value)) = (values.remove("key"), values.remove("value"))
            else {
                return Err(fields.wrong(NAME, "has a key that is no string"));
            };
            all.insert(key, value);
        } else {
            all.extend(values);
        }
    }
    let checked = Fields::new(MetaData::from_iter([(NAME.to_owned(), Value::Object(all))]))?;
    Ok(checked.meta_data(NAME)?.unwrap_or_default())
}
