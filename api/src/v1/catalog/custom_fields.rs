//! `/v1/custom-fields`: what affiliates are asked besides.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{db::keys::ApiKey, http::request::IdempotencyKey};
use utoipa::ToSchema;

use super::thing;
use crate::{Api, Problem, path_id::PathId, write::Call};

/// A custom field, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::CustomFieldTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct CustomFieldTable {
    id: Option<String>,
    title: Option<String>,
    /// None: any text.
    choices: Option<Vec<String>>,
    /// Brings nothing new.
    retired: Option<bool>,
}

#[derive(ToSchema)]
#[schema(as = native::CustomFieldTables)]
#[expect(dead_code, reason = "describes a list of tables")]
struct CustomFieldTables {
    custom_fields: Vec<CustomFieldTable>,
}

/// List custom fields
// As they are to be last, in the words of the catalog file; retired ones too.
#[utoipa::path(
    get,
    path = "/v1/custom-fields",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    responses((status = 200, body = CustomFieldTables, example = json!({"custom_fields": [{"id": "field1", "title": "field1", "choices": [], "retired": false}]})))
)]
pub(super) async fn list_custom_fields(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
) -> Result<Response, Problem> {
    thing::list(&api, &key, &["custom_fields"], "custom_fields").await
}

/// Create a custom field
// 409 where there is one of that id.
#[utoipa::path(
    post,
    path = "/v1/custom-fields",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = CustomFieldTable, example = json!({"id": "size", "choices": ["S", "M", "L"]})),
    responses((status = 200, body = CustomFieldTable, example = json!({"id": "field1", "title": "field1", "choices": [], "retired": false})), (status = 409, description = "It exists already."))
)]
pub(super) async fn create_custom_field(
    State(api): State<Arc<Api>>,
    call: Call,
) -> Result<Response, Problem> {
    thing::create(&api, &call, &["custom_fields"]).await
}

/// Show a custom field
// As it is to be last.
#[utoipa::path(
    get,
    path = "/v1/custom-fields/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, example = "field1")),
    responses((status = 200, body = CustomFieldTable, example = json!({"id": "field1", "title": "field1", "choices": [], "retired": false})))
)]
pub(super) async fn show_custom_field(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &["custom_fields", id.as_str()]).await
}

/// Change a custom field
// What is not sent stays, what is null is cleared (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/custom-fields/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, example = "field1"), IdempotencyKey),
    request_body(content = CustomFieldTable, example = json!({"title": "Size of the shirt"})),
    responses((status = 200, body = CustomFieldTable, example = json!({"id": "field1", "title": "field1", "choices": [], "retired": false})))
)]
pub(super) async fn change_custom_field(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::change(&api, &call, &["custom_fields", id.as_str()], &[]).await
}

/// Retire a custom field
// It is no longer offered; what affiliates have stays.
#[utoipa::path(
    delete,
    path = "/v1/custom-fields/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, example = "field1"), IdempotencyKey),
    responses((status = 200, body = CustomFieldTable, example = json!({"id": "field1", "title": "field1", "choices": [], "retired": true})))
)]
pub(super) async fn retire_custom_field(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::retire(&api, &call, &["custom_fields", id.as_str()]).await
}
