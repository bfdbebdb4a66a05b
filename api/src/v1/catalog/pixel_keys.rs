//! `/v1/pixel-keys`: the keys of pixels. A secret is shown when it is made, and never again.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change::pixel_keys,
    db::keys::ApiKey,
    http::request::{IdempotencyKey, Invalid},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::thing::{self, sent, shown};
use crate::{
    Api, Problem,
    path_id::PathId,
    write::{Call, Change, begin, finish, not_stored},
};

/// The key of a pixel, in the words of the catalog file.
#[derive(ToSchema)]
#[schema(as = native::PixelKeyTable)]
#[expect(dead_code, reason = "describes a table of the catalog file")]
struct PixelKeyTable {
    /// One is generated where none is sent.
    id: Option<String>,
    /// Signs links. One is generated where none is sent; it is shown this one time, and null when the request comes again.
    secret: Option<String>,
    /// Who asks from there needs no signature.
    address_ranges: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[schema(as = native::PixelKeyChange)]
#[expect(dead_code, reason = "describes what may be changed")]
struct PixelKeyChange {
    address_ranges: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[schema(as = native::RevokedPixelKey)]
#[expect(dead_code, reason = "describes an answer")]
struct RevokedPixelKey {
    id: String,
    revoked: bool,
}

#[derive(ToSchema)]
#[schema(as = native::PixelKeyTables)]
#[expect(dead_code, reason = "describes a list of tables")]
struct PixelKeyTables {
    pixel_keys: Vec<PixelKeyTable>,
}

/// List the keys of pixels
// Those that were not revoked, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/pixel-keys",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    responses((status = 200, body = PixelKeyTables, example = json!({"pixel_keys": [{"id": "demo-pixel", "address_ranges": []}]})))
)]
pub(super) async fn list_pixel_keys(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
) -> Result<Response, Problem> {
    thing::list(&api, &key, &["pixel_keys"], "pixel_keys").await
}

/// Create the key of a pixel
// Key and secret are generated where they are not sent. The secret is shown this one time.
#[utoipa::path(
    post,
    path = "/v1/pixel-keys",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(IdempotencyKey),
    request_body(content = PixelKeyTable, example = json!({"address_ranges": ["192.0.2.0/24"]})),
    responses(
        (status = 200, body = PixelKeyTable, example = json!({
            "id": "px_4fT9xQ2aB7wq01Zc", "secret": "k2Jd0Pq8Zt5rX1vN7mC4bH6yG3sW9uLe", "address_ranges": ["192.0.2.0/24"]
        })),
        (status = 409, description = "It exists already, or was revoked.")
    )
)]
pub(super) async fn create_pixel_key(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    thing::may_name(&call.key, &[])?;
    let mut fields = sent(&call)?.fields;
    let key = text(&mut fields, "id")?.unwrap_or_else(pixel_keys::generate_key);
    let secret = text(&mut fields, "secret")?.map(SecretString::from);
    let secret = secret.unwrap_or_else(pixel_keys::generate_secret);
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(not_stored(answer)),
    };
    let made = pixel_keys::create(&mut change, &call.key.org_slug, &key, &secret, fields).await?;
    let shown = shown(&key, made);
    finish(change, StatusCode::OK, Some(&without_secret(&shown))).await?;
    Ok(once(shown, &secret))
}

/// Change the key of a pixel
// Which networks it trusts. A secret is changed by `rotate`.
#[utoipa::path(
    patch,
    path = "/v1/pixel-keys/{key}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("key" = String, Path, example = "demo-pixel"), IdempotencyKey),
    request_body(content = PixelKeyChange, example = json!({"address_ranges": ["192.0.2.0/24"]})),
    responses((status = 200, body = PixelKeyTable, example = json!({"id": "demo-pixel", "address_ranges": ["192.0.2.0/24"]})))
)]
pub(super) async fn change_pixel_key(
    State(api): State<Arc<Api>>,
    PathId(key): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::change(&api, &call, &["pixel_keys", &key], &["address_ranges"]).await
}

/// Give the key of a pixel another secret
// It is generated and shown this one time. Links that were signed by the one before count as unsigned.
#[utoipa::path(
    post,
    path = "/v1/pixel-keys/{key}/rotate",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("key" = String, Path, example = "demo-pixel"), IdempotencyKey),
    responses((status = 200, body = PixelKeyTable, example = json!({
        "id": "demo-pixel", "secret": "k2Jd0Pq8Zt5rX1vN7mC4bH6yG3sW9uLe", "address_ranges": []
    })))
)]
pub(super) async fn rotate_pixel_key(
    State(api): State<Arc<Api>>,
    PathId(key): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::may_name(&call.key, &[&key])?;
    let secret = pixel_keys::generate_secret();
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(not_stored(answer)),
    };
    let changed = pixel_keys::rotate(&mut change, &call.key.org_slug, &key, &secret).await?;
    let shown = shown(&key, changed);
    finish(change, StatusCode::OK, Some(&without_secret(&shown))).await?;
    Ok(once(shown, &secret))
}

/// Revoke the key of a pixel
// Pixels with it record nothing more within seconds; this cannot be undone. Again it changes nothing.
#[utoipa::path(
    delete,
    path = "/v1/pixel-keys/{key}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("key" = String, Path, example = "demo-pixel"), IdempotencyKey),
    responses((status = 200, body = RevokedPixelKey, example = json!({"id": "demo-pixel", "revoked": true})))
)]
pub(super) async fn revoke_pixel_key(
    State(api): State<Arc<Api>>,
    PathId(key): PathId,
    call: Call,
) -> Result<Response, Problem> {
    thing::may_name(&call.key, &[&key])?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    pixel_keys::revoke(&mut change, &key).await?;
    let answer = json!({"id": key, "revoked": true});
    finish(change, StatusCode::OK, Some(&answer)).await
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Invalid> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
        Some(_) => Err(Invalid::new(format!("{name} must be a text"))),
    }
}

/// What the same request is answered again.
fn without_secret(shown: &Value) -> Value {
    with_secret(shown.clone(), Value::Null)
}

/// The one answer that has it: nobody on the way keeps it.
fn once(shown: Value, secret: &SecretString) -> Response {
    let shown = with_secret(shown, secret.expose_secret().into());
    not_stored(Json(shown))
}

fn with_secret(mut shown: Value, secret: Value) -> Value {
    if let Value::Object(fields) = &mut shown {
        fields.insert("secret".to_owned(), secret);
    }
    shown
}
