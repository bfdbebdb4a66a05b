//! What all calls about things of the catalog do: read a request as a table of the catalog file, and show a table as JSON.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use common::{
    catalog::change::things::{self, Place},
    db::keys::ApiKey,
    http::request::Invalid,
};
use serde_json::{Map, Value, json};

use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    write::{Call, Change, begin, finish},
};

/// From when on a changed rule holds: beside the fields of the thing.
const VALID_FROM: &str = "valid_from";
const ID: &str = "id";

/// Answers with the things of the table at `place`, as the field `name`.
pub(super) async fn list(
    api: &Api,
    key: &ApiKey,
    place: &Place<'_>,
    name: &str,
) -> Result<Response, Problem> {
    may_name(key, place)?;
    let mut conn = api.connection().await?;
    let found = things::list(&mut conn, key.org, place).await?;
    let things = found.ok_or_else(Problem::not_found)?.into_iter();
    let shown: Vec<_> = things.map(|thing| shown(&thing.id, thing.fields)).collect();
    Ok(Json(json!({ name: shown })).into_response())
}

/// Answers with the thing at `place`.
pub(super) async fn show(api: &Api, key: &ApiKey, place: &Place<'_>) -> Result<Response, Problem> {
    may_name(key, place)?;
    let mut conn = api.connection().await?;
    let found = things::find(&mut conn, key.org, place).await?;
    let fields = found.ok_or_else(Problem::not_found)?;
    Ok(Json(shown(id_of(key, place), fields)).into_response())
}

/// Makes the thing that the body names by its `id` in the table at `place`, and answers with it.
pub(super) async fn create(api: &Api, call: &Call, place: &Place<'_>) -> Result<Response, Problem> {
    may_name(&call.key, place)?;
    let Sent {
        mut fields,
        valid_from,
    } = sent(call)?;
    let id = match fields.remove(ID) {
        Some(Value::String(id)) if !id.is_empty() => id,
        Some(Value::Null) | None => return Err(Invalid::new("id is required").into()),
        Some(_) => return Err(Invalid::new("id must be a text").into()),
    };
    let place: Vec<&str> = place.iter().copied().chain([id.as_str()]).collect();
    let mut change = match begin(api, call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let made = things::create(&mut change, &call.key.org_slug, &place, &fields, valid_from).await?;
    finish(change, StatusCode::OK, Some(&shown(&id, made))).await
}

/// Changes the fields of the thing at `place` that the body sends, clears those that are null, and answers with the thing. `only`
/// are the fields that may be sent; all that it has, where none are named.
pub(super) async fn change(
    api: &Api,
    call: &Call,
    place: &Place<'_>,
    only: &[&str],
) -> Result<Response, Problem> {
    may_name(&call.key, place)?;
    let Sent { fields, valid_from } = sent(call)?;
    let unknown = fields
        .keys()
        .find(|name| !only.is_empty() && !only.contains(&name.as_str()));
    if let Some(name) = unknown {
        let message = format!("unknown field {name:?}, known are {}", only.join(", "));
        return Err(Problem::bad_request(message));
    }
    write(api, call, place, &fields, valid_from).await
}

/// Retires the thing at `place`: it brings nothing new from now on, and what it brought stays. Again it changes nothing.
pub(super) async fn retire(api: &Api, call: &Call, place: &Place<'_>) -> Result<Response, Problem> {
    may_name(&call.key, place)?;
    let fields = Map::from_iter([("retired".to_owned(), Value::Bool(true))]);
    write(api, call, place, &fields, None).await
}

async fn write(
    api: &Api,
    call: &Call,
    place: &Place<'_>,
    fields: &Map<String, Value>,
    valid_from: Option<DateTime<Utc>>,
) -> Result<Response, Problem> {
    let mut change = match begin(api, call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let changed = things::set(&mut change, &call.key.org_slug, place, fields, valid_from).await?;
    finish(
        change,
        StatusCode::OK,
        Some(&shown(id_of(&call.key, place), changed)),
    )
    .await
}

/// Whether the key may do anything about what a path names.
///
/// # Errors
/// 403 for a key that is bound to a program, 404 for a path that names nothing.
pub(super) fn may_name(key: &ApiKey, place: &Place<'_>) -> Result<(), Problem> {
    needs_whole_organisation(key)?;
    if place.iter().any(|name| name.contains('\0')) {
        return Err(Problem::not_found());
    }
    Ok(())
}

/// What a body says of a thing.
pub(super) struct Sent {
    pub(super) fields: Map<String, Value>,
    /// From when on it is to hold; `None`: from now on.
    valid_from: Option<DateTime<Utc>>,
}

/// The fields of the body, without the time from when on they are to hold.
pub(super) fn sent(call: &Call) -> Result<Sent, Problem> {
    let mut fields = call.received.body_fields()?.into_storable()?;
    let valid_from = match fields.remove(VALID_FROM) {
        None | Some(Value::Null) => None,
        Some(value) => {
            let at = value
                .as_str()
                .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            let at =
                at.ok_or_else(|| Invalid::new("valid_from must be a time such as 2027-01-01T00:00:00Z"))?;
            Some(at.to_utc())
        }
    };
    Ok(Sent { fields, valid_from })
}

/// The organisation itself is known by its slug.
fn id_of<'a>(key: &'a ApiKey, place: &'a Place<'_>) -> &'a str {
    place.last().copied().unwrap_or(&key.org_slug)
}

pub(super) fn shown(id: &str, mut fields: Map<String, Value>) -> Value {
    fields.insert(ID.to_owned(), id.into());
    Value::Object(fields)
}
