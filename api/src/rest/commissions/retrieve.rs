//! `GET /1.6/commissions/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::{CommissionId, PublicIdKind},
    http::openapi::example,
    reads::rest::commissions,
    tapfiliate_json::{COMMISSION_EXAMPLE, Commission},
};

use crate::{Api, Problem, path_id::PathId, rest::row_id::number_of};

/// A commission
// By its number or its `cm_` id.
#[utoipa::path(
    get,
    path = "/1.6/commissions/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cm_` id.", example = "1")),
    responses((status = 200, body = Commission<'_>, example = json!(example(COMMISSION_EXAMPLE))))
)]
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let id = number_of(&id, PublicIdKind::Commission).ok_or_else(Problem::not_found)?;
    let mut conn = api.connection().await?;
    let commission = commissions::find(&mut conn, key.org, key.program, CommissionId(id)).await?;
    let commission = commission.ok_or_else(Problem::not_found)?;
    Ok(Json(Commission::from(&commission)).into_response())
}
