//! `/v1/programs/{id}/bonuses`: what reaching a target brings.

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

/// A bonus, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::BonusTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct BonusTable {
    id: Option<String>,
    title: Option<String>,
    /// `conversion_count` or `conversion_amount`.
    target_type: Option<String>,
    target: Option<i64>,
    /// `calmo`: a calendar month.
    interval: Option<String>,
    /// Of 100. Either this or `fixed`.
    percentage: Option<f64>,
    /// In the program's currency.
    fixed: Option<f64>,
    active: Option<bool>,
    #[schema(format = Date)]
    start_date: Option<String>,
    #[schema(format = Date)]
    end_date: Option<String>,
    /// Brings nothing new.
    retired: Option<bool>,
}

#[derive(ToSchema)]
#[schema(as = native::BonusTables)]
#[expect(dead_code, reason = "describes a list of tables")]
struct BonusTables {
    bonuses: Vec<BonusTable>,
}

/// List a program's bonuses
// As they are to be last, in the words of the catalog file; retired ones too.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/bonuses",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program")),
    responses((status = 200, body = BonusTables, example = json!({"bonuses": [{
        "id": "sales-bonus", "title": "Sales bonus", "target_type": "conversion_count", "target": 1000, "interval": "calmo",
        "percentage": 5, "active": true, "retired": false
    }]})))
)]
pub(super) async fn list_bonuses(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::list(&api, &key, &["programs", id.as_str(), "bonuses"], "bonuses").await
}

/// Create a bonus
// 409 where there is one of that id.
#[utoipa::path(
    post,
    path = "/v1/programs/{id}/bonuses",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    request_body(content = BonusTable, example = json!({"id": "spring", "target_type": "conversion_count", "target": 100, "interval": "calmo", "fixed": 50, "start_date": "2027-03-01"})),
    responses((status = 200, body = BonusTable, example = json!({
        "id": "sales-bonus", "title": "Sales bonus", "target_type": "conversion_count", "target": 1000, "interval": "calmo",
        "percentage": 5, "active": true, "retired": false
    })), (status = 409, description = "It exists already."))
)]
pub(super) async fn create_bonus(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::create(&api, &call, &["programs", id.as_str(), "bonuses"]).await
}

/// Show a bonus
// As it is to be last.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/bonuses/{bonus}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("bonus" = String, Path, example = "sales-bonus")),
    responses((status = 200, body = BonusTable, example = json!({
        "id": "sales-bonus", "title": "Sales bonus", "target_type": "conversion_count", "target": 1000, "interval": "calmo",
        "percentage": 5, "active": true, "retired": false
    })))
)]
pub(super) async fn show_bonus(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(id, name): PathIdAndKey,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &["programs", id.as_str(), "bonuses", name.as_str()]).await
}

/// Change a bonus
// What is not sent stays, what is null is cleared (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/programs/{id}/bonuses/{bonus}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("bonus" = String, Path, example = "sales-bonus"), IdempotencyKey),
    request_body(content = BonusTable, example = json!({"target": 500, "end_date": null})),
    responses((status = 200, body = BonusTable, example = json!({
        "id": "sales-bonus", "title": "Sales bonus", "target_type": "conversion_count", "target": 1000, "interval": "calmo",
        "percentage": 5, "active": true, "retired": false
    })))
)]
pub(super) async fn change_bonus(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::change(
        &api,
        &call,
        &["programs", id.as_str(), "bonuses", name.as_str()],
        &[],
    )
    .await
}

/// Retire a bonus
// Intervals that end later bring none.
#[utoipa::path(
    delete,
    path = "/v1/programs/{id}/bonuses/{bonus}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("bonus" = String, Path, example = "sales-bonus"), IdempotencyKey),
    responses((status = 200, body = BonusTable, example = json!({
        "id": "sales-bonus", "title": "Sales bonus", "target_type": "conversion_count", "target": 1000, "interval": "calmo",
        "percentage": 5, "active": true, "retired": true
    })))
)]
pub(super) async fn retire_bonus(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::retire(&api, &call, &["programs", id.as_str(), "bonuses", name.as_str()]).await
}
