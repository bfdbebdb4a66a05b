//! `GET /1.6/payments/`

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
    rest::pages::{PageParams, PageRequest},
};

/// List payments
// Latest first, 25 a page. What was cancelled is none.
#[utoipa::path(
    get,
    path = "/1.6/payments",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams),
    responses((
        status = 200,
        body = Vec<Payment<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(PAYMENT_EXAMPLE)])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
) -> Result<Response, Problem> {
    let filter = PaymentFilter {
        scope: key.program,
        affiliate: None,
    };
    let mut conn = api.connection().await?;
    let page = payments::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, Payment::from))
}
