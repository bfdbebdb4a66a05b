//! How Yaplet answers: one table of outcomes.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{
    Applied, CommissionView, ConversionView, EventId, First, Outcome, PublicId, PublicIdKind, Reason,
    Refusal, entities::CommissionKind,
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::ERRORS;
use crate::{pipeline::Answer, receipt};
use common::http::{Rejection, request::json_number};

/// What the caller of `event`, by the `code` in the path, is told.
pub(super) fn print(event: EventId, code: &str, answer: Answer) -> Response {
    match answer {
        Answer::Outcome(outcome) => print_outcome(event, code, &outcome),
        Answer::Accepted => receipt::accepted(event),
        Answer::Unavailable { retry_after } => ERRORS.print(&Rejection::Unavailable { retry_after }),
    }
}

fn print_outcome(event: EventId, code: &str, outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Applied(applied) => success(code, applied),
        Outcome::Refused(refusal) => refused(event, code, refusal),
        // Nothing that this caller can be told as final: the receipt says it when it is.
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => receipt::accepted(event),
    }
}

fn refused(event: EventId, code: &str, refusal: &Refusal) -> Response {
    let message = |status| ERRORS.print_message(status, &refusal.detail);
    match refusal.reason {
        // Not an HTTP error (seed: Yaplet), and the order id stays usable.
        Reason::NotAttributed | Reason::AffiliateNotApproved => {
            let text = format!("No approved affiliate partner found for coupon code: {code}");
            ERRORS.print_message(StatusCode::OK, &text)
        }
        Reason::DuplicateOrder => duplicate(refusal.first.as_deref()),
        Reason::IdempotentRepeat => repeated(event, code, refusal.first.as_deref()),
        Reason::IdempotencyConflict => message(StatusCode::UNPROCESSABLE_ENTITY),
        _ => message(StatusCode::BAD_REQUEST),
    }
}

/// The first outcome as if it were this one's, once there is one.
fn repeated(event: EventId, code: &str, first: Option<&First>) -> Response {
    match first {
        Some(First {
            event_id,
            outcome: Some(outcome),
        }) => print_outcome(*event_id, code, outcome),
        Some(First {
            event_id,
            outcome: None,
        }) => receipt::accepted(*event_id),
        None => receipt::accepted(event),
    }
}

/// The documented six.
#[derive(Serialize)]
struct Data<'a> {
    commission_id: Option<String>,
    partner_id: String,
    customer_id: Option<String>,
    commission_amount: Value,
    order_id: Option<&'a str>,
    affiliate_code: Option<&'a str>,
}

#[derive(Serialize)]
struct Success<'a> {
    success: bool,
    data: Option<Data<'a>>,
}

fn success(code: &str, applied: &Applied) -> Response {
    let body = Success {
        success: true,
        data: applied.conversion().map(|view| data(view, Some(code))),
    };
    (StatusCode::OK, Json(body)).into_response()
}

/// What a caller learns whose first answer was lost.
#[derive(Serialize)]
struct FirstData<'a> {
    event_id: EventId,
    #[serde(flatten)]
    data: Option<Data<'a>>,
}

fn duplicate(first: Option<&First>) -> Response {
    let status = StatusCode::CONFLICT;
    let mut body = ERRORS.body(
        status,
        "This order_id has already been tracked for your organization",
    );
    let first = first.map(|first| {
        let conversion = match &first.outcome {
            Some(Outcome::Applied(applied)) => applied.conversion(),
            _ => None,
        };
        FirstData {
            event_id: first.event_id,
            // By which code it came is not kept: this call's code would be a guess.
            data: conversion.map(|conversion| data(conversion, None)),
        }
    });
    if let Some(Ok(first)) = first.map(serde_json::to_value)
        && let Some(body) = body.as_object_mut()
    {
        body.insert("data".to_owned(), first);
    }
    (status, Json(body)).into_response()
}

fn data<'a>(conversion: &'a ConversionView, code: Option<&'a str>) -> Data<'a> {
    let own = |commission: &&CommissionView| commission.kind == CommissionKind::Regular.name();
    let commission = conversion.commissions.iter().find(own);
    let amount = commission.map_or(Decimal::ZERO, |commission| commission.amount);
    let customer = conversion.customer.as_ref();
    Data {
        commission_id: commission.map(|one| public(PublicIdKind::YapletCommission, one.id.0)),
        partner_id: public(PublicIdKind::YapletPartner, conversion.affiliate.id.0),
        customer_id: customer.map(|one| public(PublicIdKind::YapletCustomer, one.id.0)),
        commission_amount: json_number(amount, 0),
        order_id: conversion.external_id.as_deref(),
        affiliate_code: code,
    }
}

fn public(kind: PublicIdKind, number: i64) -> String {
    PublicId::new(kind, number).to_string()
}
