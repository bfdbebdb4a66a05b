//! From the parameters of a postback to a sale or to the change of one.

use common::domain::{
    Attribution, Body, ConversionStatus, CreateConversion, Currency, CustomerRef, Identity, MetaData,
    UpdateConversion,
};

use crate::request::{Fields, Invalid, MAX_ID, MAX_USER_AGENT};

/// Characters of an address, at most: proxies send lists of them.
const MAX_IP: usize = 255;

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn create(fields: &Fields) -> Result<Body, Invalid> {
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
pub(super) fn update(fields: &Fields) -> Result<Body, Invalid> {
    Ok(Body::UpdateConversion(UpdateConversion {
        external_id: fields.required_text("external_id", MAX_ID)?,
        amount: fields.amount("amount")?,
        status: status(fields)?,
        meta_data: fields.meta_data("meta_data")?,
    }))
}

fn attribution(fields: &Fields) -> Result<Attribution, Invalid> {
    let sent = Attribution {
        coupon: fields.text("coupon", MAX_ID)?,
        click_id: fields.text("click_id", MAX_ID)?,
        referral_code: fields.text("referral_code", MAX_ID)?,
        asset_id: fields.text("asset_id", MAX_ID)?,
        source_id: fields.text("source_id", MAX_ID)?,
        ..Attribution::default()
    };
    let has_source = sent.asset_id.is_some() && sent.source_id.is_some();
    if sent.coupon.is_none() && sent.click_id.is_none() && sent.referral_code.is_none() && !has_source {
        return Err(Invalid::new(
            "one of coupon, click_id, referral_code, or asset_id together with source_id is required",
        ));
    }
    Ok(sent)
}

pub(crate) fn currency(fields: &Fields) -> Result<Option<Currency>, Invalid> {
    let Some(code) = fields.text("currency", MAX_ID)? else {
        return Ok(None);
    };
    code.trim()
        .parse()
        .map(Some)
        .map_err(|_unknown| fields.wrong("currency", "must be an ISO 4217 code"))
}

fn customer(fields: &Fields) -> Result<Option<CustomerRef>, Invalid> {
    let id = fields.text("customer_id", MAX_ID)?;
    Ok(id.map(|id| CustomerRef {
        identity: Identity::Id(id.clone()),
        external_id: Some(id),
        email: None,
        name: None,
        meta_data: MetaData::new(),
    }))
}

fn details(fields: &Fields) -> Result<MetaData, Invalid> {
    let mut details = MetaData::new();
    for (name, limit) in [("user_agent", MAX_USER_AGENT), ("ip", MAX_IP)] {
        if let Some(text) = fields.prose(name, limit)? {
            details.insert(name.to_owned(), text.into());
        }
    }
    Ok(details)
}

fn status(fields: &Fields) -> Result<Option<ConversionStatus>, Invalid> {
    match fields.text("status", MAX_ID)?.as_deref() {
        None => Ok(None),
        Some("approved") => Ok(Some(ConversionStatus::Approved)),
        Some("disapproved") => Ok(Some(ConversionStatus::Disapproved)),
        Some(_) => Err(fields.wrong("status", "must be approved or disapproved")),
    }
}
