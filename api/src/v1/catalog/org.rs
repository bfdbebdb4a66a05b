//! `/v1/org`: the organisation of the key.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{db::keys::ApiKey, http::request::IdempotencyKey};
use utoipa::ToSchema;

use super::thing;
use crate::{Api, Problem, write::Call};

/// The organisation, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::OrgTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct OrgTable {
    id: String,
    title: String,
    /// Without it every call is answered 403.
    affiliates_feature: bool,
    /// AFFY's.
    client_id: Option<i64>,
    /// Events that each ingest takes in a minute, by whatever call; a batch counts its events. Beyond it: 429 with `Retry-After`.
    events_per_minute: Option<i64>,
    /// Events that each ingest has taken and that are not decided yet. Beyond it: 429 with `Retry-After`.
    events_under_way: Option<i64>,
}

#[derive(ToSchema)]
#[schema(as = native::OrgChange)]
#[expect(dead_code, reason = "describes what may be changed")]
struct OrgChange {
    title: Option<String>,
    /// Null: as many as there come.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    events_per_minute: Option<i64>,
    /// Null: as many as there come.
    #[schema(minimum = 1, maximum = 100_000)]
    events_under_way: Option<i64>,
}

/// Show the organisation
#[utoipa::path(
    get,
    path = "/v1/org",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    responses((status = 200, body = OrgTable, example = json!({"id": "demo", "title": "Tapper Inc.", "affiliates_feature": true, "client_id": 12345})))
)]
pub(super) async fn show_org(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &[]).await
}

/// Change the organisation
// Its title and its quotas: the rest is up to who runs the installation.
#[utoipa::path(
    patch,
    path = "/v1/org",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = OrgChange, example = json!({"title": "Tapper Inc.", "events_per_minute": 60000})),
    responses((status = 200, body = OrgTable, example = json!({"id": "demo", "title": "Tapper Inc.", "affiliates_feature": true, "client_id": 12345})))
)]
pub(super) async fn change_org(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    thing::change(
        &api,
        &call,
        &[],
        &["title", "events_per_minute", "events_under_way"],
    )
    .await
}
