//! A visitor came by an affiliate's link.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, MetaData, RecordClick};
use utoipa::ToSchema;

use super::{
    answer::AnswerContext,
    call::{Parsed, track},
    success::ClickTracked,
};
use crate::{Ingest, receipt::Pending};
use common::http::request::{Fields, Invalid, MAX_ID, MAX_USER_AGENT, Preferences};

/// Characters of the address of a page.
const MAX_PAGE: usize = 2_000;
/// What is kept for reports: the field, the name under which it is kept, its limit.
const DETAILS: [(&str, &str, usize); 2] = [
    ("userAgent", "user_agent", MAX_USER_AGENT),
    ("source", "source", MAX_ID),
];

/// Record a click on an affiliate's link
#[utoipa::path(
    post,
    path = "/api/v1/tracking/click",
    tag = "affy",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = ClickBody, example = json!({
        "clientId": 12345, "affiliateReference": "aff_xyz123", "clickId": "click_unique_id",
        "sessionId": "session_unique_id", "clickedUrl": "https://yourwebsite.com/pricing",
        "referrerUrl": "https://blog.example.com/review", "userAgent": "Mozilla/5.0 ...", "source": "blog"
    })),
    responses(
        (status = 200, body = ClickTracked, example = json!({
            "success": true, "clickId": 789, "sessionId": "session_unique_id", "message": "Click tracked successfully"
        })),
        Pending,
    )
)]
pub(super) async fn click(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, request, parse).await
}

/// Names the click or the session.
#[derive(ToSchema)]
#[schema(as = affy::Click, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct ClickBody {
    /// The organisation's.
    client_id: i64,
    affiliate_reference: String,
    /// The client's own id of the click.
    click_id: Option<String>,
    session_id: Option<String>,
    clicked_url: Option<String>,
    referrer_url: Option<String>,
    user_agent: Option<String>,
    source: Option<String>,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Parsed, Invalid> {
    let click = RecordClick {
        referral_code: fields.required_referral_code("affiliateReference")?,
        name: fields.identity("clickId")?,
        session: fields.identity("sessionId")?,
        landing_page: fields.remark("clickedUrl", MAX_PAGE),
        referrer: fields.remark("referrerUrl", MAX_PAGE),
        details: details(fields),
        ..RecordClick::default()
    };
    if click.name.is_none() && click.session.is_none() {
        return Err(Invalid::new("sessionId or clickId is required"));
    }
    let context = AnswerContext::Click {
        session: click.session.clone(),
    };
    let body = Body::Click(Box::new(click));
    Ok(Parsed { body, context })
}

fn details(fields: &Fields) -> MetaData {
    let mut details = MetaData::new();
    for (field, kept, limit) in DETAILS {
        if let Some(text) = fields.remark(field, limit) {
            details.insert(kept.to_owned(), text.into());
        }
    }
    details
}
