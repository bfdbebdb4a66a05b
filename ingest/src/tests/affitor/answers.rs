//! The answers of Affitor's calls: every outcome, word for word.

use std::time::Duration;

use axum::{body::Body, http::Request};
use common::domain::{
    Applied, ClickId, ClickView, ConversionId, ConversionView, CustomerId, CustomerRecord, First, LeadView,
    MetaData, Outcome, ProgramView, Reason, RefundView, Refusal,
    trace::{Candidate, Trace, Verdict},
};
use serde_json::{Value, json};

use super::{URL, keyed, keyless, sale, with};
use crate::{
    pipeline::Answer,
    tests::{Reply, Service, affiliate, applied, conversion, event_id, refusal, time},
};

fn program() -> ProgramView {
    ProgramView {
        slug: "shop".to_owned(),
        title: "The shop".to_owned(),
        currency: "USD".parse().unwrap(),
    }
}

fn click() -> ClickView {
    ClickView {
        id: ClickId(42),
        name: None,
        session: None,
        created_at: time("2024-04-24T23:06:40.000789Z"),
        referral_code: "abc123".to_owned(),
        program: program(),
        cookie_time: 60,
        affiliate: affiliate(5, "ada"),
    }
}

fn lead(is_provisional: bool) -> Answer {
    let customer = CustomerRecord {
        id: CustomerId(9),
        customer_id: None,
        status: "new".to_owned(),
        created_at: time("2024-04-24T23:06:40Z"),
        click: None,
        program: program(),
        affiliate: affiliate(5, "ada"),
        affiliate_meta_data: None,
        meta_data: MetaData::new(),
        warnings: Vec::new(),
    };
    done(Applied::Lead(Box::new(LeadView {
        customer,
        click: Some(click()),
        is_provisional,
    })))
}

fn done(applied: Applied) -> Answer {
    Answer::Outcome(Outcome::Applied(applied))
}

fn refunded(conversion: ConversionView, deducted: &str, is_full: bool, is_repeat: bool) -> Answer {
    done(Applied::Refund(Box::new(RefundView {
        conversion,
        deducted: deducted.parse().unwrap(),
        is_full,
        is_repeat,
        warnings: Vec::new(),
    })))
}

async fn answer(request: Request<Body>, answer: Answer) -> Reply {
    Service::new().exchange(request, answer).await.0
}

fn click_call() -> Request<Body> {
    keyless("/api/v1/track/click", &json!({"affiliate_url": URL}))
}

fn lead_call() -> Request<Body> {
    keyed("/api/v1/track/lead", &json!({"click_id": "cust_1_2"}))
}

fn sale_call() -> Request<Body> {
    keyed("/api/v1/track/sale", &sale())
}

fn refund_call() -> Request<Body> {
    keyed("/api/v1/track/refund", &json!({"transaction_id": "txn_1"}))
}

#[tokio::test]
async fn a_click_is_told_its_id_its_code_and_its_days() {
    let reply = answer(click_call(), done(Applied::Click(Box::new(click())))).await;
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(
        reply.json(),
        json!({
            "success": true, "click_id": "cust_42_1714000000000", "partner_code": "abc123",
            "cookie_window_days": 60
        })
    );
    let reply = answer(click_call(), refusal(Reason::AffiliateNotApproved, None)).await;
    assert_eq!(reply.status.as_u16(), 200, "an inactive link is no error");
    assert_eq!(
        reply.json(),
        json!({"success": false, "message": "Referral link is inactive"})
    );
}

#[tokio::test]
async fn a_lead_is_told_that_it_counts_or_waits_for_the_server() {
    let tracked = json!({"success": true, "message": "Lead tracked successfully"});
    assert_eq!(answer(lead_call(), lead(false)).await.json(), tracked);
    assert_eq!(
        answer(lead_call(), lead(true)).await.json(),
        json!({
            "success": true, "provisional": true,
            "message": "Lead recorded as provisional. This program requires server-side (Bearer) lead tracking to \
                        settle attribution."
        })
    );
    let old = |body| keyless("/api/tracking/lead", &body);
    let reply = answer(
        old(json!({"customer_code": "cust_1_2", "user_id": "u"})),
        lead(false),
    )
    .await;
    assert_eq!(
        reply.json(),
        with(tracked.clone(), "customer_code", json!("cust_1_2"))
    );
    let reply = answer(old(json!({"user_id": "u"})), lead(false)).await;
    let found = json!("cust_42_1714000000000");
    assert_eq!(reply.json(), with(tracked, "customer_code", found));
}

