//! What the three calls for leads have in common: their type, and by what the visitor is known.

use common::http::request::{Fields, Invalid};
use utoipa::ToSchema;

/// Who it is, at each path for leads. The session or the click is named.
#[derive(ToSchema)]
#[schema(as = affy::Visitor, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `visit` and its callers read")]
pub(super) struct Visitor {
    /// The organisation's.
    client_id: i64,
    session_id: Option<String>,
    click_id: Option<String>,
    /// The merchant's own id of the customer.
    customer_id: Option<String>,
    #[schema(format = "email")]
    customer_email: Option<String>,
    customer_name: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = affy::LeadType, rename_all = "UPPERCASE")]
pub(super) enum LeadType {
    Registration,
    Payment,
}

pub(super) fn lead_type(fields: &Fields) -> Result<Option<LeadType>, Invalid> {
    match fields.word("leadType")?.as_deref() {
        None => Ok(None),
        Some("registration") => Ok(Some(LeadType::Registration)),
        Some("payment") => Ok(Some(LeadType::Payment)),
        Some(_) => Err(fields.wrong("leadType", "must be REGISTRATION or PAYMENT")),
    }
}

/// By what the click is known that brought the customer.
pub(super) struct Visit {
    pub(super) click: Option<String>,
    pub(super) session: Option<String>,
}

pub(super) fn visit(fields: &Fields) -> Result<Visit, Invalid> {
    let visit = Visit {
        click: fields.identity("clickId")?,
        session: fields.identity("sessionId")?,
    };
    if visit.click.is_none() && visit.session.is_none() {
        return Err(Invalid::new("sessionId or clickId is required"));
    }
    Ok(visit)
}
