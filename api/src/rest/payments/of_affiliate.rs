//! `GET /1.6/affiliates/{id}/payments/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::payments::{self, PaymentFilter},
};

use super::payment::{PAYMENT_EXAMPLE, Payment};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::{
        pages::{PageParams, PageRequest},
        params::is_storable,
    },
};

/// List an affiliate's payments
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/payments",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), PageParams),
    responses((
        status = 200,
        body = Vec<Payment<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(PAYMENT_EXAMPLE)])
    ))
)]
pub(super) async fn of_affiliate(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
    request: PageRequest,
) -> Result<Response, Problem> {
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    if !payments::has_payee(&mut conn, key.org, key.program, &id).await? {
        return Err(Problem::not_found());
    }
    let filter = PaymentFilter {
        scope: key.program,
        affiliate: Some(id),
    };
    let page = payments::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, Payment::from))
}
