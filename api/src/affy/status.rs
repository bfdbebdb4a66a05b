//! `GET /api/v1/tracking/status/{session}`: whether a visit is an affiliate's (seed: AFFY).
//!
//! Needs no key: who knows a session may see its click, unless several organisations have a session of that name. A key that is
//! sent must be right, and sees its own sessions only.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderValue, header::CACHE_CONTROL},
    middleware::{from_fn_with_state, map_response},
    response::Response,
};
use chrono::SecondsFormat;
use common::{
    db::keys::{ApiKey, Scope},
    http::DialectErrors,
    reads::affy::{self, Session, SessionClick},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Problem,
    auth::{Guard, guard_if_sent},
    in_dialect::in_dialect,
};

/// Characters of a session, at most.
const MAX_SESSION: usize = 255;
/// Whoever may send an event may also ask for its visit.
const SCOPES: &[Scope] = &[Scope::Read, Scope::Ingest];

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: SCOPES,
    };
    OpenApiRouter::default()
        .routes(routes!(status))
        .route_layer(from_fn_with_state(needs, guard_if_sent))
        .route_layer(map_response(shown))
}

/// In AFFY's shape. The next click changes it.
async fn shown(response: Response) -> Response {
    let mut response = in_dialect(DialectErrors::Affy, response);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affy::SessionStatus)]
struct View {
    session_id: String,
    has_affiliate: bool,
    #[schema(required)]
    affiliate_reference: Option<String>,
    /// Ours.
    #[schema(required)]
    click_id: Option<i64>,
    #[schema(required, format = DateTime)]
    clicked_at: Option<String>,
}

/// Whether a session came by an affiliate
#[utoipa::path(
    get,
    path = "/api/v1/tracking/status/{session}",
    tag = "affy",
    security((), ("Bearer" = [])),
    params(("session" = String, Path, description = "The client's own id.", example = "session_unique_id")),
    responses((status = 200, body = View, example = json!({
        "sessionId": "session_unique_id", "hasAffiliate": true, "affiliateReference": "aff_xyz123", "clickId": 789,
        "clickedAt": "2026-03-01T14:30:00Z"
    })))
)]
async fn status(
    State(api): State<Arc<Api>>,
    session: Result<Path<String>, PathRejection>,
    key: Option<Extension<ApiKey>>,
) -> Result<Json<View>, Problem> {
    let Path(session) = session.map_err(|_not_utf8| Problem::bad_request("sessionId is not UTF-8"))?;
    if session.contains('\0') || session.chars().count() > MAX_SESSION {
        let wrong = format!("sessionId contains a NUL character or is longer than {MAX_SESSION} characters");
        return Err(Problem::bad_request(wrong));
    }
    let _permit = match &key {
        None => Some(api.keyless_permits.permit().await?),
        Some(_) => None,
    };
    let (org, scope) = key.map_or((None, None), |Extension(key)| (Some(key.org), key.program));
    let mut conn = api.connection().await?;
    match affy::of_session(&mut conn, &session, org, scope).await? {
        Session::Unknown => Ok(Json(view(session, None))),
        Session::Click(click) => Ok(Json(view(session, Some(click)))),
        Session::Ambiguous => Err(Problem::bad_request(
            "sessionId does not tell the organization: send an API key as Bearer",
        )),
    }
}

fn view(session_id: String, click: Option<SessionClick>) -> View {
    let Some(click) = click else {
        return View {
            session_id,
            has_affiliate: false,
            affiliate_reference: None,
            click_id: None,
            clicked_at: None,
        };
    };
    View {
        session_id,
        has_affiliate: true,
        affiliate_reference: Some(click.referral_code),
        click_id: Some(click.click_id),
        clicked_at: Some(click.clicked_at.to_rfc3339_opts(SecondsFormat::Secs, true)),
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        http::Request,
    };
    use common::testing::{self, TestDatabase};
    use serde_json::{Value, json};
    use tower::ServiceExt;
    use utoipa::openapi::OpenApi;

    use super::*;
    use crate::{router, testing::over};

    #[test]
    fn a_visit_has_the_shape_of_the_seed() {
        let click = SessionClick {
            click_id: 789,
            referral_code: "aff_xyz123".to_owned(),
            clicked_at: "2026-03-01T14:30:00.987Z".parse().unwrap(),
        };
        let shown = serde_json::to_string(&view("session_unique_id".to_owned(), Some(click))).unwrap();
        let want = concat!(
            r#"{"sessionId":"session_unique_id","hasAffiliate":true,"affiliateReference":"aff_xyz123","#,
            r#""clickId":789,"clickedAt":"2026-03-01T14:30:00Z"}"#
        );
        assert_eq!(shown, want);
    }

    async fn get(api: &Router, path: &str, bearer: Option<&str>) -> (u16, Value) {
        let mut request = Request::get(path);
        if let Some(key) = bearer {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let response = api
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn no_key_is_needed_and_a_wrong_one_is_refused() {
        let TestDatabase { pool, .. } = testing::database().await;
        let api = router(over(&pool), OpenApi::default());
        let unknown = json!({"sessionId": "s 1", "hasAffiliate": false, "affiliateReference": null,
            "clickId": null, "clickedAt": null});
        for (path, key) in [
            ("/api/v1/tracking/status/s%201", None),
            ("/api/v1/tracking/status/s%201/", None),
            ("/api/v1/tracking/status/s%201", Some("demo-key")),
        ] {
            assert_eq!(
                get(&api, path, key).await,
                (200, unknown.clone()),
                "{path} {key:?}"
            );
        }
        let want = json!({"error": "Unauthorized", "message": "Invalid or missing API key"});
        assert_eq!(
            get(&api, "/api/v1/tracking/status/s", Some("wrong")).await,
            (401, want)
        );
        let (status, body) = get(&api, "/api/v1/tracking/status/s", Some("locked-key")).await;
        assert_eq!((status, &body["error"]), (403, &json!("Forbidden")));
        for path in ["%00".to_owned(), "%FF".to_owned(), "x".repeat(MAX_SESSION + 1)] {
            let (status, body) = get(&api, &format!("/api/v1/tracking/status/{path}"), None).await;
            assert_eq!((status, &body["error"]), (400, &json!("Bad Request")), "{path}");
            assert!(body["message"].as_str().unwrap().contains("sessionId"));
        }
        let longest = format!("/api/v1/tracking/status/{}", "x".repeat(MAX_SESSION));
        assert_eq!(get(&api, &longest, None).await.0, 200);
    }
}
