//! `GET /1.6/programs/{program_id}/affiliates/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    http::openapi::example,
    reads::rest::affiliations::{self, AffiliationFilter},
    tapfiliate_json::{AFFILIATE_IN_PROGRAM_EXAMPLE, InProgram},
};
use serde::Deserialize;

use super::change::program;
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::{
        pages::{PageParams, PageRequest},
        params::{Params, text},
    },
};

/// What a list may be restricted to (seed: REST 1.6).
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Filter {
    /// The affiliate's source in the program.
    #[serde(deserialize_with = "text")]
    #[param(example = "1-ssssss")]
    source_id: Option<String>,
    /// Whatever its case.
    #[serde(deserialize_with = "text")]
    #[param(example = "jane@example-blog.inc")]
    email: Option<String>,
    /// Whose children to list.
    #[serde(deserialize_with = "text")]
    #[param(example = "sandrasanderson")]
    parent_id: Option<String>,
    /// Whose members to list.
    #[serde(deserialize_with = "text")]
    #[param(example = "ag_eXampl3")]
    affiliate_group_id: Option<String>,
}

impl From<Filter> for AffiliationFilter {
    fn from(filter: Filter) -> Self {
        Self {
            source_id: filter.source_id,
            email: filter.email,
            parent: filter.parent_id,
            group: filter.affiliate_group_id,
        }
    }
}

/// List the affiliates of a program
// Newest first, 25 a page; also those who are not approved.
#[utoipa::path(
    get,
    path = "/1.6/programs/{program_id}/affiliates",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("program_id" = String, Path, description = "The program's id.", example = "johns-affiliate-program"),
        PageParams,
        Filter
    ),
    responses((
        status = 200,
        body = Vec<InProgram<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(AFFILIATE_IN_PROGRAM_EXAMPLE)])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(program_id): PathId,
    request: PageRequest,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let program = program(&mut conn, &key, &program_id).await?;
    let page = affiliations::list(&mut conn, key.org, program, &filter.into(), request.number).await?;
    Ok(request.answer(&page, InProgram::from))
}
