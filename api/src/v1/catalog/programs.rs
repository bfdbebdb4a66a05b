//! `/v1/programs`: programs, with their rules.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use common::{db::keys::ApiKey, http::request::IdempotencyKey};
use utoipa::ToSchema;

use super::thing;
use crate::{Api, Problem, path_id::PathId, write::Call};

/// A program, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::ProgramTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct ProgramTable {
    id: Option<String>,
    title: Option<String>,
    /// What calls mean that name no program.
    default: Option<bool>,
    currency: Option<String>,
    currency_symbol: Option<String>,
    /// Days that a click counts.
    cookie_time: Option<i32>,
    landing_page: Option<String>,
    #[schema(value_type = Option<Object>)]
    category: Option<()>,
    recurring: Option<bool>,
    recurring_cap: Option<i32>,
    recurring_period_days: Option<i32>,
    /// `manual`, `immediate` or `hold`.
    approval: Option<String>,
    /// With `hold`.
    hold_days: Option<i32>,
    default_type: Option<String>,
    keyed_leads_only: Option<bool>,
    /// Added to those that it has.
    hosts: Option<Vec<String>>,
    /// Added to those that it has.
    assets: Option<Vec<String>>,
    /// Commission types by their ids.
    #[schema(value_type = Option<Object>)]
    types: Option<()>,
    /// By their ids, from `level-2` on.
    #[schema(value_type = Option<Object>)]
    levels: Option<()>,
    /// By their ids.
    #[schema(value_type = Option<Object>)]
    bonuses: Option<()>,
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
#[schema(as = native::ProgramTables)]
#[expect(dead_code, reason = "describes a list of tables")]
struct ProgramTables {
    programs: Vec<ProgramTable>,
}

/// List programs
// As they are to be last, in the words of the catalog file; retired ones too.
#[utoipa::path(
    get,
    path = "/v1/programs",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    responses((status = 200, body = ProgramTables, example = json!({"programs": [{
        "id": "partner-program", "title": "Partner program", "default": false, "currency": "USD", "currency_symbol": "$",
        "cookie_time": 60, "landing_page": "https://tapper.inc/pricing", "recurring": false, "approval": "immediate",
        "default_type": "standard", "keyed_leads_only": false, "retired": false, "hosts": [], "assets": ["2-aaaaaa"],
        "types": {"standard": {
            "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false, "groups": {}
        }},
        "levels": {}, "bonuses": {}, "versions": []
    }]})))
)]
pub(super) async fn list_programs(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
) -> Result<Response, Problem> {
    thing::list(&api, &key, &["programs"], "programs").await
}

/// Create a program
// 409 where there is one of that id.
#[utoipa::path(
    post,
    path = "/v1/programs",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = ProgramTable, example = json!({"id": "tea-friends", "currency": "EUR", "types": {"standard": {"percentage": 12}}})),
    responses((status = 200, body = ProgramTable, example = json!({
        "id": "partner-program", "title": "Partner program", "default": false, "currency": "USD", "currency_symbol": "$",
        "cookie_time": 60, "landing_page": "https://tapper.inc/pricing", "recurring": false, "approval": "immediate",
        "default_type": "standard", "keyed_leads_only": false, "retired": false, "hosts": [], "assets": ["2-aaaaaa"],
        "types": {"standard": {
            "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false, "groups": {}
        }},
        "levels": {}, "bonuses": {}, "versions": []
    })), (status = 409, description = "It exists already."))
)]
pub(super) async fn create_program(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    thing::create(&api, &call, &["programs"]).await
}

/// Show a program
// As it is to be last.
#[utoipa::path(
    get,
    path = "/v1/programs/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program")),
    responses((status = 200, body = ProgramTable, example = json!({
        "id": "partner-program", "title": "Partner program", "default": false, "currency": "USD", "currency_symbol": "$",
        "cookie_time": 60, "landing_page": "https://tapper.inc/pricing", "recurring": false, "approval": "immediate",
        "default_type": "standard", "keyed_leads_only": false, "retired": false, "hosts": [], "assets": ["2-aaaaaa"],
        "types": {"standard": {
            "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false, "groups": {}
        }},
        "levels": {}, "bonuses": {}, "versions": []
    })))
)]
pub(super) async fn show_program(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::show(&api, &key, &["programs", id.as_str()]).await
}

/// Change a program
// What is not sent stays, what is null is cleared (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/programs/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    request_body(content = ProgramTable, example = json!({"cookie_time": 30, "currency_symbol": null, "valid_from": "2027-01-01T00:00:00Z"})),
    responses((status = 200, body = ProgramTable, example = json!({
        "id": "partner-program", "title": "Partner program", "default": false, "currency": "USD", "currency_symbol": "$",
        "cookie_time": 60, "landing_page": "https://tapper.inc/pricing", "recurring": false, "approval": "immediate",
        "default_type": "standard", "keyed_leads_only": false, "retired": false, "hosts": [], "assets": ["2-aaaaaa"],
        "types": {"standard": {
            "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": false, "groups": {}
        }},
        "levels": {}, "bonuses": {}, "versions": []
    })))
)]
pub(super) async fn change_program(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::change(&api, &call, &["programs", id.as_str()], &[]).await
}

/// Retire a program
// It takes nothing new from now on; what it brought stays and is paid. Again it changes nothing.
#[utoipa::path(
    delete,
    path = "/v1/programs/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    responses((status = 200, body = ProgramTable, example = json!({
        "id": "partner-program", "title": "Partner program", "default": false, "currency": "USD", "currency_symbol": "$",
        "cookie_time": 60, "landing_page": "https://tapper.inc/pricing", "recurring": false, "approval": "immediate",
        "default_type": "standard", "keyed_leads_only": false, "retired": true, "hosts": [], "assets": ["2-aaaaaa"],
        "types": {"standard": {
            "title": "standard", "percentage": 10, "recurrence": "once", "count_towards_cap": true, "retired": true, "groups": {}
        }},
        "levels": {}, "bonuses": {}, "versions": []
    })))
)]
pub(super) async fn retire_program(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::retire(&api, &call, &["programs", id.as_str()]).await
}
