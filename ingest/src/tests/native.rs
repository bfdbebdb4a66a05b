//! `POST /v1/events`: many events in one request, each with its own result.

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use common::domain::{Dialect, Event, First, Outcome, Reason};
use serde_json::{Value, json};

use super::{KEY, Reply, Service, applied, event_id, refusal, request};
use crate::{
    native::{MAX_BATCH_BYTES, MAX_LINE_BYTES, MAX_LINES},
    pipeline::Answer,
};
use common::http::request::Wait;

fn post(body: impl Into<Body>) -> Request<Body> {
    request("POST", "/v1/events", &[("X-Api-Key", KEY)], body)
}

fn sale(order: &str) -> String {
    format!(r#"{{"external_id":"{order}","coupon":"C","amount":1}}"#)
}

impl Service {
    /// Sends a request and answers each of its events with what `answer` says to it.
    pub(super) async fn batch(
        &mut self,
        request: Request<Body>,
        mut answer: impl FnMut(&Event) -> Answer,
    ) -> (Reply, Vec<(Event, Wait)>) {
        let mut response = std::pin::pin!(tower::ServiceExt::oneshot(self.router.clone(), request));
        let mut submitted = Vec::new();
        let response = loop {
            tokio::select! {
                response = &mut response => break response.unwrap(),
                Some(submission) = self.submissions.recv() => {
                    submission.answer.send(answer(&submission.event)).unwrap();
                    submitted.push((submission.event, submission.wait));
                }
            }
        };
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let reply = Reply {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        };
        (reply, submitted)
    }
}

fn orders(submitted: &[(Event, Wait)]) -> Vec<&str> {
    submitted
        .iter()
        .map(|(event, _)| event.order().unwrap_or("-"))
        .collect()
}

#[tokio::test]
async fn every_line_has_its_own_result() {
    let mut service = Service::new();
    let body = [
        &sale("1"),
        "",
        "{\"external_id\":\"2\",\"coupon\":\"C\"}\r",
        "{not json}",
        "  ",
        r#"{"external_id":"3"}"#,
        &sale("4"),
    ]
    .join("\n");
    let first = First::new(event_id(7), Some(applied()));
    let (reply, submitted) = service
        .batch(post(body), |event| match event.order() {
            Some("1") => Answer::Outcome(applied()),
            Some("2") => refusal(Reason::DuplicateOrder, Some(first.clone())),
            _ => Answer::Outcome(Outcome::Parked),
        })
        .await;
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    assert_eq!(orders(&submitted), ["1", "2", "4"]);
    assert!(
        submitted
            .iter()
            .all(|(event, _)| event.dialect == Dialect::Native && event.authenticated)
    );
    let answer = reply.json();
    let conversion = json!({
        "id": answer["results"][0]["conversion"]["id"], "external_id": "order-1", "amount": 120, "currency": "USD",
        "affiliate": "ada", "commission_amount": 12.34, "commission_currency": "USD",
    });
    let want = json!([
        {"line": 1, "event_id": submitted[0].0.id, "status": "applied", "conversion": conversion},
        {
            "line": 3, "event_id": submitted[1].0.id, "status": "refused", "reason": "duplicate_order",
            "detail": "the detail", "first": {"event_id": event_id(7), "conversion": conversion},
        },
        {"line": 4, "status": "invalid", "error": answer["results"][2]["error"]},
        {"line": 6, "status": "invalid", "error": answer["results"][3]["error"]},
        {"line": 7, "event_id": submitted[2].0.id, "status": "accepted"},
    ]);
    assert_eq!(answer["results"], want);
    assert!(conversion["id"].as_str().unwrap().starts_with("cv_"));
    assert!(want[2]["error"].as_str().unwrap().contains("malformed JSON"));
    assert!(want[3]["error"].as_str().unwrap().contains("one of coupon"));
    let counts =
        ["applied", "refused", "accepted", "invalid", "unavailable"].map(|name| answer[name].clone());
    assert_eq!(counts, [1, 1, 1, 2, 0].map(|count: u32| json!(count)));
}

#[tokio::test]
async fn results_come_line_by_line_if_wanted() {
    let mut service = Service::new();
    let headers = [
        ("Authorization", "Bearer demo-key"),
        ("Accept", "text/html, application/x-ndjson;q=0.9"),
    ];
    let body = format!("{}\nx\n", sale("1"));
    let (reply, _) = service
        .batch(request("POST", "/v1/events/", &headers, body), |_| {
            Answer::Accepted
        })
        .await;
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = reply
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["status"], "accepted");
    assert_eq!(
        lines[1],
        json!({"line": 2, "status": "invalid", "error": "the line must be a JSON object"})
    );
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn a_request_has_so_many_lines_and_bytes() {
    let mut service = Service::new();
    let lines = |count: usize| {
        (1..=count)
            .map(|n| sale(&n.to_string()) + "\n\n")
            .collect::<String>()
    };
    let (reply, submitted) = service.batch(post(lines(MAX_LINES)), |_| Answer::Accepted).await;
    assert_eq!(
        (reply.json()["accepted"].as_u64(), submitted.len()),
        (Some(1_000), 1_000)
    );
    let in_order: Vec<String> = (1..=MAX_LINES).map(|n| n.to_string()).collect();
    assert_eq!(orders(&submitted), in_order);
    let reply = service.refused(post(lines(MAX_LINES + 1)), 400).await;
    assert_eq!(reply.json()["error"], "there are more than 1000 lines");

    let head = r#"{"external_id":"1","coupon":"C","pad":""#;
    let line = |bytes: usize| format!("{head}{}\"}}\n", "x".repeat(bytes - head.len() - 2));
    let body = line(MAX_LINE_BYTES) + &line(MAX_LINE_BYTES + 1);
    let (reply, _) = service.batch(post(body), |_| Answer::Accepted).await;
    let results = &reply.json()["results"];
    assert_eq!(
        (&results[0]["status"], &results[1]["error"]),
        (&json!("accepted"), &json!("the line is longer than 262144 bytes"))
    );

    let padded = |bytes: usize| sale("1") + &" ".repeat(bytes - sale("1").len());
    let (reply, _) = service
        .batch(post(padded(MAX_BATCH_BYTES)), |_| Answer::Accepted)
        .await;
    assert_eq!(reply.status.as_u16(), 200);
    let reply = service.refused(post(padded(MAX_BATCH_BYTES + 1)), 413).await;
    assert_eq!(
        reply.json()["error"],
        "the request body is larger than 1048576 bytes"
    );
    let reply = service.refused(post("\r\n \n"), 400).await;
    assert_eq!(reply.json()["error"], "the request body has no lines");
}

#[tokio::test]
async fn a_line_that_builds_on_another_follows_its_outcome() {
    let mut service = Service::new();
    let refund = r#"{"type":"refund","external_id":"1"}"#;
    let body = [
        &sale("1"),
        refund,
        &sale("2"),
        r#"{"type":"update","external_id":"9"}"#,
    ]
    .join("\n");
    let (reply, submitted) = service
        .batch(post(body), |_| Answer::Outcome(Outcome::Parked))
        .await;
    assert_eq!(orders(&submitted), ["1", "2", "9", "1"]);
    let lines: Vec<_> = (0..4)
        .map(|index| reply.json()["results"][index]["line"].clone())
        .collect();
    assert_eq!(lines, [1, 2, 3, 4]);
    let wait = |wait| match wait {
        Wait::Outcome(wait) => wait,
        Wait::Receipt => panic!("{submitted:?}"),
    };
    assert!(
        wait(submitted[3].1) <= wait(submitted[0].1),
        "both within one wait"
    );
}

#[tokio::test]
async fn each_line_has_its_own_idempotency_key() {
    let mut service = Service::new();
    let headers = [
        ("X-Api-Key", KEY),
        ("Idempotency-Key", "k"),
        ("Prefer", "respond-async"),
    ];
    let mut send = async |body: String| {
        let (_, submitted) = service
            .batch(request("POST", "/v1/events", &headers, body), |_| {
                Answer::Accepted
            })
            .await;
        assert!(submitted.iter().all(|(_, wait)| *wait == Wait::Receipt));
        let sent = submitted.into_iter().map(|(event, _)| event.idempotency.unwrap());
        sent.collect::<Vec<_>>()
    };
    let first = send(format!("{}\n{}", sale("1"), sale("2"))).await;
    assert_eq!([&first[0].key, &first[1].key], ["k:1", "k:2"]);
    assert_ne!(first[0].hash, first[1].hash);
    let again = send(format!("{}\r\n{}\n", sale("1"), sale("3"))).await;
    assert!(
        again[0].repeats(&first[0].hash),
        "the same line is the same event"
    );
    assert!(
        !again[1].repeats(&first[1].hash),
        "another line under its key is refused"
    );
    let spaced = send(r#"{ "amount": 1.0, "coupon": "C", "external_id": "1" }"#.to_owned()).await;
    assert!(spaced[0].repeats(&first[0].hash), "so is one in another order");
}

#[tokio::test]
async fn a_repeated_line_gets_the_first_outcome() {
    let mut service = Service::new();
    let first = First::new(event_id(7), Some(applied()));
    let (reply, _) = service
        .batch(post(sale("1")), |_| {
            refusal(Reason::IdempotentRepeat, Some(first.clone()))
        })
        .await;
    let result = &reply.json()["results"][0];
    assert_eq!(
        (&result["status"], &result["event_id"]),
        (&json!("applied"), &json!(event_id(7)))
    );
}

#[tokio::test]
async fn what_could_not_be_taken_is_said() {
    let mut service = Service::new();
    let unavailable = Answer::Unavailable {
        retry_after: std::time::Duration::from_secs(2),
    };
    let body = || format!("{}\n{}\n{{", sale("1"), sale("2"));
    let (reply, _) = service.batch(post(body()), |_| unavailable.clone()).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"));
    let (reply, _) = service
        .batch(post(body()), |event| match event.order() {
            Some("1") => Answer::Accepted,
            _ => unavailable.clone(),
        })
        .await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (200, "2"));
    assert_eq!(reply.json()["results"][1]["status"], "unavailable");
    assert_eq!(reply.json()["unavailable"], 1);
}

#[tokio::test]
async fn each_line_costs_as_much_as_a_call() {
    let mut service = Service::new();
    let slow = |body: &str| {
        request(
            "POST",
            "/v1/events",
            &[("X-Api-Key", "slow-key")],
            body.to_owned(),
        )
    };
    let two = format!("{}\n{}", sale("1"), sale("2"));
    let three = format!("{two}\n{}\n{}", sale("3"), sale("4"));
    // Its allowance is 2 a minute.
    let (reply, _) = service.batch(slow(&two), |_| Answer::Accepted).await;
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    let reply = service.refused(slow(&sale("5")), 429).await;
    assert!(!reply.header("retry-after").is_empty());
    let mut service = Service::new();
    let reply = service.refused(slow(&three), 400).await;
    assert!(reply.text.contains("2 events a minute"), "{reply:?}");
    let reply = service.refused(slow(&two), 429).await;
    assert!(!reply.header("retry-after").is_empty(), "one was taken before");
}

#[tokio::test]
async fn compressed_bodies_are_named() {
    let mut service = Service::new();
    let encoded = |body: Vec<u8>| {
        let headers = [("X-Api-Key", KEY), ("Content-Encoding", "gzip")];
        request("POST", "/v1/events", &headers, body)
    };
    let reply = service.refused(encoded(vec![0x1f, 0x8b, 8, 0]), 400).await;
    assert!(
        reply.text.contains("compressed bodies are not taken"),
        "{reply:?}"
    );
    let (reply, _) = service
        .batch(encoded(sale("1").into_bytes()), |_| Answer::Accepted)
        .await;
    assert_eq!(reply.json()["accepted"], 1, "what can be read is taken");
}

#[tokio::test]
async fn only_keys_that_may_ingest_come_in() {
    let mut service = Service::new();
    service
        .refused(request("POST", "/v1/events", &[], sale("1")), 401)
        .await;
    for key in ["reader-key", "locked-key"] {
        let reply = service
            .refused(
                request("POST", "/v1/events", &[("X-Api-Key", key)], sale("1")),
                403,
            )
            .await;
        assert!(reply.json()["error"].is_string());
    }
    service
        .refused(request("GET", "/v1/events", &[("X-Api-Key", KEY)], ""), 405)
        .await;
}
