//! `PATCH /1.6/programs/{program_id}/affiliates/{affiliate_id}/`

use std::sync::Arc;

use axum::{extract::State, response::Response};
use common::{
    catalog::change::affiliation,
    http::{
        openapi::example,
        request::{IdempotencyKey, MAX_ID},
    },
    tapfiliate_json::{AFFILIATE_IN_PROGRAM_EXAMPLE, InProgram},
};
use utoipa::ToSchema;

use super::change::{program, show};
use crate::{
    Api, Problem,
    path_id::PathIdAndKey,
    rest::{bodies::fields_of, params::is_storable},
    write::{Call, Change, begin},
};

#[derive(ToSchema)]
#[schema(as = rest::AffiliationChange)]
#[expect(dead_code, reason = "describes what `update` reads")]
struct Body {
    coupon: String,
}

/// Update an affiliate in a program
// The coupon that it has there. One that somebody has is refused.
#[utoipa::path(
    patch,
    path = "/1.6/programs/{program_id}/affiliates/{affiliate_id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("program_id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"),
        ("affiliate_id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        IdempotencyKey
    ),
    request_body(content = Body, example = json!({"coupon": "JANE20OFF"})),
    responses((status = 200, body = InProgram<'_>, example = json!(example(AFFILIATE_IN_PROGRAM_EXAMPLE))))
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    PathIdAndKey(program_id, affiliate): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    if !is_storable(&affiliate) {
        return Err(Problem::not_found());
    }
    let coupon = fields_of(&call.received)?.required_text("coupon", MAX_ID)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let program = program(change.connection(), &call.key, &program_id).await?;
    affiliation::set_coupon(&mut change, program, &affiliate, &coupon).await?;
    show(change, program, &affiliate).await
}
