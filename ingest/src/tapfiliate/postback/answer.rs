//! How Postback 1.7 answers: one table of outcomes.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{Applied, EventId, First, Outcome, Reason, Refusal};
use serde_json::Value;

use super::conversion::Conversion;
use crate::{pipeline::Answer, receipt, rejection::Rejection, tapfiliate::ERRORS};

/// What the caller of `event` is told.
pub(super) fn print(event: EventId, answer: Answer) -> Response {
    match answer {
        Answer::Outcome(outcome) => print_outcome(event, &outcome),
        Answer::Accepted => receipt::accepted(event),
        Answer::Unavailable { retry_after } => ERRORS.print(&Rejection::Unavailable { retry_after }),
    }
}

fn print_outcome(event: EventId, outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Applied(applied) => success(applied),
        Outcome::Refused(refusal) => refused(event, refusal),
        // Nothing that this caller can be told as final: the receipt says it when it is.
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => receipt::accepted(event),
    }
}

fn success(applied: &Applied) -> Response {
    let conversion = applied.conversion().map(Conversion::from);
    (StatusCode::OK, Json(conversion)).into_response()
}

fn refused(event: EventId, refusal: &Refusal) -> Response {
    let message = |status| ERRORS.print_message(status, &refusal.detail);
    match refusal.reason {
        Reason::DuplicateOrder => duplicate(refusal),
        Reason::IdempotentRepeat => repeated(event, refusal.first.as_deref()),
        Reason::IdempotencyConflict => message(StatusCode::UNPROCESSABLE_ENTITY),
        // Refused for want of room to wait: to this caller the order is unknown all the same.
        Reason::UnknownOrder | Reason::ParkingFull | Reason::UnknownCustomer => {
            message(StatusCode::NOT_FOUND)
        }
        _ => message(StatusCode::BAD_REQUEST),
    }
}

/// The first outcome as if it were this one's, once there is one.
fn repeated(event: EventId, first: Option<&First>) -> Response {
    match first {
        Some(First {
            event_id,
            outcome: Some(outcome),
        }) => print_outcome(*event_id, outcome),
        Some(First {
            event_id,
            outcome: None,
        }) => receipt::accepted(*event_id),
        None => receipt::accepted(event),
    }
}

/// The first event and the conversion as it is now, for a caller whose first answer was lost.
fn duplicate(refusal: &Refusal) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let mut body = ERRORS.body(status, &refusal.detail);
    if let (Some(first), Some(body)) = (&refusal.first, body.as_object_mut()) {
        body.insert("event_id".to_owned(), first.event_id.to_string().into());
        body.insert("conversion".to_owned(), conversion_of(first));
    }
    (status, Json(body)).into_response()
}

fn conversion_of(first: &First) -> Value {
    match &first.outcome {
        Some(Outcome::Applied(applied)) => {
            serde_json::to_value(applied.conversion().map(Conversion::from)).unwrap_or_default()
        }
        Some(
            Outcome::Refused(_) | Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded,
        )
        | None => Value::Null,
    }
}
