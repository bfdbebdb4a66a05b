//! `GET /1.6/payments/{id}/`

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::{PaymentId, PaymentView, PublicIdKind},
    http::openapi::example,
    reads::rest::payments,
};

use super::payment::{PAYMENT_EXAMPLE, Payment};
use crate::{Api, Problem, path_id::PathId, rest::row_id::number_of};

/// A payment
// By its number or its `pa_` id.
#[utoipa::path(
    get,
    path = "/1.6/payments/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `pa_` id or its number.", example = "pa_eXampl3")),
    responses((status = 200, body = Payment<'_>, example = json!(example(PAYMENT_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let payment = find(&api, &key, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Payment::from(&payment)).into_response())
}

/// The living payment that a path names, as far as the key may see it.
pub(super) async fn find(api: &Api, key: &ApiKey, id: &str) -> Result<Option<PaymentView>, Problem> {
    let Some(id) = number_of(id, PublicIdKind::Payment) else {
        return Ok(None);
    };
    let mut conn = api.connection().await?;
    Ok(payments::find(&mut conn, key.org, key.program, PaymentId(id)).await?)
}
