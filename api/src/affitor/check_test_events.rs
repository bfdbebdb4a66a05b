//! `POST /api/tracking/check-test-events`: whether test events have come.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use common::{
    db::keys::ApiKey,
    http::{
        DialectErrors, Rejection,
        request::{Invalid, Received},
    },
    reads::affitor::{self, TestCounts},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Api, Problem, rest::params::is_storable};

/// A step of the set-up, and the test event that proves it.
const STEPS: [(&str, &str); 3] = [("pageview", "click"), ("referrals", "lead"), ("payments", "sale")];

/// Have test events come?
// No key is needed; one that is sent restricts the search to its organisation.
#[utoipa::path(
    post,
    path = "/api/tracking/check-test-events",
    tag = "affitor",
    security((), ("Bearer" = [])),
    request_body(
        content = CheckTestEventsBody,
        example = json!({"program_id": "johns-affiliate-program", "step_id": "payments"})
    ),
    responses((status = 200, body = TestEvents, example = json!({
        "success": true,
        "data": {"hasTestEvents": true, "eventCount": 1, "eventsByType": {"click": 0, "lead": 0, "sale": 1}}
    })))
)]
pub(super) async fn check_test_events(
    State(api): State<Arc<Api>>,
    key: Option<Extension<ApiKey>>,
    request: Request,
) -> Response {
    let key = key.map(|Extension(key)| key);
    match asked(request).await {
        Ok((program, step)) => match look(&api, key, &program, step).await {
            Ok(found) => Json(found).into_response(),
            Err(problem) => problem.into_response(),
        },
        Err(rejection) => DialectErrors::Affitor.print(&rejection),
    }
}

/// The program, and the step whose test event is looked for.
async fn asked(request: Request) -> Result<(String, Option<&'static str>), Rejection> {
    let received = Received::read(request).await?;
    let fields = received.body_fields()?;
    let program = program(fields.value("program_id")?)?;
    let step_id = fields.value("step_id")?.filter(|sent| !sent.is_null());
    Ok((program, step_id.map(step).transpose()?))
}

async fn look(
    api: &Api,
    key: Option<ApiKey>,
    program: &str,
    step: Option<&str>,
) -> Result<TestEvents, Problem> {
    let _permit = match key {
        Some(_) => None,
        None => Some(api.keyless_permits.permit().await?),
    };
    let mut conn = api.connection().await?;
    let org = key.map(|key| key.org);
    let counts = affitor::test_counts(&mut conn, org, program, api.clock.now()).await?;
    Ok(seen(counts, step))
}

#[derive(ToSchema)]
#[schema(as = affitor::CheckTestEvents)]
#[expect(dead_code, reason = "describes what `program` and `step` read")]
struct CheckTestEventsBody {
    /// Slug or number.
    #[schema(value_type = Value)]
    program_id: Value,
    step_id: Option<Step>,
}

/// Steps of the set-up; each is proven by one type of events.
#[derive(ToSchema)]
#[schema(as = affitor::SetUpStep, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes `STEPS`")]
enum Step {
    Pageview,
    Referrals,
    Payments,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = affitor::TestEvents)]
pub(super) struct TestEvents {
    data: TestEventsData,
    success: bool,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affitor::TestEventsData)]
struct TestEventsData {
    event_count: i64,
    events_by_type: CountsByType,
    has_test_events: bool,
}

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = affitor::CountsByType)]
struct CountsByType {
    click: i64,
    lead: i64,
    sale: i64,
}

/// Slug or number of a program, as a text or a number.
fn program(sent: Option<&Value>) -> Result<String, Invalid> {
    let program = match sent {
        Some(Value::String(text)) if !text.trim().is_empty() && is_storable(text) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(Invalid::of_field("program_id".to_owned(), "is required")),
    };
    Ok(program)
}

fn step(sent: &Value) -> Result<&'static str, Invalid> {
    STEPS
        .into_iter()
        .find_map(|(step, what)| (*sent == step).then_some(what))
        .ok_or_else(|| Invalid::of_field("step_id".to_owned(), "must be pageview, referrals or payments"))
}

/// With a step, only what proves it counts.
fn seen(counts: TestCounts, step: Option<&str>) -> TestEvents {
    let of = |what: &str, count: i64| {
        if step.is_none_or(|step| step == what) {
            count
        } else {
            0
        }
    };
    let events_by_type = CountsByType {
        click: of("click", counts.click),
        lead: of("lead", counts.lead),
        sale: of("sale", counts.sale),
    };
    let event_count = events_by_type.click + events_by_type.lead + events_by_type.sale;
    TestEvents {
        success: true,
        data: TestEventsData {
            has_test_events: event_count > 0,
            event_count,
            events_by_type,
        },
    }
}

#[cfg(test)]
mod tests {
    use common::{http::request::MAX_BODY_BYTES, testing};
    use serde_json::json;

    use super::*;
    use crate::testing::Client;

    #[test]
    fn a_step_counts_what_proves_it() {
        let counts = TestCounts {
            click: 3,
            lead: 0,
            sale: 1,
        };
        assert_eq!(
            json!(seen(counts, None)),
            json!({"success": true, "data": {
                "hasTestEvents": true, "eventCount": 4, "eventsByType": {"click": 3, "lead": 0, "sale": 1}
            }})
        );
        for (id, count) in [("pageview", 3), ("referrals", 0), ("payments", 1)] {
            let data = &json!(seen(counts, Some(step(&json!(id)).unwrap())))["data"];
            assert_eq!(data["eventCount"], json!(count), "{id}");
            assert_eq!(data["hasTestEvents"], json!(count > 0), "{id}");
        }
        for sent in [json!("nonsense"), json!(5), json!({})] {
            let problem = step(&sent).unwrap_err();
            assert!(problem.to_string().starts_with("step_id must be"), "{sent}");
        }
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_any() {
        let database = testing::database().await;
        let client = Client::over(&database.pool);
        let padded =
            |bytes: usize| format!(r#"{{"program_id": "partner-program"{}}}"#, " ".repeat(bytes - 33));
        for (bytes, status) in [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)] {
            let body = padded(bytes);
            assert_eq!(body.len(), bytes);
            let answer = client.call("POST", "/api/tracking/check-test-events", body).await;
            assert_eq!(answer.status, status, "{bytes}: {}", answer.json);
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
}
