//! `GET /1.6/conversions/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::{ConversionId, PublicIdKind},
    reads::rest::conversions::{self, ConversionFilter},
    tapfiliate_json::Conversion,
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
    let filter = params.conversions(key.program)?;
    let mut conn = api.connection().await?;
    let found = conversions::list(&mut conn, key.org, &filter, page).await?;
    let total = conversions::total(&mut conn, key.org, &filter);
    let position = Asked::position(page, found.len(), total).await?;
    let shown: Vec<_> = found.iter().map(Conversion::from).collect();
    Ok(asked.answer(position, &shown))
}

/// By its number or its `cv_` id.
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let number = number_of(&id, PublicIdKind::Conversion).ok_or_else(Problem::not_found)?;
    let filter = ConversionFilter {
        scope: key.program,
        id: Some(ConversionId(number)),
        ..ConversionFilter::default()
    };
    let mut conn = api.connection().await?;
    let found = conversions::list(&mut conn, key.org, &filter, 1).await?;
    let conversion = found.first().ok_or_else(Problem::not_found)?;
    Ok(Json(Conversion::from(conversion)).into_response())
}
