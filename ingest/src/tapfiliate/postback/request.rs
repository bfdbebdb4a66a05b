//! From the parameters of a postback to a sale or a customer, or to the change of one.

use common::domain::{
    AttributionFields, Body, ConversionStatus, CreateConversion, CreateCustomer, CustomerTarget,
    UpdateConversion, UpdateCustomer,
};

use crate::tapfiliate::params::{self, currency, customer, details, track};
use common::http::request::{Fields, Invalid, MAX_ID};

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn create_conversion(fields: &Fields) -> Result<Body, Invalid> {
    let create = CreateConversion {
        external_id: Some(fields.required_text("external_id", MAX_ID)?),
        attribution: attribution(fields)?,
        amount: fields.amount("amount")?.unwrap_or_default(),
        currency: currency(fields)?,
        customer: customer(fields)?,
        meta_data: fields.meta_data("meta_data")?.unwrap_or_default(),
        details: details(fields)?,
        ..CreateConversion::default()
    };
    Ok(Body::CreateConversion(Box::new(create)))
}

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn update_conversion(fields: &Fields) -> Result<Body, Invalid> {
    Ok(Body::UpdateConversion(UpdateConversion {
        external_id: fields.required_text("external_id", MAX_ID)?,
        amount: fields.amount("amount")?,
        status: status(fields)?,
        meta_data: fields.meta_data("meta_data")?,
    }))
}

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn create_customer(fields: &Fields) -> Result<Body, Invalid> {
    Ok(Body::CreateCustomer(Box::new(CreateCustomer {
        customer_id: fields.required_text("customer_id", MAX_ID)?,
        attribution: attribution(fields)?,
        track: track(fields)?,
        meta_data: fields.meta_data("meta_data")?.unwrap_or_default(),
        details: details(fields)?,
        override_max_cookie_time: false,
    })))
}

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn update_customer(fields: &Fields) -> Result<Body, Invalid> {
    Ok(Body::UpdateCustomer(UpdateCustomer {
        customer: CustomerTarget::Id(fields.required_text("customer_id", MAX_ID)?),
        customer_id: None,
        meta_data: fields.meta_data("meta_data")?,
        action: None,
    }))
}

fn attribution(fields: &Fields) -> Result<AttributionFields, Invalid> {
    let sent = params::attribution(fields)?;
    if params::leads_somewhere(&sent) {
        Ok(sent)
    } else {
        Err(Invalid::new(
            "one of coupon, click_id, referral_code, or asset_id together with source_id is required",
        ))
    }
}

fn status(fields: &Fields) -> Result<Option<ConversionStatus>, Invalid> {
    match fields.word("status")?.as_deref() {
        None => Ok(None),
        Some("approved") => Ok(Some(ConversionStatus::Approved)),
        Some("disapproved") => Ok(Some(ConversionStatus::Disapproved)),
        Some(_) => Err(fields.wrong("status", "must be approved or disapproved")),
    }
}
