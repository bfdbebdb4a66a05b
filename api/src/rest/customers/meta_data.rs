//! `/1.6/customers/{id}/meta-data/`, whole and by key.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    domain::MetaChange,
    http::{
        openapi::{MetaData, example},
        request::IdempotencyKey,
    },
};

use super::edit::{edit, find};
use crate::{
    Api, Problem,
    path_id::{PathId, PathIdAndKey},
    rest::meta_data::{All, META_DATA_EXAMPLE, Property, all_of, property_of},
    write::Call,
};

/// Meta data of a customer
#[utoipa::path(
    get,
    path = "/1.6/customers/{id}/meta-data",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3")),
    responses((status = 200, body = All<'_>, example = json!(example(META_DATA_EXAMPLE))))
)]
pub(super) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let found = find(&api, &key, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(All(&found.meta_data)).into_response())
}

/// Replace the meta data of a customer
#[utoipa::path(
    put,
    path = "/1.6/customers/{id}/meta-data",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"), IdempotencyKey),
    request_body(content = MetaData, example = json!(example(META_DATA_EXAMPLE))),
    responses((status = 200, body = All<'_>, example = json!(example(META_DATA_EXAMPLE))))
)]
pub(super) async fn replace(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    let all = all_of(&call.received)?;
    let changed = edit(&api, &call, &id, |edit| edit.meta_data = Some(all)).await?;
    Ok(Json(All(&changed.meta_data)).into_response())
}

/// One property of a customer's meta data
#[utoipa::path(
    get,
    path = "/1.6/customers/{id}/meta-data/{key}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"),
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
    let value = found.as_ref().and_then(|found| found.meta_data.get(&name));
    let value = value.ok_or_else(Problem::not_found)?;
    Ok(Json(Property { value }).into_response())
}

/// Set one property of a customer's meta data
// The others stay, whoever changes them at the same time.
#[utoipa::path(
    put,
    path = "/1.6/customers/{id}/meta-data/{key}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"),
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
    let value = property_of(&name, &call.received)?;
    let set = MetaChange::Set {
        key: name.clone(),
        value,
    };
    let changed = edit(&api, &call, &id, |edit| edit.meta_change = Some(set)).await?;
    let value = changed.meta_data.get(&name).ok_or_else(Problem::not_found)?;
    Ok(Json(Property { value }).into_response())
}

/// Delete one property of a customer's meta data
#[utoipa::path(
    delete,
    path = "/1.6/customers/{id}/meta-data/{key}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"),
        ("key" = String, Path, description = "The name of the property.", example = "foo"),
        IdempotencyKey
    ),
    responses((status = 204, description = "It is gone."))
)]
pub(super) async fn delete_by_key(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, name): PathIdAndKey,
    call: Call,
) -> Result<StatusCode, Problem> {
    let found = find(&api, &call.key, &id).await?;
    call.only_what_is_there(found.as_ref().and_then(|found| found.meta_data.get(&name)))?;
    let remove = MetaChange::Remove { key: name };
    edit(&api, &call, &id, |edit| edit.meta_change = Some(remove)).await?;
    Ok(StatusCode::NO_CONTENT)
}
