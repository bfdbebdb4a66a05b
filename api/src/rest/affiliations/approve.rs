//! `PUT` and `DELETE /1.6/programs/{program_id}/affiliates/{affiliate_id}/approved/`

use std::sync::Arc;

use axum::{extract::State, response::Response};
use common::{
    catalog::change::affiliation,
    http::{openapi::example, request::IdempotencyKey},
    tapfiliate_json::{AFFILIATE_IN_PROGRAM_EXAMPLE, InProgram},
};

use super::change::{program, show};
use crate::{
    Api, Problem,
    path_id::PathIdAndKey,
    rest::params::is_storable,
    write::{Call, Change, begin},
};

/// Approve an affiliate in a program
// It earns from then on.
#[utoipa::path(
    put,
    path = "/1.6/programs/{program_id}/affiliates/{affiliate_id}/approved",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("program_id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"),
        ("affiliate_id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        IdempotencyKey
    ),
    responses((status = 200, body = InProgram<'_>, example = json!(example(AFFILIATE_IN_PROGRAM_EXAMPLE))))
)]
pub(super) async fn approve(
    State(api): State<Arc<Api>>,
    PathIdAndKey(program, affiliate): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    set_approved(&api, &program, &affiliate, &call, true).await
}

/// Disapprove an affiliate in a program
// It earns nothing from then on; what it has earned stays.
#[utoipa::path(
    delete,
    path = "/1.6/programs/{program_id}/affiliates/{affiliate_id}/approved",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("program_id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"),
        ("affiliate_id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        IdempotencyKey
    ),
    responses((status = 200, body = InProgram<'_>, example = json!(example(AFFILIATE_IN_PROGRAM_EXAMPLE))))
)]
pub(super) async fn disapprove(
    State(api): State<Arc<Api>>,
    PathIdAndKey(program, affiliate): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    set_approved(&api, &program, &affiliate, &call, false).await
}

async fn set_approved(
    api: &Api,
    program_id: &str,
    affiliate: &str,
    call: &Call,
    approved: bool,
) -> Result<Response, Problem> {
    if !is_storable(affiliate) {
        return Err(Problem::not_found());
    }
    let mut change = match begin(api, call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let program = program(change.connection(), &call.key, program_id).await?;
    affiliation::set_approved(&mut change, program, affiliate, approved).await?;
    show(change, program, affiliate).await
}
