//! A visitor has signed up.

use common::domain::{Body, Lead};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Names,
    details::{MAX_PAGE_URL, details},
    errors::LEAD_NAMES_NOBODY,
};
use common::http::request::{Fields, Invalid, MAX_ID, path_text};

/// Clicks that one lead may name.
const MAX_CLICK_IDS: usize = 20;
/// The same without a key: each is looked for, and a browser has one.
const MAX_KEYLESS_CLICK_IDS: usize = 5;
const DETAILS: [(&str, usize); 2] = [("session_id", MAX_ID), ("page_url", MAX_PAGE_URL)];

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn parse(fields: &Fields, names: Names, is_keyed: bool) -> Result<Body, Invalid> {
    let limit = if is_keyed {
        MAX_CLICK_IDS
    } else {
        MAX_KEYLESS_CLICK_IDS
    };
    let lead = Lead {
        click_ids: click_ids(fields, names, limit)?,
        customer_id: customer_key(fields, names)?,
        email: fields.email("email")?.map(|address| hashed(&address)),
        details: details(fields, &DETAILS)?,
        ..Lead::default()
    };
    if lead.click_ids.is_empty() && lead.customer_id.is_none() {
        return Err(Invalid::new(LEAD_NAMES_NOBODY));
    }
    Ok(Body::Lead(Box::new(lead)))
}

/// `customer_key`, or `user_id` as it was called before.
pub(super) fn customer_key(fields: &Fields, names: Names) -> Result<Option<String>, Invalid> {
    either(fields, names, "customer_key", "user_id")
}

/// `click_id`, or `customer_code` as it was called before.
pub(super) fn click_id(fields: &Fields, names: Names) -> Result<Option<String>, Invalid> {
    either(fields, names, "click_id", "customer_code")
}

fn either(fields: &Fields, names: Names, current: &str, legacy: &str) -> Result<Option<String>, Invalid> {
    match fields.text(current, MAX_ID)? {
        None if names == Names::Legacy => fields.text(legacy, MAX_ID),
        found => Ok(found),
    }
}

/// Addresses are never kept as they are (seed: Affitor, lead).
pub(super) fn hashed(address: &str) -> String {
    let hash = Sha256::digest(address.trim().to_lowercase().as_bytes());
    format!("sha256:{}", hex::encode(hash))
}

/// `click_id` first, then what `click_ids` adds.
fn click_ids(fields: &Fields, names: Names, limit: usize) -> Result<Vec<String>, Invalid> {
    let mut ids: Vec<String> = click_id(fields, names)?.into_iter().collect();
    let wrong = |what: &str| fields.wrong("click_ids", what);
    let more = match fields.value("click_ids")? {
        None => &[],
        Some(Value::Array(list)) => list.as_slice(),
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(_) => return Err(wrong("must be a list of strings")),
    };
    for id in more {
        let id = match id {
            Value::Null => continue,
            Value::String(text) if text.trim().is_empty() => continue,
            Value::String(text) => path_text("click_ids", text)?,
            _ => return Err(wrong("must be a list of strings")),
        };
        if ids.contains(&id) {
            continue;
        }
        if ids.len() >= limit {
            return Err(wrong(&format!("names more than {limit} clicks")));
        }
        ids.push(id);
    }
    Ok(ids)
}
