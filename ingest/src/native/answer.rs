//! How the lines of a request are answered: each with its own result.

use std::time::Duration;

use axum::{
    Json,
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use common::domain::{
    Applied, ConversionView, EventId, First, Outcome, PublicId, PublicIdKind, Reason, Refusal,
    entities::CommissionKind,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ERRORS;
use crate::pipeline::Answer;
use common::http::{
    Rejection,
    request::{Invalid, json_number},
};

const NDJSON: &str = "application/x-ndjson";

/// What became of one line.
#[derive(Debug)]
pub(super) struct LineResult {
    pub(super) line: usize,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// It is no event; nothing is stored.
    Invalid(Invalid),
    Answered(EventId, Answer),
}

/// Whether the caller wants one result a line instead of one object.
pub(super) fn wants_lines(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .into_iter()
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .filter_map(|media| media.split(';').next())
        .any(|media| media.trim().eq_ignore_ascii_case(NDJSON))
}

/// All results. When nothing could be taken, the request as a whole could not.
pub(super) fn print(results: &[LineResult], as_lines: bool) -> Response {
    let retry_after = results.iter().find_map(retry_after);
    let taken = results.iter().any(is_taken);
    if let (Some(retry_after), false) = (retry_after, taken) {
        return ERRORS.print(&Rejection::Unavailable { retry_after });
    }
    let printed: Vec<Value> = results.iter().map(result).collect();
    let mut response = if as_lines {
        let lines: Vec<String> = printed.iter().map(|result| format!("{result}\n")).collect();
        ([(CONTENT_TYPE, NDJSON)], lines.concat()).into_response()
    } else {
        let count = |status: &str| printed.iter().filter(|result| result["status"] == status).count();
        let counts = ["applied", "refused", "accepted", "invalid", "unavailable"].map(count);
        let [applied, refused, accepted, invalid, unavailable] = counts;
        Json(json!({
            "applied": applied, "refused": refused, "accepted": accepted, "invalid": invalid,
            "unavailable": unavailable, "results": printed,
        }))
        .into_response()
    };
    if let Some(retry_after) = retry_after {
        let seconds = HeaderValue::from(retry_after.as_secs().max(1));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

fn retry_after(result: &LineResult) -> Option<Duration> {
    match result.what {
        What::Answered(_, Answer::Unavailable { retry_after }) => Some(retry_after),
        What::Answered(..) | What::Invalid(_) => None,
    }
}

fn is_taken(result: &LineResult) -> bool {
    matches!(
        result.what,
        What::Answered(_, Answer::Outcome(_) | Answer::Accepted)
    )
}

fn result(result: &LineResult) -> Value {
    let line = result.line;
    match &result.what {
        What::Invalid(invalid) => json!({"line": line, "status": "invalid", "error": invalid.0}),
        What::Answered(event, Answer::Outcome(outcome)) => of_outcome(line, *event, outcome),
        What::Answered(event, Answer::Accepted) => accepted(line, *event),
        What::Answered(event, Answer::Unavailable { .. }) => json!({
            "line": line, "event_id": event, "status": "unavailable",
            "error": "this line could not be accepted at the moment: send the whole request again, under the same Idempotency-Key",
        }),
    }
}

fn accepted(line: usize, event: EventId) -> Value {
    json!({"line": line, "event_id": event, "status": "accepted"})
}

fn of_outcome(line: usize, event: EventId, outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Applied(applied) => {
            let mut printed = json!({"line": line, "event_id": event, "status": "applied"});
            add(&mut printed, effect(applied));
            printed
        }
        Outcome::Refused(refusal) if refusal.reason == Reason::IdempotentRepeat => {
            repeated(line, event, refusal.first.as_deref())
        }
        Outcome::Refused(refusal) => refused(line, event, refusal),
        // Nothing that this caller can be told as final: the receipt says it when it is.
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => accepted(line, event),
    }
}

/// The first outcome as if it were this one's, once there is one.
fn repeated(line: usize, event: EventId, first: Option<&First>) -> Value {
    match first {
        Some(First {
            event_id,
            outcome: Some(outcome),
        }) => of_outcome(line, *event_id, outcome),
        Some(First {
            event_id,
            outcome: None,
        }) => accepted(line, *event_id),
        None => accepted(line, event),
    }
}

fn refused(line: usize, event: EventId, refusal: &Refusal) -> Value {
    let mut printed = json!({
        "line": line, "event_id": event, "status": "refused",
        "reason": refusal.reason.code(), "detail": refusal.detail,
    });
    if let Some(first) = refusal.first.as_deref() {
        let mut earlier = json!({"event_id": first.event_id});
        if let Some(Outcome::Applied(applied)) = &first.outcome {
            add(&mut earlier, effect(applied));
        }
        add(&mut printed, Some(("first", earlier)));
    }
    printed
}

/// What an applied event left behind, under the name of what it is.
fn effect(applied: &Applied) -> Option<(&'static str, Value)> {
    match applied {
        Applied::Customer(customer) => Some((
            "customer",
            json!({
                "id": PublicId::new(PublicIdKind::Customer, customer.id.0).to_string(),
                "customer_id": customer.customer_id, "status": customer.status,
            }),
        )),
        other => other.conversion().map(|view| ("conversion", conversion(view))),
    }
}

fn conversion(view: &ConversionView) -> Value {
    let own = view
        .commissions
        .iter()
        .find(|commission| commission.kind == CommissionKind::Regular.name());
    let amount = own.map_or(Decimal::ZERO, |commission| commission.amount);
    json!({
        "id": PublicId::new(PublicIdKind::Conversion, view.id.0).to_string(),
        "external_id": view.external_id, "amount": json_number(view.amount, 0), "currency": view.currency.code(),
        "affiliate": view.affiliate.slug, "commission_amount": json_number(amount, 0),
    })
}

fn add(printed: &mut Value, field: Option<(&'static str, Value)>) {
    if let (Some((name, value)), Some(printed)) = (field, printed.as_object_mut()) {
        printed.insert(name.to_owned(), value);
    }
}
