//! `GET /1.6/commissions/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::{CommissionId, PublicIdKind},
    reads::rest::commissions::{self, CommissionFilter},
    tapfiliate_json::Commission,
};

use super::{
    pages::Asked,
    params::{ListParams, number_of},
};
use crate::{Api, Problem};

/// Latest first, 25 a page.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    asked: Asked,
    params: ListParams,
) -> Result<Response, Problem> {
    let page = params.page()?;
    let filter = params.commissions(key.program)?;
    let mut conn = api.connection().await?;
    let found = commissions::list(&mut conn, key.org, &filter, page).await?;
    let total = commissions::total(&mut conn, key.org, &filter);
    let position = Asked::position(page, found.len(), total).await?;
    let shown: Vec<_> = found.iter().map(Commission::from).collect();
    Ok(asked.answer(position, &shown))
}

/// By its number or its `cm_` id.
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let number = number_of(&id, PublicIdKind::Commission).ok_or_else(Problem::not_found)?;
    let filter = CommissionFilter {
        scope: key.program,
        id: Some(CommissionId(number)),
        ..CommissionFilter::default()
    };
    let mut conn = api.connection().await?;
    let found = commissions::list(&mut conn, key.org, &filter, 1).await?;
    let commission = found.first().ok_or_else(Problem::not_found)?;
    Ok(Json(Commission::from(commission)).into_response())
}
