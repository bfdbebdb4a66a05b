//! Affitor's two reads for integrators: have my test events come, and is my program ready?
//!
//! Errors are flat, `{"error": "…"}`, as everywhere in this dialect.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_LENGTH},
    middleware::{from_fn_with_state, map_response},
    response::Response,
    routing::{get, post},
};
use common::{
    db::keys::{ApiKey, Scope},
    http::{CONTROL_KEYS, PrintedError, presented},
    reads::affitor::{self, Readiness, TestCounts},
};
use serde_json::{Map, Value, json};

use crate::{
    Api, Problem,
    auth::{Guard, authenticate, guard},
    rest::params::is_storable,
};

/// As the tracking calls.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) fn router(api: &Arc<Api>) -> Router<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Read, Scope::Ingest],
    };
    Router::new()
        .route("/api/v1/programs/me/readiness", get(readiness))
        .route_layer(from_fn_with_state(needs, guard))
        .route("/api/tracking/check-test-events", post(check_test_events))
        .route_layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route_layer(map_response(flat))
}

/// The dialect's word for a missing or wrong key (seed: Affitor, error reference).
const INVALID_KEY: &str = "Invalid API token";

async fn flat(mut response: Response) -> Response {
    if let Some(PrintedError { message, .. }) = response.extensions_mut().remove() {
        let is_unknown = response.status() == StatusCode::UNAUTHORIZED;
        let message = if is_unknown { INVALID_KEY } else { message.as_str() };
        *response.body_mut() = Body::from(json!({"error": message}).to_string());
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

/// A step of the set-up, and the test event that proves it.
const STEPS: [(&str, &str); 3] = [("pageview", "click"), ("referrals", "lead"), ("payments", "sale")];

/// No key is needed; one that is sent restricts the search to its organisation.
async fn check_test_events(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let body =
        body.map_err(|refused| Problem::new(refused.status(), "the body is too large or incomplete"))?;
    let asked: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_malformed| Problem::bad_request("the body must be a JSON object"))?;
    let program = program(asked.get("program_id"))?;
    let sent = asked.get("step_id").filter(|sent| !sent.is_null());
    let step = sent.map(step).transpose()?;
    let (key, _permit) = match presented(&headers, CONTROL_KEYS) {
        Some(_) => (Some(authenticate(&api, &headers).await?), None),
        None => (None, Some(api.keyless_permits.permit().await?)),
    };
    let mut conn = api.connection().await?;
    let org = key.map(|key| key.org);
    let counts = affitor::test_counts(&mut conn, org, &program, api.clock.now()).await?;
    Ok(Json(seen(counts, step)))
}

/// Slug or number of a program, as a text or a number.
fn program(sent: Option<&Value>) -> Result<String, Problem> {
    let program = match sent {
        Some(Value::String(text)) if !text.trim().is_empty() && is_storable(text) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(Problem::bad_request("program_id is required")),
    };
    Ok(program)
}

fn step(sent: &Value) -> Result<&'static str, Problem> {
    STEPS
        .into_iter()
        .find_map(|(step, what)| (*sent == step).then_some(what))
        .ok_or_else(|| Problem::bad_request("step_id must be pageview, referrals or payments"))
}

/// With a step, only what proves it counts.
fn seen(counts: TestCounts, step: Option<&str>) -> Value {
    let of = |what: &str, count: i64| {
        if step.is_none_or(|step| step == what) {
            count
        } else {
            0
        }
    };
    let (click, lead, sale) = (
        of("click", counts.click),
        of("lead", counts.lead),
        of("sale", counts.sale),
    );
    let all = click + lead + sale;
    json!({"success": true, "data": {
        "hasTestEvents": all > 0, "eventCount": all,
        "eventsByType": {"click": click, "lead": lead, "sale": sale}
    }})
}

async fn readiness(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
) -> Result<Json<Value>, Problem> {
    let mut conn = api.connection().await?;
    let found = affitor::readiness(&mut conn, key.org, key.program).await?;
    found
        .map(|found| Json(gates(&found)))
        .ok_or_else(Problem::not_found)
}

