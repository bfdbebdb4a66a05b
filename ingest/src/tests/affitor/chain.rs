//! The chain of test events.

use axum::{body::Body, http::Request};
use common::domain::{Applied, Event, OrgId, Outcome, ProgramId, Reason, TestKind};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{BEARER, keyed, test_of};
use crate::{
    affitor::CHAINS_PER_HOUR,
    pipeline::Answer,
    tests::{Service, refusal, request},
};

const PATH: &str = "/api/v1/cli/test-event";

/// Answers the chain's events one after the other.
async fn run(service: &mut Service, call: Request<Body>, answers: Vec<Answer>) -> (Value, Vec<Event>) {
    let mut response = std::pin::pin!(service.router.clone().oneshot(call));
    let (mut answers, mut events) = (answers.into_iter(), Vec::new());
    let response = loop {
        tokio::select! {
            response = &mut response => break response.unwrap(),
            Some(submission) = service.submissions.recv() => {
                events.push(submission.event);
                submission.answer.send(answers.next().unwrap()).unwrap();
            }
        }
    };
    assert_eq!(response.status().as_u16(), 200);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (serde_json::from_slice(&body).unwrap(), events)
}

fn tested(number: i64) -> Answer {
    Answer::Outcome(Outcome::Applied(Applied::Test { number }))
}

fn chain() -> Request<Body> {
    keyed(PATH, &json!({"type": "chain"}))
}

#[tokio::test]
async fn three_tests_go_the_whole_way() {
    let mut service = Service::new();
    let headers = [BEARER, ("Idempotency-Key", "one"), ("Prefer", "respond-async")];
    let call = request("POST", "/api/v1/cli/test-event/", &headers, r#"{"type":"chain"}"#);
    let (body, events) = run(&mut service, call, (1..=3).map(tested).collect()).await;
    let data = &body["data"];
    let customer_key = data["customer_key"].as_str().unwrap();
    assert!(customer_key.starts_with("test_"), "{data}");
    assert_eq!(
        *data,
        json!({
            "type": "chain", "short_code": "test", "customer_key": customer_key,
            "verdict": {"click": "pass", "lead": "pass", "sale": "pass"}, "attributed": true
        })
    );
    for event in &events {
        assert_eq!(
            (event.org, event.program_scope),
            (Some(OrgId(2)), Some(ProgramId(7)))
        );
        assert!(event.authenticated && event.idempotency.is_none());
    }
    let tests: Vec<_> = events.into_iter().map(|event| test_of(event.body)).collect();
    assert_eq!(
        tests.iter().map(|test| test.what).collect::<Vec<_>>(),
        [TestKind::Click, TestKind::Lead, TestKind::Sale]
    );
    assert!(
        tests
            .iter()
            .all(|test| test.details["customer_key"] == customer_key && test.program.as_deref() == Some("7"))
    );
}

#[tokio::test]
async fn each_step_has_its_verdict() {
    let mut service = Service::new();
    let answers = vec![tested(1), Answer::Accepted, refusal(Reason::NotAttributed, None)];
    let (body, _) = run(&mut service, chain(), answers).await;
    assert_eq!(
        body["data"]["verdict"],
        json!({"click": "pass", "lead": "pending", "sale": "fail"})
    );
    assert_eq!(body["data"]["attributed"], json!(false));
}

#[tokio::test]
async fn a_program_has_so_many_an_hour() {
    let mut service = Service::new();
    // What is no chain costs nothing.
    for body in [json!({}), json!({"type": "click"}), json!({"type": null})] {
        let reply = service.refused(keyed(PATH, &body), 400).await;
        assert_eq!(reply.json(), json!({"error": "type must be chain"}));
    }
    for _ in 0..CHAINS_PER_HOUR.get() {
        run(&mut service, chain(), (1..=3).map(tested).collect()).await;
    }
    let reply = service.refused(chain(), 429).await;
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((300..=360).contains(&wait), "one tenth of an hour: {wait}");
    assert_eq!(
        reply.json(),
        json!({"error": {
            "status": 429, "code": "rate_limited", "retry_after_seconds": wait,
            "message": "a program may run 10 test chains in an hour"
        }})
    );
    // Another key has its own.
    let other = [("Authorization", "Bearer demo-key")];
    let call = request("POST", PATH, &other, r#"{"type":"chain"}"#);
    run(&mut service, call, (1..=3).map(tested).collect()).await;
}
