//! Who calls, and what the key may do. Keys are looked up per request: this is the slow plane.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::db::keys::{self, ApiKey, Scope};

use crate::{Api, Problem};

/// Longer texts are no keys of ours and are not hashed.
const MAX_KEY_BYTES: usize = 256;

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
    let allowance = guard.api.limits.take(&key, guard.api.clock.now());
    let mut response = if !allowance.allowed {
        // Plain text in the original, too.
        (StatusCode::TOO_MANY_REQUESTS, "You exceeded the rate limit").into_response()
    } else if let Err(problem) = authorise(&key, guard.scopes) {
        problem.into_response()
    } else {
        request.extensions_mut().insert(key);
        next.run(request).await
    };
    allowance.write(response.headers_mut());
    response
}

pub(crate) async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let key = presented(headers).ok_or_else(Problem::unauthenticated)?;
    let mut conn = api.connection().await?;
    keys::by_hash(&mut conn, &keys::hash_key(key))
        .await?
        .ok_or_else(Problem::unauthenticated)
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

/// `X-Api-Key` (seed: REST 1.6), `Api-Key` (its group examples and older clients), or a bearer token.
pub(crate) fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let bearer = || {
        let (scheme, token) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    };
    let key = text("x-api-key").or_else(|| text("api-key")).or_else(bearer)?;
    (!key.is_empty() && key.len() <= MAX_KEY_BYTES).then_some(key)
}

#[cfg(test)]
pub(crate) mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use common::domain::OrgId;

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
            affiliates_feature: true,
        }
    }

    #[test]
    fn keys_come_in_three_headers() {
        for (name, value, want) in [
            ("X-Api-Key", "k1", Some("k1")),
            ("Api-Key", " k1 ", Some("k1")),
            ("Authorization", "Bearer k1", Some("k1")),
            ("Authorization", "bearer k1", Some("k1")),
            ("Authorization", "Basic k1", None),
            ("Authorization", "k1", None),
            ("X-Api-Key", "", None),
            ("X-Other", "k1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_static(value),
            );
            assert_eq!(presented(&headers), want, "{name}: {value}");
        }
        let long = HeaderValue::from_str(&"k".repeat(MAX_KEY_BYTES + 1)).unwrap();
        assert_eq!(
            presented(&HeaderMap::from_iter([("x-api-key".parse().unwrap(), long)])),
            None
        );
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
