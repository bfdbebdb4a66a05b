//! `GET /1.6/affiliates/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{
    db::keys::ApiKey,
    domain::{ProgramId, click_name::ClickName},
    http::openapi::example,
    reads::rest::affiliates::{self, AffiliateFilter},
    tapfiliate_json::{AFFILIATE_EXAMPLE, AffiliateProfile},
};
use serde::Deserialize;

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
pub(super) struct Filter {
    /// A click of the affiliate's link.
    #[serde(deserialize_with = "text")]
    #[param(example = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")]
    click_id: Option<String>,
    /// The affiliate's source, of any asset.
    #[serde(deserialize_with = "text")]
    #[param(example = "1-ssssss")]
    source_id: Option<String>,
    /// Whatever its case.
    #[serde(deserialize_with = "text")]
    #[param(example = "jane@example-blog.inc")]
    email: Option<String>,
    /// What stands behind `ref=` in the affiliate's link.
    #[serde(deserialize_with = "text")]
    #[param(example = "nwjinmy")]
    referral_code: Option<String>,
    /// Whose children to list.
    #[serde(deserialize_with = "text")]
    #[param(example = "sandrasanderson")]
    parent_id: Option<String>,
    /// Whose members to list.
    #[serde(deserialize_with = "text")]
    #[param(example = "ag_eXampl3")]
    affiliate_group_id: Option<String>,
}

impl Filter {
    /// Within the program that the key is bound to.
    fn within(self, scope: Option<ProgramId>) -> AffiliateFilter {
        AffiliateFilter {
            scope,
            click: self.click_id.as_deref().map(ClickName::parse),
            source_id: self.source_id,
            email: self.email,
            referral_code: self.referral_code,
            parent: self.parent_id,
            group: self.affiliate_group_id,
        }
    }
}

/// List affiliates
// Newest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/affiliates",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams, Filter),
    responses((
        status = 200,
        body = Vec<AffiliateProfile<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(AFFILIATE_EXAMPLE)])
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
    let page = affiliates::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, AffiliateProfile::from))
}
