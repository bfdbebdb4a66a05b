//! Who calls, and what the key may do. Keys are looked up per request: this is the slow plane.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::{
    db::keys::{self, ApiKey, Scope},
    http::{CONTROL_KEYS, DialectErrors, Rejection, note_org, presented},
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
    let key = match authenticate(&guard.api, request.headers()).await {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
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

pub(crate) async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let key = presented(headers, CONTROL_KEYS).ok_or_else(Problem::unauthenticated)?;
    let mut conn = api.connection().await?;
    let found = keys::by_hash(&mut conn, &keys::hash_key(key)).await?;
    let key = found.ok_or_else(Problem::unauthenticated)?;
    note_org(key.org);
    Ok(key)
}

pub(crate) fn authorise(key: &ApiKey, scopes: &[Scope]) -> Result<(), Problem> {
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
