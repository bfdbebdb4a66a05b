//! `GET /v1/rejections`: the calls of an organisation that became no event, by what was wrong with them.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, middleware::from_fn_with_state};
use chrono::{DateTime, Utc};
use common::{
    db::keys::{ApiKey, Scope},
    http::openapi::example,
    reads::rejections::{self, RejectionFilter, RejectionGroup},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::moment::moment;
use crate::{
    Api, Problem,
    auth::{Guard, guard, needs_whole_organisation},
    rest::params::{Params, text},
};

/// No organisation has more groups.
const LIMIT: u32 = 200;

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Read, Scope::Admin],
    };
    OpenApiRouter::default()
        .routes(routes!(list))
        .route_layer(from_fn_with_state(needs, guard))
}

/// Which rejections.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Filter {
    /// `yaplet`, `tapfiliate`, `affitor`, `affy`, `pixel` or `native`.
    #[serde(deserialize_with = "text")]
    #[param(example = "tapfiliate")]
    dialect: Option<String>,
    /// Such as `invalid`, `forbidden` or `rate_limited`.
    #[serde(deserialize_with = "text")]
    #[param(example = "invalid")]
    reason: Option<String>,
    /// The field that was wrong.
    #[serde(deserialize_with = "text")]
    #[param(example = "external_id")]
    field: Option<String>,
    /// Those that came again from this day (in UTC) or time on.
    #[serde(deserialize_with = "moment")]
    #[param(value_type = Option<String>, example = "2026-11-01")]
    since: Option<DateTime<Utc>>,
}

/// What became no event, those seen last first; the last 200 kinds are kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::Rejections)]
struct Rejections {
    rejections: Vec<RejectionGroup>,
}

/// What was turned away
#[utoipa::path(
    get,
    path = "/v1/rejections",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(Filter),
    responses((status = 200, body = Rejections, example = json!(example(include_str!("examples/rejections.json")))))
)]
async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Params(filter): Params<Filter>,
) -> Result<Json<Rejections>, Problem> {
    needs_whole_organisation(&key)?;
    let filter = RejectionFilter {
        org: Some(key.org),
        dialect: filter.dialect,
        reason: filter.reason,
        field: filter.field,
        since: filter.since,
    };
    let mut conn = api.connection().await?;
    let rejections = rejections::list(&mut conn, &filter, LIMIT).await?;
    Ok(Json(Rejections { rejections }))
}
