//! `GET /1.6/affiliate-prospects/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    domain::ProgramId,
    http::openapi::example,
    reads::rest::prospects::{self, ProspectFilter},
};
use serde::Deserialize;

use super::prospect::{PROSPECT_EXAMPLE, Prospect};
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
    /// Whatever its case.
    #[serde(deserialize_with = "text")]
    #[param(example = "peter@prospect.example")]
    email: Option<String>,
    /// The value of `ref` in the prospect's link.
    #[serde(deserialize_with = "text")]
    #[param(example = "yza5njg")]
    referral_code: Option<String>,
    /// The program.
    #[serde(deserialize_with = "text")]
    #[param(example = "johns-affiliate-program")]
    program_id: Option<String>,
    /// The affiliate group.
    #[serde(deserialize_with = "text")]
    #[param(example = "ag_eXampl3")]
    group_id: Option<String>,
}

impl Filter {
    /// Within the program that the key is bound to.
    fn within(self, scope: Option<ProgramId>) -> ProspectFilter {
        ProspectFilter {
            scope,
            email: self.email,
            referral_code: self.referral_code,
            program: self.program_id,
            group: self.group_id,
        }
    }
}

/// List affiliate prospects
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/affiliate-prospects",
    operation_id = "prospects",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams, Filter),
    responses((
        status = 200,
        body = Vec<Prospect<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(PROSPECT_EXAMPLE)])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let filter = filter.within(key.program);
    let page = prospects::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, Prospect::from))
}