#[tokio::test]
async fn a_sale_is_told_its_numbers() {
    let reply = answer(sale_call(), Answer::Outcome(applied())).await;
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(
        reply.json(),
        json!({"success": true, "sale_id": 3, "commission_id": 12, "message": "Sale tracked successfully"})
    );
    let unpaid = ConversionView {
        commissions: Vec::new(),
        ..conversion()
    };
    let reply = answer(sale_call(), done(Applied::Conversion(Box::new(unpaid)))).await;
    assert_eq!(
        reply.json(),
        json!({"success": true, "sale_id": 3, "commission_id": null, "message": "Sale tracked successfully"})
    );
}

#[tokio::test]
async fn a_sale_after_the_window_is_no_error_and_names_both_ages() {
    let candidate = |verdict, click_age_days| Candidate {
        method: "click_id".to_owned(),
        sent: "cust_1_2".to_owned(),
        verdict,
        affiliate: None,
        click_age_days,
        window_days: click_age_days.map(|_| 60),
    };
    let expired = |trace| {
        Answer::Outcome(Outcome::Refused(Refusal {
            trace,
            ..Refusal::new(Reason::WindowExpired, "the detail")
        }))
    };
    let trace = Trace {
        candidates: vec![
            candidate(Verdict::Unknown, None),
            candidate(Verdict::Expired, Some(75)),
        ],
        ..Trace::default()
    };
    let want = json!({
        "success": true, "attributed": false, "reason": "attribution_window_expired", "click_age_days": 75,
        "window_days": 60, "sale_id": null, "commission_id": null
    });
    let reply = answer(sale_call(), expired(Some(Box::new(trace)))).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, want.clone()));
    let reply = answer(sale_call(), expired(None)).await;
    let unknown = with(
        with(want, "click_age_days", Value::Null),
        "window_days",
        Value::Null,
    );
    assert_eq!(reply.json(), unknown);
}

#[tokio::test]
async fn a_refund_says_what_it_took_and_from_what() {
    let numbers = json!({"success": true, "sale_id": 3, "commission_id": 12});
    for (outcome, status, deducted) in [
        (refunded(conversion(), "25", true, false), "reversed", "25"),
        (refunded(conversion(), "3.330", false, false), "refunded", "3.33"),
        (refunded(conversion(), "0", false, false), "refunded", "0"),
    ] {
        let reply = answer(refund_call(), outcome).await;
        let mut body = reply.json();
        assert!(body["deductionAmount"].is_number(), "{body}");
        assert_eq!(
            (
                body["status"].as_str(),
                body["deductionAmount"].to_string().as_str()
            ),
            (Some(status), deducted)
        );
        assert!(body["message"].is_string());
        let fields = body.as_object_mut().unwrap();
        fields.retain(|name, _| !matches!(name.as_str(), "status" | "deductionAmount" | "message"));
        assert_eq!(body, numbers);
    }
    let reply = answer(refund_call(), refunded(conversion(), "0", true, true)).await;
    let mut body = reply.json();
    assert!(
        body.as_object_mut()
            .unwrap()
            .remove("message")
            .unwrap()
            .is_string()
    );
    let skipped = with(
        with(numbers, "status", json!("skipped")),
        "reason",
        json!("already reversed"),
    );
    assert_eq!((reply.status.as_u16(), body), (200, skipped));
    let unpaid = ConversionView {
        id: ConversionId(4),
        commissions: Vec::new(),
        ..conversion()
    };
    let reply = answer(refund_call(), refunded(unpaid, "0", true, false)).await;
    assert_eq!(
        reply.json(),
        json!({
            "success": true, "status": "no_commission", "message": "Sale has no commission to reverse",
            "sale_id": 4, "commission_id": null
        })
    );
}

