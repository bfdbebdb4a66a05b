//! Who calls: the holder of a key, an organisation by its public client id, or a browser that knows only its click.

use std::{net::IpAddr, sync::Arc};

use axum::http::header::AUTHORIZATION;
use common::{
    db::keys::Client,
    keyring::{AuthError, Principal},
};

use crate::{
    Ingest,
    answer::{Caller, key_holder},
};
use common::http::{
    AFFY_KEYS, Asker, Rejection, note_org,
    request::{Fields, Invalid, MAX_ID},
};

/// The holder of the key, if one was sent.
///
/// # Errors
/// 401 for an `Authorization` that proves nothing: who meant to sign must not be recorded as unsigned. 403, 429, 503.
pub(super) async fn holder(ingest: &Ingest, asker: Asker<'_>) -> Result<Option<Arc<Principal>>, Rejection> {
    if !asker.headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    key_holder(ingest, asker, AFFY_KEYS).await.map(Some)
}

/// Joins the key with what the body claims.
///
/// # Errors
/// 400 that names `clientId` when it is missing, unknown, or another organisation's than the key's; 403 when its
/// organisation lacks the feature; 429 when too many callers without a key wait.
pub(super) async fn identify(
    ingest: &Ingest,
    holder: Option<Arc<Principal>>,
    stranger: Option<IpAddr>,
    fields: &Fields,
    needs_client: bool,
) -> Result<Caller, Rejection> {
    let Some(holder) = holder else {
        let org = match client(ingest, stranger, fields).await? {
            Some(client) if !client.affiliates_feature => {
                return Err(Rejection::Forbidden(
                    "your organization does not have access to the affiliates feature",
                ));
            }
            Some(client) => {
                note_org(client.org);
                Some(client.org)
            }
            None if needs_client => return Err(fields.required("clientId").into()),
            None => None,
        };
        // Not before: an unknown client id waits for the keys, and must hold no place meanwhile.
        return Ok(Caller::Keyless(org, ingest.keyless_permit()?));
    };
    match client(ingest, stranger, fields).await? {
        Some(client) if client.org != holder.key.org => {
            Err(fields.wrong("clientId", "is not that of the API key").into())
        }
        Some(_) | None => Ok(Caller::Keyed(holder)),
    }
}

async fn client(
    ingest: &Ingest,
    stranger: Option<IpAddr>,
    fields: &Fields,
) -> Result<Option<Client>, Rejection> {
    let Some(text) = fields.text("clientId", MAX_ID)? else {
        return Ok(None);
    };
    let client_id = number(&text).ok_or_else(|| fields.wrong("clientId", "must be a number"))?;
    match ingest.keys().client(client_id, stranger).await {
        Ok(client) => Ok(Some(client)),
        Err(AuthError::UnknownKey) => Err(Invalid::new(format!("clientId {client_id} is not known")).into()),
        Err(error) => Err(error.into()),
    }
}

/// Some languages print every number with a fraction: `12345.0`.
fn number(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_plain =
        whole.bytes().all(|byte| byte.is_ascii_digit()) && fraction.bytes().all(|byte| byte == b'0');
    whole.parse().ok().filter(|_| is_plain)
}
