//! `GET /1.6/customers/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::{CustomerId, PublicId, PublicIdKind},
    reads::rest::customers::{self, CustomerFilter},
    tapfiliate_json::Customer,
};

use super::{pages::Asked, params::ListParams};
use crate::{Api, Problem};

/// Latest first, 25 a page.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    asked: Asked,
    params: ListParams,
) -> Result<Response, Problem> {
    let page = params.page()?;
    let filter = params.customers(key.program)?;
    let mut conn = api.connection().await?;
    let found = customers::list(&mut conn, key.org, &filter, page).await?;
    let total = customers::total(&mut conn, key.org, &filter);
    let position = Asked::position(page, found.len(), total).await?;
    let shown: Vec<_> = found.iter().map(Customer::from).collect();
    Ok(asked.answer(position, &shown))
}

/// By its `cu_` id: a number could be taken for the merchant's own id.
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = PublicId::parse(PublicIdKind::Customer, &id).ok_or_else(Problem::not_found)?;
    let filter = CustomerFilter {
        scope: key.program,
        id: Some(CustomerId(id.number)),
        ..CustomerFilter::default()
    };
    let mut conn = api.connection().await?;
    let found = customers::list(&mut conn, key.org, &filter, 1).await?;
    let customer = found.first().ok_or_else(Problem::not_found)?;
    Ok(Json(Customer::from(customer)).into_response())
}
