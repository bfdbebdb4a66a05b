//! `DELETE /1.6/affiliates/{id}/`

use std::sync::Arc;

use axum::{extract::State, response::Response};
use common::{catalog::change::affiliate, http::request::IdempotencyKey};

use super::change::{check, done};
use crate::{
    Api, Problem,
    path_id::PathId,
    write::{Call, Change, begin},
};

/// Delete an affiliate
// What was earned stays and can be paid; nothing is earned from then on. Coupons, codes and e-mail are free, children have no parent.
#[utoipa::path(
    delete,
    path = "/1.6/affiliates/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), IdempotencyKey),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    check(&call.key, &id)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    affiliate::delete(&mut change, &id).await?;
    done(change).await
}