/// Five gates, in the order in which an integrator meets them.
fn gates(found: &Readiness) -> Value {
    let gates = [
        (
            "landing_page",
            found.has_landing_page,
            "The host of its pages is its organisation's own: clicks there find it, even by codes that others have too",
        ),
        (
            "commission",
            found.has_commission,
            "The default commission type brings something",
        ),
        (
            "affiliate",
            found.has_affiliate,
            "An approved affiliate has a referral code",
        ),
        ("click", found.has_click, "A click has come"),
        ("sale", found.has_sale, "A sale has come"),
    ];
    let ready = gates.iter().all(|(_, passed, _)| *passed);
    let gates =
        gates.map(|(gate, passed, meaning)| json!({"gate": gate, "passed": passed, "meaning": meaning}));
    json!({"success": true, "data": {
        "programId": found.number, "program": found.program, "ready": ready, "gates": gates
    }})
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn a_step_counts_what_proves_it() {
        let counts = TestCounts {
            click: 3,
            lead: 0,
            sale: 1,
        };
        assert_eq!(
            seen(counts, None),
            json!({"success": true, "data": {
                "hasTestEvents": true, "eventCount": 4, "eventsByType": {"click": 3, "lead": 0, "sale": 1}
            }})
        );
        for (id, count) in [("pageview", 3), ("referrals", 0), ("payments", 1)] {
            let data = &seen(counts, Some(step(&json!(id)).unwrap()))["data"];
            assert_eq!(data["eventCount"], json!(count), "{id}");
            assert_eq!(data["hasTestEvents"], json!(count > 0), "{id}");
        }
        for sent in [json!("nonsense"), json!(5), json!({})] {
            let problem = step(&sent).unwrap_err();
            assert!(problem.message().starts_with("step_id must be"), "{sent}");
        }
    }

    #[test]
    fn programs_are_named_by_text_or_number() {
        for (sent, want) in [
            (json!("johns"), Some("johns")),
            (json!(7), Some("7")),
            (json!(" 7 "), Some("7")),
            (json!(""), None),
            (json!("a\0b"), None),
            (json!({}), None),
            (Value::Null, None),
        ] {
            assert_eq!(program(Some(&sent)).ok().as_deref(), want, "{sent}");
        }
        assert!(program(None).is_err());
    }

    #[test]
    fn ready_is_all_gates() {
        let mut found = Readiness {
            program: "johns".into(),
            number: 1,
            has_landing_page: true,
            has_commission: true,
            has_affiliate: true,
            has_click: true,
            has_sale: true,
        };
        assert_eq!(gates(&found)["data"]["ready"], json!(true));
        found.has_click = false;
        let shown = gates(&found);
        assert_eq!(shown["data"]["ready"], json!(false));
        assert_eq!(shown["data"]["gates"].as_array().unwrap().len(), 5);
        assert_eq!(shown["data"]["gates"][3]["gate"], "click");
        assert_eq!(shown["data"]["gates"][3]["passed"], json!(false));
    }

    #[tokio::test]
    async fn errors_are_flat_and_keep_their_headers() {
        let mut refused = Problem::bad_request("program_id is required").into_response();
        refused.headers_mut().insert("x-ratelimit-limit", 7.into());
        let flat = flat(refused).await;
        assert_eq!(flat.status(), 400);
        assert_eq!(flat.headers()["x-ratelimit-limit"], "7");
        assert_eq!(flat.headers()["content-type"], "application/json");
        let body = axum::body::to_bytes(flat.into_body(), 1_000).await.unwrap();
        assert_eq!(body, r#"{"error":"program_id is required"}"#);
        let unknown = super::flat(Problem::unauthenticated().into_response()).await;
        assert_eq!(unknown.status(), 401);
        let body = axum::body::to_bytes(unknown.into_body(), 1_000).await.unwrap();
        assert_eq!(body, r#"{"error":"Invalid API token"}"#);
    }
}
