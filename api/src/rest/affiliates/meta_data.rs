//! `/1.6/affiliates/{id}/meta-data/`, whole and by key.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::{
    catalog::change::meta_data_of,
    db::keys::ApiKey,
    http::{
        openapi::{MetaData, example},
        request::IdempotencyKey,
    },
};

use super::{
    change::{check, done},
    retrieve::find,
};
use crate::{
    Api, Problem,
    path_id::{PathId, PathIdAndKey},
    rest::meta_data::{All, META_DATA_EXAMPLE, Property, all_of, property_of},
    rest::params::is_storable,
    write::{Call, Change, begin, finish},
};

/// Meta data of an affiliate
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/meta-data",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson")),
    responses((status = 200, body = All<'_>, example = json!(example(META_DATA_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let found = find(&api, &key, &id).await?;
    Ok(Json(All(&found.profile.meta_data)).into_response())
}

/// Replace the meta data of an affiliate
#[utoipa::path(
    put,
    path = "/1.6/affiliates/{id}/meta-data",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson"), IdempotencyKey),
    request_body(content = MetaData, example = json!(example(META_DATA_EXAMPLE))),
    responses((status = 200, body = All<'_>, example = json!(example(META_DATA_EXAMPLE))))
)]
pub(super) async fn replace(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    check(&call.key, &id)?;
    let all = all_of(&call.received)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    meta_data_of::replace(&mut change, &id, &all).await?;
    finish(change, StatusCode::OK, Some(&All(&all))).await
}

/// One property of an affiliate's meta data
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/meta-data/{key}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("key" = String, Path, description = "The name of the property.", example = "foo")
    ),
    responses((status = 200, body = Property<'_>, example = json!({"value": "bar"})))
)]
pub(super) async fn retrieve_by_key(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathIdAndKey(id, name): PathIdAndKey,
) -> Result<Response, Problem> {
    let found = find(&api, &key, &id).await?;
    let value = found.profile.meta_data.get(&name);
    let value = value.ok_or_else(Problem::not_found)?;
    Ok(Json(Property { value }).into_response())
}

/// Set one property of an affiliate's meta data
// The others stay, whoever changes them at the same time.
#[utoipa::path(
    put,
    path = "/1.6/affiliates/{id}/meta-data/{key}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("key" = String, Path, description = "The name of the property.", example = "foo"),
        IdempotencyKey
    ),
    request_body(content = Property<'_>, example = json!({"value": "bar"})),
    responses((status = 200, body = Property<'_>, example = json!({"value": "bar"})))
)]
pub(super) async fn set_by_key(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    check(&call.key, &id)?;
    let value = property_of(&name, &call.received)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    meta_data_of::set(&mut change, &id, &name, value.clone()).await?;
    finish(change, StatusCode::OK, Some(&Property { value: &value })).await
}

/// Delete one property of an affiliate's meta data
#[utoipa::path(
    delete,
    path = "/1.6/affiliates/{id}/meta-data/{key}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("key" = String, Path, description = "The name of the property.", example = "foo"),
        IdempotencyKey
    ),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete_by_key(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    check(&call.key, &id)?;
    if !is_storable(&name) {
        return Err(Problem::not_found());
    }
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    meta_data_of::remove(&mut change, &id, &name).await?;
    done(change).await
}
