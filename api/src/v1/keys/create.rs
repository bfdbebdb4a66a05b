//! `POST /v1/keys`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change::keys,
    db::keys::{ApiKey, DEFAULT_RATE_PER_MINUTE, NewKey, Repeats, Scope, Timezone},
    http::request::{Fields, IdempotencyKey, Invalid, MAX_ID, MAX_NAME},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::KeyView;
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    write::{Call, Change, begin, finish, not_stored},
};

/// What `new_key` reads.
#[derive(ToSchema)]
#[schema(as = native::NewKey)]
#[expect(dead_code, reason = "describes what `new_key` reads")]
struct NewKeyBody {
    /// What you call it, such as where it is used.
    name: String,
    /// `ingest`, `read`, `manage`, `replay`, `admin`; `all` is the five of them. Ingest and read, where none are sent. Only those
    /// that the calling key has itself.
    scopes: Option<Vec<String>>,
    /// The one program that it sees.
    program: Option<String>,
    rate_per_minute: Option<i32>,
    /// Whose it is; yours, where nobody is named.
    owner: Option<String>,
    owner_id: Option<String>,
    /// The owner's.
    timezone: Option<String>,
    /// How a sale is answered whose order was recorded before: `documented`, with its dialect's error, or `first`, the very same sale
    /// as it was first, with 200.
    repeats: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = native::CreatedKey)]
pub(super) struct CreatedKey {
    /// This one time; null, when the request comes again under its `Idempotency-Key`.
    #[schema(required)]
    key: Option<String>,
    created: KeyView,
}

/// Create an API key
// It is shown this one time.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(
        content = NewKeyBody,
        example = json!({"name": "reports", "scopes": ["read"], "program": "partner-program", "timezone": "Europe/Amsterdam"})
    ),
    responses((status = 200, body = CreatedKey, example = json!({
        "key": "ck_live_4fT9xQ2a...",
        "created": {
            "id": 8, "hint": "ck_live_4fT9xQ2a", "name": "reports", "scopes": ["read"], "program": "partner-program",
            "owner": "John Tapper", "owner_id": "johntapper", "timezone": "Europe/Amsterdam", "rate_per_minute": 100_000,
            "repeats": "documented",
            "created_at": "2026-11-21T15:00:00.000Z", "revoked_at": null
        }
    })))
)]
pub(super) async fn create_key(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    needs_whole_organisation(&call.key)?;
    let new = new_key(&call.received.body_fields()?, &call.key)?;
    only_own_scopes(&call.key, &new.scopes)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(not_stored(answer)),
    };
    let (key, row) = keys::create(&mut change, &new).await?;
    let mut answer = CreatedKey {
        key: None,
        created: row.into(),
    };
    finish(change, StatusCode::OK, Some(&answer)).await?;
    answer.key = Some(key);
    Ok(not_stored(Json(answer)))
}

/// Nobody gives what they do not have: a key that only manages keys would make itself one that pays. `admin` is no exception, and may
/// be given by whoever has it. `commissary keys create` makes any key: who runs it has the database.
///
/// # Errors
/// 403, naming the scope.
fn only_own_scopes(caller: &ApiKey, scopes: &[Scope]) -> Result<(), Problem> {
    let missing = scopes.iter().find(|scope| !caller.scopes.contains(scope));
    missing.map_or(Ok(()), |scope| {
        let name = scope.name();
        Err(Problem::forbidden(format!(
            "this key does not have the scope {name} and cannot give it"
        )))
    })
}

fn new_key(fields: &Fields, caller: &ApiKey) -> Result<NewKey, Invalid> {
    let owner = fields.prose("owner", MAX_NAME)?;
    let owner_id = fields.text("owner_id", MAX_ID)?;
    if owner.is_some() != owner_id.is_some() {
        return Err(Invalid::new("owner and owner_id are sent together"));
    }
    let timezone = fields.text("timezone", MAX_ID)?;
    let timezone = timezone.map_or(Ok(Timezone::default()), |name| {
        name.parse()
            .map_err(|_unknown| fields.wrong("timezone", "must be a time zone such as Europe/Amsterdam"))
    })?;
    Ok(NewKey {
        org: caller.org_slug.clone(),
        name: fields
            .prose("name", MAX_NAME)?
            .ok_or_else(|| fields.required("name"))?,
        scopes: scopes(fields)?,
        program: fields.text("program", MAX_ID)?,
        rate_per_minute: rate(fields)?,
        owner: owner.unwrap_or_else(|| caller.owner.clone()),
        owner_id: owner_id.unwrap_or_else(|| caller.owner_id.clone()),
        timezone,
        repeats: repeats(fields)?,
    })
}

/// A list, or one text with commas.
fn scopes(fields: &Fields) -> Result<Vec<Scope>, Invalid> {
    let wrong = || fields.wrong("scopes", "must be of ingest, read, manage, replay, admin and all");
    let names: Vec<&str> = match fields.value("scopes")? {
        None => vec!["ingest", "read"],
        Some(Value::String(text)) => text.split(',').map(str::trim).collect(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|name| name.as_str().ok_or_else(wrong))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong()),
    };
    let mut scopes = Vec::new();
    for name in names {
        if name == "all" {
            scopes.extend(Scope::all());
        } else {
            scopes.push(name.parse().map_err(|_unknown| wrong())?);
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(wrong());
    }
    Ok(scopes)
}

fn repeats(fields: &Fields) -> Result<Repeats, Invalid> {
    let Some(name) = fields.text("repeats", MAX_ID)? else {
        return Ok(Repeats::default());
    };
    name.parse()
        .map_err(|_unknown| fields.wrong("repeats", "must be documented or first"))
}

fn rate(fields: &Fields) -> Result<i32, Invalid> {
    let Some(text) = fields.text("rate_per_minute", MAX_ID)? else {
        return Ok(DEFAULT_RATE_PER_MINUTE);
    };
    let rate = text.parse().ok().filter(|rate: &i32| *rate > 0);
    rate.ok_or_else(|| fields.wrong("rate_per_minute", "must be a whole number from 1 on"))
}
