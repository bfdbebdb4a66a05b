//! Parameters that have the same names and meaning in Postback 1.7 and REST 1.6.

use common::domain::{AttributionFields, Currency, CustomerLifecycle, CustomerRef, Identity, MetaData};
use utoipa::ToSchema;

use common::http::request::{Fields, Invalid, MAX_USER_AGENT};

/// Characters of an address, at most: proxies send lists of them.
const MAX_IP: usize = 255;

/// By what an affiliate may be found: one of these, or `asset_id` together with `source_id`.
#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = tapfiliate::Attribution)]
#[expect(dead_code, reason = "describes what `attribution` reads")]
pub(crate) struct Attribution {
    #[param(example = "nwjinmy")]
    referral_code: Option<String>,
    coupon: Option<String>,
    /// The click's UUID.
    click_id: Option<String>,
    asset_id: Option<String>,
    source_id: Option<String>,
}

/// What is kept for reports.
#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = tapfiliate::Details)]
#[expect(dead_code, reason = "describes what `details` reads")]
pub(crate) struct Details {
    user_agent: Option<String>,
    ip: Option<String>,
}

/// By what an affiliate may be found in both dialects.
pub(super) fn attribution(fields: &Fields) -> Result<AttributionFields, Invalid> {
    Ok(AttributionFields {
        coupon: fields.code("coupon")?,
        click_id: fields.identity("click_id")?,
        referral_code: fields.referral_code("referral_code")?,
        asset_id: fields.code("asset_id")?,
        source_id: fields.code("source_id")?,
        ..AttributionFields::default()
    })
}

/// As [`attribution`], of which something must lead to an affiliate.
///
/// # Errors
/// Names what would.
pub(super) fn required_attribution(fields: &Fields) -> Result<AttributionFields, Invalid> {
    let sent = attribution(fields)?;
    if leads_somewhere(&sent) {
        Ok(sent)
    } else {
        Err(Invalid::new(
            "one of coupon, click_id, referral_code, or asset_id together with source_id is required",
        ))
    }
}

/// Whether anything was sent that could lead to an affiliate.
pub(super) fn leads_somewhere(sent: &AttributionFields) -> bool {
    let has_source = sent.asset_id.is_some() && sent.source_id.is_some();
    let has_click = sent.click_id.is_some() || sent.tracking_id.is_some();
    has_source || has_click || sent.coupon.is_some() || sent.referral_code.is_some()
}

pub(crate) fn currency(fields: &Fields) -> Result<Option<Currency>, Invalid> {
    fields.currency("currency")
}

/// The customer of a sale, known by the merchant's id.
pub(super) fn customer(fields: &Fields) -> Result<Option<CustomerRef>, Invalid> {
    Ok(fields.customer_id("customer_id")?.map(|id| CustomerRef {
        identity: Identity::Id(id.clone()),
        external_id: Some(id),
        email: None,
        name: None,
        meta_data: MetaData::new(),
    }))
}

/// The status that a customer begins with (seed: new, trial or lead; new if none is sent).
pub(super) fn lifecycle(fields: &Fields) -> Result<CustomerLifecycle, Invalid> {
    let Some(word) = fields.word("status")? else {
        return Ok(CustomerLifecycle::default());
    };
    CustomerLifecycle::parse(&word).ok_or_else(|| fields.wrong("status", "must be new, trial or lead"))
}

/// What is kept for reports.
pub(super) fn details(fields: &Fields) -> MetaData {
    let mut details = MetaData::new();
    for (name, limit) in [("user_agent", MAX_USER_AGENT), ("ip", MAX_IP)] {
        if let Some(text) = fields.remark(name, limit) {
            details.insert(name.to_owned(), text.into());
        }
    }
    details
}
