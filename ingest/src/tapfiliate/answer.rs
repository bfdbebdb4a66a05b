//! How both dialects answer: one table of outcomes. Only the shape of an effect is the dialect's own.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::{
    domain::{Applied, EventId, Outcome, Reason, Refusal},
    http::DialectErrors,
};
use serde::Serialize;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    answer::{Resolution, resolve},
    pipeline::Answer,
    receipt,
};

pub(super) const ERRORS: DialectErrors = DialectErrors::Tapfiliate;

/// How a dialect shows what an event did.
pub(super) type Effect = fn(&Applied) -> Box<RawValue>;

/// `shown` with its fields in their documented order.
pub(super) fn raw(shown: &impl Serialize) -> Box<RawValue> {
    to_raw_value(shown).unwrap_or_else(|_never| RawValue::NULL.to_owned())
}

/// What the caller of `event` is told. `names_a_row`: the call was about a row that must be there.
pub(super) fn print(event: EventId, answer: &Answer, effect: Effect, names_a_row: bool) -> Response {
    match resolve(event, answer) {
        Resolution::Applied(_, applied) => (StatusCode::OK, Json(effect(applied))).into_response(),
        Resolution::Refused(event, refusal) => {
            refused(event, status(refusal.reason, names_a_row), refusal, effect)
        }
        Resolution::Pending(event) => receipt::accepted(event),
        Resolution::Unavailable(rejection) => ERRORS.print(&rejection),
    }
}

/// The one table of refusals.
fn status(reason: Reason, names_a_row: bool) -> StatusCode {
    match reason {
        Reason::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
        // Refused for want of room to wait: to this caller the order is unknown all the same. And who may not see a row
        // must not learn that it is there.
        Reason::UnknownOrder
        | Reason::ParkingFull
        | Reason::UnknownCustomer
        | Reason::CustomerElsewhere
        | Reason::UnknownCommission
            if names_a_row =>
        {
            StatusCode::NOT_FOUND
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Names the event that was refused. A repetition tells of the first event and its row, for a caller whose first answer was lost.
fn refused(event: EventId, status: StatusCode, refusal: &Refusal, effect: Effect) -> Response {
    let mut body = ERRORS.body(status, &refusal.detail);
    if let Some(body) = body.as_object_mut() {
        body.insert("event_id".to_owned(), event.to_string().into());
    }
    let row = match refusal.reason {
        Reason::DuplicateOrder => Some("conversion"),
        Reason::DuplicateCustomer => Some("customer"),
        _ => None,
    };
    if let (Some(row), Some(first), Some(body)) = (row, &refusal.first, body.as_object_mut()) {
        let shown = match &first.outcome {
            Some(Outcome::Applied(applied)) => {
                serde_json::from_str(effect(applied).get()).unwrap_or_default()
            }
            _ => Value::Null,
        };
        body.insert("event_id".to_owned(), first.event_id.to_string().into());
        body.insert(row.to_owned(), shown);
    }
    (status, Json(body)).into_response()
}
