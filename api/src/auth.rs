//! Who calls, and what the key may do. Keys that somebody has are looked up per request, so that a change counts at once; those that
//! nobody has do not reach the database.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::{self, ApiKey, Scope},
    http::{Asker, CONTROL_KEYS, DialectErrors, Rejection, note_org, presented, sends_key},
};

use crate::{Api, Problem};

/// What a group of routes asks of its callers: one of the scopes.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) api: Arc<Api>,
    pub(crate) scopes: &'static [Scope],
}

/// Authenticates, counts the request, and hands the [`ApiKey`] to the handler as an extension.
pub(crate) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let key = match authenticate(&guard.api, Asker::of(&request)).await {
        Ok(key) => key,
        Err(refused) => return *refused,
    };
    let rate = guard.api.limits.take(key.hash, key.rate_per_minute);
    let response = if let Some(retry_after) = rate.retry_after {
        DialectErrors::Tapfiliate.print(&Rejection::RateLimited { retry_after })
    } else if let Err(problem) = authorise(&key, guard.scopes) {
        problem.into_response()
    } else {
        request.extensions_mut().insert(key);
        next.run(request).await
    };
    rate.print(response, guard.api.clock.now())
}

/// As [`guard`], where no key is needed: one that is sent must be good, and is used up and restricts what is seen as everywhere.
pub(crate) async fn guard_if_sent(state: State<Guard>, request: Request, next: Next) -> Response {
    if sends_any(request.headers()) {
        guard(state, request, next).await
    } else {
        next.run(request).await
    }
}

/// Whether a request tries to prove who it is, in whatever way.
fn sends_any(headers: &HeaderMap) -> bool {
    let mut others = headers.get_all(AUTHORIZATION).iter();
    sends_key(headers, CONTROL_KEYS) || others.any(|value| !value.as_bytes().trim_ascii().is_empty())
}

/// # Errors
/// 401, 429 for a stranger who has tried too many keys, 503.
async fn authenticate(api: &Api, asker: Asker<'_>) -> Result<ApiKey, Box<Response>> {
    let problem = |problem: Problem| Box::new(problem.into_response());
    let key = presented(asker.headers, CONTROL_KEYS).ok_or_else(|| problem(Problem::unauthenticated()))?;
    let known = api.keys.authenticate(key, asker.stranger).await;
    known.map_err(|error| Box::new(DialectErrors::Tapfiliate.print(&error.into())))?;
    let key = look_up(api, key).await.map_err(problem)?;
    note_org(key.org);
    Ok(key)
}

/// What the key may do now.
async fn look_up(api: &Api, key: &str) -> Result<ApiKey, Problem> {
    let mut conn = api.connection().await?;
    let found = keys::by_hash(&mut conn, &keys::hash_key(key)).await?;
    found.ok_or_else(Problem::unauthenticated)
}

fn authorise(key: &ApiKey, scopes: &[Scope]) -> Result<(), Problem> {
    if !key.affiliates_feature {
        return Err(Problem::forbidden(
            "This organization has no access to the affiliates feature",
        ));
    }
    if !key.scopes.iter().any(|scope| scopes.contains(scope)) {
        return Err(Problem::forbidden("This API key may not do that"));
    }
    Ok(())
}

/// For what is about the whole organisation: a key that is bound to a program may not do it.
///
/// # Errors
/// 403.
pub(crate) fn needs_whole_organisation(key: &ApiKey) -> Result<(), Problem> {
    match key.program {
        None => Ok(()),
        Some(_) => Err(Problem::forbidden(
            "this key is bound to a program, and this is about the whole organisation",
        )),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use common::{
        db::keys::{Repeats, Timezone},
        domain::OrgId,
    };

    use super::*;

    pub(crate) fn key(scopes: &[Scope]) -> ApiKey {
        ApiKey {
            org: OrgId(1),
            org_slug: "demo".into(),
            key_id: 1,
            hash: [0; 32],
            scopes: scopes.to_vec(),
            program: None,
            rate_per_minute: 100,
            owner: "John Tapper".into(),
            owner_id: "johntapper".into(),
            timezone: Timezone::default(),
            repeats: Repeats::default(),
            affiliates_feature: true,
        }
    }

    #[test]
    fn a_scope_and_the_feature_are_needed() {
        let needed = &[Scope::Read];
        assert!(authorise(&key(&[Scope::Ingest, Scope::Read]), needed).is_ok());
        assert!(authorise(&key(&[Scope::Ingest]), needed).is_err());
        let mut locked = key(&[Scope::Read]);
        locked.affiliates_feature = false;
        assert!(authorise(&locked, needed).is_err());
    }
}