#[tokio::test]
async fn a_test_is_told_its_number_and_the_program_as_sent_or_the_keys() {
    for (program, printed) in [
        (json!(1), json!(1)),
        (json!("partner-program"), json!("partner-program")),
        (json!(null), json!(7)),
        (json!(""), json!(7)),
    ] {
        for (what, body) in [
            ("click", json!({"affiliate_url": URL})),
            ("lead", json!({"customer_key": "u"})),
            ("sale", sale()),
            ("refund", json!({"transaction_id": "t"})),
        ] {
            let more = json!({"test_mode": true, "program_id": program});
            let call = keyed(
                &format!("/api/v1/track/{what}"),
                &with(body, "additional_data", more),
            );
            let reply = answer(call, done(Applied::Test { number: 101 })).await;
            // A click is a stranger's, whatever it carries.
            let named = program.is_number() || program == "partner-program";
            let printed = if what == "click" && !named {
                json!(null)
            } else {
                printed.clone()
            };
            assert_eq!(reply.status.as_u16(), 200);
            assert_eq!(
                reply.json(),
                json!({
                    "success": true, "message": format!("Test {what} event tracked successfully"),
                    "data": {"eventId": 101, "programId": printed, "test_mode": true}
                })
            );
        }
    }
}

#[tokio::test]
async fn a_duplicate_tells_of_the_first() {
    let text = "Duplicate transaction_id. This sale has already been recorded.";
    let reply = answer(sale_call(), refusal(Reason::DuplicateOrder, None)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (409, json!({"error": text}))
    );
    let first = |outcome| First::new(event_id(77), outcome);
    let known = refusal(Reason::DuplicateOrder, Some(first(Some(applied()))));
    assert_eq!(
        answer(sale_call(), known).await.json(),
        json!({"error": text, "event_id": event_id(77), "sale_id": 3, "commission_id": 12})
    );
    let unknown = refusal(Reason::DuplicateOrder, Some(first(None)));
    assert_eq!(
        answer(sale_call(), unknown).await.json(),
        json!({"error": text, "event_id": event_id(77), "sale_id": null, "commission_id": null})
    );
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let repeat = |outcome| {
        let first = First::new(event_id(77), outcome);
        refusal(Reason::IdempotentRepeat, Some(first))
    };
    let first = answer(sale_call(), Answer::Outcome(applied())).await;
    let again = answer(sale_call(), repeat(Some(applied()))).await;
    assert_eq!((again.status, again.text), (first.status, first.text));
    for waiting in [None, Some(Outcome::Queued)] {
        let reply = answer(sale_call(), repeat(waiting)).await;
        assert_eq!(reply.status.as_u16(), 202);
        assert_eq!(reply.json()["event_id"], event_id(77).to_string());
    }
}

#[tokio::test]
async fn what_is_not_decided_gets_a_receipt() {
    let mut service = Service::new();
    for outcome in [
        Answer::Accepted,
        Answer::Outcome(Outcome::Parked),
        Answer::Outcome(Outcome::Queued),
        Answer::Outcome(Outcome::Dead("code".to_owned())),
        Answer::Outcome(Outcome::Discarded),
    ] {
        for call in [click_call(), lead_call(), sale_call(), refund_call()] {
            let (reply, submitted) = service.exchange(call, outcome.clone()).await;
            let id = submitted.unwrap().0.id;
            assert_eq!(reply.json(), json!({"event_id": id, "status": "accepted"}));
            assert_eq!(
                (reply.status.as_u16(), reply.header("location")),
                (202, &*format!("/v1/events/{id}"))
            );
        }
    }
    let nobody_knows = Answer::Unavailable {
        retry_after: Duration::from_secs(2),
    };
    for call in [click_call(), sale_call()] {
        let (reply, _) = service.exchange(call, nobody_knows.clone()).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"));
        assert!(reply.json()["error"].is_string());
    }
}
