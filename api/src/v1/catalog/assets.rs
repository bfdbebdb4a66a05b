//! `/v1/programs/{id}/assets`: what affiliates of the program use, such as a banner.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use common::{
    catalog::change::{program_lists, things},
    db::keys::ApiKey,
    http::request::{IdempotencyKey, MAX_ID},
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::thing;
use crate::{
    Api, Problem,
    path_id::{PathId, PathIdAndKey},
    write::{Call, Change, begin, finish},
};

#[derive(ToSchema)]
#[schema(as = native::Assets)]
#[expect(dead_code, reason = "describes an answer")]
struct Assets {
    assets: Vec<String>,
}

#[derive(ToSchema)]
#[schema(as = native::NewAsset)]
#[expect(dead_code, reason = "describes what is read")]
struct NewAsset {
    asset: String,
}

/// List a program's assets
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/assets",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program")),
    responses((status = 200, body = Assets, example = json!({"assets": ["2-aaaaaa"]})))
)]
pub(super) async fn list_assets(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::may_name(&key, &[&id])?;
    let mut conn = api.connection().await?;
    let program = things::find(&mut conn, key.org, &["programs", &id]).await?;
    let mut program = program.ok_or_else(Problem::not_found)?;
    Ok(Json(json!({ "assets": program.remove("assets") })).into_response())
}

/// Add an asset to a program
// One that it has changes nothing.
#[utoipa::path(
    post,
    path = "/v1/programs/{id}/assets",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    request_body(content = NewAsset, example = json!({"asset": "2-aaaaaa"})),
    responses((status = 200, body = Assets, example = json!({"assets": ["2-aaaaaa"]})))
)]
pub(super) async fn add_asset(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    let asset = call.received.body_fields()?.required_text("asset", MAX_ID)?;
    thing::may_name(&call.key, &[&id])?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let fields = Map::from_iter([("assets".to_owned(), Value::from(vec![asset]))]);
    let program = ["programs", id.as_str()];
    let mut program = things::set(&mut change, &call.key.org_slug, &program, &fields, None).await?;
    let answer = json!({ "assets": program.remove("assets") });
    finish(change, StatusCode::OK, Some(&answer)).await
}

/// Take an asset away from a program
#[utoipa::path(
    delete,
    path = "/v1/programs/{id}/assets/{asset}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("asset" = String, Path, example = "2-aaaaaa"), IdempotencyKey),
    responses((status = 200, body = Assets, example = json!({"assets": []})))
)]
pub(super) async fn remove_asset(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, asset): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::may_name(&call.key, &[&id, &asset])?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    program_lists::remove_asset(&mut change, &id, &asset).await?;
    let org = change.org();
    let program = things::find(change.connection(), org, &["programs", &id]).await?;
    let answer = json!({ "assets": program.and_then(|mut program| program.remove("assets")) });
    finish(change, StatusCode::OK, Some(&answer)).await
}
