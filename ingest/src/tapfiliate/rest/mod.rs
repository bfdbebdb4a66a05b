//! REST 1.6, what it tracks: conversions and their commissions, customers, clicks. What it reads is the api's.

mod click;
mod commissions;
mod conversion;
mod customer;
mod effect;
mod route;

pub use commissions::MAX_COMMISSIONS;
pub use route::routes;

use common::domain::AttributionFields;

use crate::tapfiliate::params;
use common::http::request::{Fields, Invalid, MAX_ID};

/// Postback's ways to name an affiliate, and the click under its other names.
fn attribution(fields: &Fields) -> Result<AttributionFields, Invalid> {
    let mut sent = params::attribution(fields)?;
    if sent.click_id.is_none()
        && let Some(click) = fields.nested("click")?
    {
        // Until version 1.5 a click was sent as an object.
        sent.click_id = click.text("id", MAX_ID)?;
    }
    sent.tracking_id = fields.text("tracking_id", MAX_ID)?;
    if sent.tracking_id.is_none() {
        sent.tracking_id = fields.text("visitor_id", MAX_ID)?;
    }
    Ok(sent)
}

/// A program's type by its identifier. Published plugins send `default` for "none in particular".
fn commission_type(fields: &Fields) -> Result<Option<String>, Invalid> {
    let identifier = fields.text("commission_type", MAX_ID)?;
    Ok(identifier.filter(|identifier| identifier != "default"))
}
