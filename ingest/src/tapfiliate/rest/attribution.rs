//! How a conversion or a customer may name its affiliate, and how a commission its type.

use common::domain::AttributionFields;
use utoipa::ToSchema;

use crate::tapfiliate::params;
use common::http::request::{Fields, Invalid};

/// The click under its other names.
#[derive(ToSchema)]
#[schema(as = rest::ClickNames)]
#[expect(dead_code, reason = "describes what `attribution` reads")]
pub(super) struct ClickNames {
    tracking_id: Option<String>,
    /// As `tracking_id`.
    visitor_id: Option<String>,
    /// As `click_id`: until version 1.5 a click was sent as an object.
    click: Option<SentClick>,
}

#[derive(ToSchema)]
#[schema(as = rest::SentClick)]
#[expect(dead_code, reason = "describes what `attribution` reads")]
struct SentClick {
    id: Option<String>,
}

/// What calls with an affiliate take in their query.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes a flag of several calls")]
pub(super) struct Override {
    /// A click counts whatever its age.
    #[param(example = false)]
    override_max_cookie_time: Option<bool>,
}

/// Postback's ways to name an affiliate, and the click under its other names.
pub(super) fn attribution(fields: &Fields) -> Result<AttributionFields, Invalid> {
    let mut sent = params::attribution(fields)?;
    if sent.click_id.is_none()
        && let Some(click) = fields.nested("click")?
    {
        sent.click_id = click.identity("id")?;
    }
    sent.tracking_id = fields.identity("tracking_id")?;
    if sent.tracking_id.is_none() {
        sent.tracking_id = fields.identity("visitor_id")?;
    }
    Ok(sent)
}

/// A program's type by its identifier. Published plugins send `default` for "none in particular".
pub(super) fn commission_type(fields: &Fields) -> Result<Option<String>, Invalid> {
    let identifier = fields.code("commission_type")?;
    Ok(identifier.filter(|identifier| identifier != "default"))
}
