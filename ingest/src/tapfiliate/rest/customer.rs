//! `POST /1.6/customers/`

use common::domain::{Body, CreateCustomer};

use super::attribution;
use crate::tapfiliate::params::{details, leads_somewhere, track};
use common::http::request::{Fields, Invalid, MAX_ID};

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn create(fields: &Fields) -> Result<Body, Invalid> {
    let attribution = attribution(fields)?;
    if !leads_somewhere(&attribution) {
        return Err(Invalid::new(
            "one of coupon, referral_code, click_id, tracking_id, or asset_id together with source_id is required",
        ));
    }
    Ok(Body::CreateCustomer(Box::new(CreateCustomer {
        customer_id: fields.required_text("customer_id", MAX_ID)?,
        attribution,
        track: track(fields)?,
        meta_data: fields.meta_data("meta_data")?.unwrap_or_default(),
        details: details(fields)?,
        override_max_cookie_time: fields.flag("override_max_cookie_time")?.unwrap_or(false),
    })))
}
