//! `POST /1.6/programs/{program_id}/affiliates/`

use std::sync::Arc;

use axum::{extract::State, response::Response};
use common::{
    catalog::change::affiliation::{self, NewAffiliation},
    http::{
        openapi::example,
        request::{Fields, IdempotencyKey, Invalid, MAX_ID},
    },
    tapfiliate_json::{AFFILIATE_IN_PROGRAM_EXAMPLE, InProgram},
};
use utoipa::ToSchema;

use super::change::{program, show};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::bodies::fields_of,
    write::{Call, Change, begin},
};

#[derive(ToSchema)]
#[schema(as = rest::NewAffiliation)]
#[expect(dead_code, reason = "describes what `create` reads")]
struct Body {
    affiliate: Who,
    /// True where it is not sent; null waits for a decision.
    approved: Option<bool>,
    coupon: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = rest::NewAffiliationAffiliate)]
#[expect(dead_code, reason = "describes what `create` reads")]
struct Who {
    id: String,
}

/// Add an affiliate to a program
// It gets a referral code of its own. A coupon that somebody has is refused.
#[utoipa::path(
    post,
    path = "/1.6/programs/{program_id}/affiliates",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("program_id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"),
        IdempotencyKey
    ),
    request_body(content = Body, example = json!({"affiliate": {"id": "janejameson"}, "approved": true, "coupon": "JANE10OFF"})),
    responses((status = 200, body = InProgram<'_>, example = json!(example(AFFILIATE_IN_PROGRAM_EXAMPLE))))
)]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    PathId(program_id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    if call.key.program.is_some() {
        let why = "this key is bound to a program, and sees only who takes part in it";
        return Err(Problem::forbidden(why));
    }
    let fields = fields_of(&call.received)?;
    let who = fields
        .nested("affiliate")?
        .ok_or_else(|| fields.required("affiliate"))?;
    let affiliate = who.required_text("id", MAX_ID)?;
    let coupon = fields.text("coupon", MAX_ID)?;
    let new = NewAffiliation {
        affiliate: &affiliate,
        approved: approved(&fields)?,
        coupon: coupon.as_deref(),
    };
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let program = program(change.connection(), &call.key, &program_id).await?;
    affiliation::create(&mut change, program, &new).await?;
    show(change, program, &affiliate).await
}

/// An explicit null says that somebody is to decide.
fn approved(fields: &Fields) -> Result<Option<bool>, Invalid> {
    if fields
        .values()
        .get("approved")
        .is_some_and(serde_json::Value::is_null)
    {
        return Ok(None);
    }
    Ok(Some(fields.flag("approved")?.unwrap_or(true)))
}
