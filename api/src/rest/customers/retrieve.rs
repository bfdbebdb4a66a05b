//! `GET /1.6/customers/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    tapfiliate_json::{CUSTOMER_EXAMPLE, Customer},
};

use super::edit::find;
use crate::{Api, Problem, path_id::PathId};

/// A customer
// By its `cu_` id: a number could be taken for the merchant's own id.
#[utoipa::path(
    get,
    path = "/1.6/customers/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3")),
    responses((status = 200, body = Customer<'_>, example = json!(example(CUSTOMER_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let customer = find(&api, &key, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Customer::from(&customer)).into_response())
}
