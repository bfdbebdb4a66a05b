//! `/v1/programs/{id}/levels`: what parents get of a sale.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{db::keys::ApiKey, http::request::IdempotencyKey};
use utoipa::ToSchema;

use super::thing;
use crate::{
    Api, Problem,
    path_id::{PathId, PathIdAndKey},
    write::Call,
};

/// A level, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::LevelTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct LevelTable {
    id: Option<String>,
    title: Option<String>,
    /// Of 100.
    percentage: Option<f64>,
    /// Brings nothing new.
    retired: Option<bool>,
    /// From when on the change holds; from now on, where nothing is sent.
    #[schema(format = DateTime, write_only)]
    valid_from: Option<String>,
    /// What it said from when on, the latest first; null: from the beginning.
    #[schema(value_type = Option<Vec<Object>>, read_only)]
    versions: Option<()>,
}

#[derive(ToSchema)]
#[schema(as = native::LevelTables)]
#[expect(dead_code, reason = "describes a list of tables")]
struct LevelTables {
    levels: Vec<LevelTable>,
}

/// List a program's levels
// As they are to be last, in the words of the catalog file; retired ones too.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/levels",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program")),
    responses((status = 200, body = LevelTables, example = json!({"levels": [{
        "id": "level-2", "title": "Level 2", "percentage": 5, "retired": false,
        "versions": [{"valid_from": null, "title": "Level 2", "percentage": 5, "retired": false}]
    }]})))
)]
pub(super) async fn list_levels(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::list(&api, &key, &["programs", id.as_str(), "levels"], "levels").await
}

/// Create a level
// 409 where there is one of that id.
#[utoipa::path(
    post,
    path = "/v1/programs/{id}/levels",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    request_body(content = LevelTable, example = json!({"id": "level-2", "percentage": 5})),
    responses((status = 200, body = LevelTable, example = json!({
        "id": "level-2", "title": "Level 2", "percentage": 5, "retired": false,
        "versions": [{"valid_from": null, "title": "Level 2", "percentage": 5, "retired": false}]
    })), (status = 409, description = "It exists already."))
)]
pub(super) async fn create_level(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::create(&api, &call, &["programs", id.as_str(), "levels"]).await
}

/// Show a level
// As it is to be last.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/levels/{level}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("level" = String, Path, example = "level-2")),
    responses((status = 200, body = LevelTable, example = json!({
        "id": "level-2", "title": "Level 2", "percentage": 5, "retired": false,
        "versions": [{"valid_from": null, "title": "Level 2", "percentage": 5, "retired": false}]
    })))
)]
pub(super) async fn show_level(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(id, name): PathIdAndKey,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &["programs", id.as_str(), "levels", name.as_str()]).await
}

/// Change a level
// What is not sent stays, what is null is cleared (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/programs/{id}/levels/{level}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("level" = String, Path, example = "level-2"), IdempotencyKey),
    request_body(content = LevelTable, example = json!({"percentage": 4, "valid_from": "2027-01-01T00:00:00Z"})),
    responses((status = 200, body = LevelTable, example = json!({
        "id": "level-2", "title": "Level 2", "percentage": 5, "retired": false,
        "versions": [{"valid_from": null, "title": "Level 2", "percentage": 5, "retired": false}]
    })))
)]
pub(super) async fn change_level(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::change(
        &api,
        &call,
        &["programs", id.as_str(), "levels", name.as_str()],
        &[],
    )
    .await
}

/// Retire a level
// It pays nothing of sales from now on.
#[utoipa::path(
    delete,
    path = "/v1/programs/{id}/levels/{level}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("level" = String, Path, example = "level-2"), IdempotencyKey),
    responses((status = 200, body = LevelTable, example = json!({
        "id": "level-2", "title": "Level 2", "percentage": 5, "retired": true,
        "versions": [{"valid_from": null, "title": "Level 2", "percentage": 5, "retired": true}]
    })))
)]
pub(super) async fn retire_level(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::retire(&api, &call, &["programs", id.as_str(), "levels", name.as_str()]).await
}
