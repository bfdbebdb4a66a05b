//! `/v1/programs/{id}/hosts`: where clicks without a key find the program.

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
#[schema(as = native::Hosts)]
#[expect(dead_code, reason = "describes an answer")]
struct Hosts {
    hosts: Vec<String>,
}

#[derive(ToSchema)]
#[schema(as = native::NewHost)]
#[expect(dead_code, reason = "describes what is read")]
struct NewHost {
    host: String,
}

/// List a program's hosts
#[utoipa::path(
    get,
    path = "/v1/programs/{id}/hosts",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program")),
    responses((status = 200, body = Hosts, example = json!({"hosts": ["shop.tapper.inc"]})))
)]
pub(super) async fn list_hosts(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    thing::may_name(&key, &[&id])?;
    let mut conn = api.connection().await?;
    let program = things::find(&mut conn, key.org, &["programs", &id]).await?;
    let mut program = program.ok_or_else(Problem::not_found)?;
    Ok(Json(json!({ "hosts": program.remove("hosts") })).into_response())
}

/// Add a host to a program
// One that it has changes nothing.
#[utoipa::path(
    post,
    path = "/v1/programs/{id}/hosts",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), IdempotencyKey),
    request_body(content = NewHost, example = json!({"host": "shop.tapper.inc"})),
    responses((status = 200, body = Hosts, example = json!({"hosts": ["shop.tapper.inc"]})))
)]
pub(super) async fn add_host(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    let host = call.received.body_fields()?.required_text("host", MAX_ID)?;
    thing::may_name(&call.key, &[&id])?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let fields = Map::from_iter([("hosts".to_owned(), Value::from(vec![host]))]);
    let program = ["programs", id.as_str()];
    let mut program = things::set(&mut change, &call.key.org_slug, &program, &fields, None).await?;
    let answer = json!({ "hosts": program.remove("hosts") });
    finish(change, StatusCode::OK, Some(&answer)).await
}

/// Take a host away from a program
#[utoipa::path(
    delete,
    path = "/v1/programs/{id}/hosts/{host}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The program's id.", example = "partner-program"), ("host" = String, Path, example = "shop.tapper.inc"), IdempotencyKey),
    responses((status = 200, body = Hosts, example = json!({"hosts": []})))
)]
pub(super) async fn remove_host(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, host): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    thing::may_name(&call.key, &[&id, &host])?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    program_lists::remove_host(&mut change, &id, &host).await?;
    let org = change.org();
    let program = things::find(change.connection(), org, &["programs", &id]).await?;
    let answer = json!({ "hosts": program.and_then(|mut program| program.remove("hosts")) });
    finish(change, StatusCode::OK, Some(&answer)).await
}
