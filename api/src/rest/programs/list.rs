//! `GET /1.6/programs/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::programs::{self, ProgramFilter},
};
use serde::Deserialize;

use super::program::{PROGRAM_EXAMPLE, Program};
use crate::{
    Api, Problem,
    rest::{
        pages::{PageParams, PageRequest},
        params::{Params, text},
    },
};

/// What a list may be restricted to (seed: REST 1.6).
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct Filter {
    /// One of the program's assets.
    #[serde(deserialize_with = "text")]
    #[param(example = "1-aaaaaa")]
    asset_id: Option<String>,
}

/// List programs
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/programs",
    operation_id = "programs",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams, Filter),
    responses((
        status = 200,
        body = Vec<Program<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(PROGRAM_EXAMPLE)])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let filter = ProgramFilter {
        scope: key.program,
        asset: filter.asset_id,
    };
    let page = programs::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, Program::from))
}
