//! Money was given back for a sale.

use common::domain::{Body, Refund};
use serde_json::Value;

use super::sale::minor_units;
use common::http::request::{Fields, Invalid, MAX_ID};

/// Without a `refund_id` two refunds of one amount are one and its retry: documented clients send none, and repeat.
///
/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn parse(fields: &Fields) -> Result<Body, Invalid> {
    let external_id = fields.required_text("transaction_id", MAX_ID)?;
    let minor_units = part(fields)?;
    let by_amount = minor_units.map_or_else(|| "affitor:full".to_owned(), |units| format!("affitor:{units}"));
    Ok(Body::Refund(Refund {
        external_id,
        minor_units,
        refund_id: Some(fields.text("refund_id", MAX_ID)?.unwrap_or(by_amount)),
        ..Refund::default()
    }))
}

/// `None` and 0 mean all of it (seed: Affitor, refund).
fn part(fields: &Fields) -> Result<Option<i64>, Invalid> {
    const NAME: &str = "refund_amount_cents";
    let is_sent = match fields.value(NAME)? {
        None => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    };
    if !is_sent {
        return Ok(None);
    }
    let units = minor_units(fields, NAME);
    let units = units.ok_or_else(|| fields.wrong(NAME, "must be a positive integer"))?;
    Ok(Some(units).filter(|units| *units > 0))
}
