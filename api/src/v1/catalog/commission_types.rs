//! `/v1/programs/{id}/commission-types`: what a sale brings.

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

/// A commission type, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::CommissionTypeTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct CommissionTypeTable {
    id: Option<String>,
    title: Option<String>,
    /// Of 100. Either this or `fixed`.
    percentage: Option<f64>,
    /// In the program's currency.
    fixed: Option<f64>,
    /// `once`, `weekly`, `monthly` or `yearly`.
    recurrence: Option<String>,
    count_towards_cap: Option<bool>,
    /// What members of a group get instead: a rate for each.
    #[schema(value_type = Option<Object>)]
    groups: Option<()>,
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
#[schema(as = native::CommissionTypeTables)]
#[expect(dead_code, reason = "describes a list of tables")]
struct CommissionTypeTables {
    commission_types: Vec<CommissionTypeTable>,
}

/// List a program's commission types
// As they are to be last, in the words of the catalog file; retired ones too.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/commission-types",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program")),
    responses((status = 200, body = CommissionTypeTables, example = json!({"commission_types": [{
        "id": "standard", "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false,
        "groups": {}, "versions": [{
            "valid_from": null, "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true,
            "retired": false, "groups": {}
        }]
    }]})))
)]
pub(super) async fn list_commission_types(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::list(
        &api,
        &key,
        &["programs", id.as_str(), "types"],
        "commission_types",
    )
    .await
}

/// Create a commission type
// 409 where there is one of that id.
#[utoipa::path(
    post,
    path = "/v1/programs/{id}/commission-types",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    request_body(content = CommissionTypeTable, example = json!({"id": "subscription", "percentage": 5, "recurrence": "monthly"})),
    responses((status = 200, body = CommissionTypeTable, example = json!({
        "id": "standard", "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false,
        "groups": {}, "versions": [{
            "valid_from": null, "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true,
            "retired": false, "groups": {}
        }]
    })), (status = 409, description = "It exists already."))
)]
pub(super) async fn create_commission_type(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::create(&api, &call, &["programs", id.as_str(), "types"]).await
}

/// Show a commission type
// As it is to be last.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/commission-types/{type}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("type" = String, Path, example = "standard")),
    responses((status = 200, body = CommissionTypeTable, example = json!({
        "id": "standard", "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false,
        "groups": {}, "versions": [{
            "valid_from": null, "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true,
            "retired": false, "groups": {}
        }]
    })))
)]
pub(super) async fn show_commission_type(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(id, name): PathIdAndKey,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &["programs", id.as_str(), "types", name.as_str()]).await
}

/// Change a commission type
// What is not sent stays, what is null is cleared (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/programs/{id}/commission-types/{type}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("type" = String, Path, example = "standard"), IdempotencyKey),
    request_body(content = CommissionTypeTable, example = json!({"percentage": 12.5, "valid_from": "2027-01-01T00:00:00Z"})),
    responses((status = 200, body = CommissionTypeTable, example = json!({
        "id": "standard", "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false,
        "groups": {}, "versions": [{
            "valid_from": null, "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true,
            "retired": false, "groups": {}
        }]
    })))
)]
pub(super) async fn change_commission_type(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::change(
        &api,
        &call,
        &["programs", id.as_str(), "types", name.as_str()],
        &[],
    )
    .await
}

/// Retire a commission type
// No sale can name it from now on; what it brought stays. The default type of a program cannot be retired.
#[utoipa::path(
    delete,
    path = "/v1/programs/{id}/commission-types/{type}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("type" = String, Path, example = "standard"), IdempotencyKey),
    responses((status = 200, body = CommissionTypeTable, example = json!({
        "id": "standard", "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": true,
        "groups": {}, "versions": [{
            "valid_from": null, "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true,
            "retired": true, "groups": {}
        }]
    })))
)]
pub(super) async fn retire_commission_type(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::retire(&api, &call, &["programs", id.as_str(), "types", name.as_str()]).await
}
