//! How Affitor answers: one table of outcomes.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{
    Applied, ClickView, ConversionView, EventId, First, LeadView, Outcome, Reason, RefundView, Refusal,
    click_name::click_code, entities::CommissionKind, trace::Verdict,
};
use serde_json::{Value, json};

use super::{Call, ERRORS, Names, errors, test_mode};
use crate::{pipeline::Answer, receipt};
use common::http::{Rejection, request::json_number};

const PROVISIONAL: &str = "Lead recorded as provisional. This program requires server-side (Bearer) lead \
                           tracking to settle attribution.";

/// What the printer knows of the request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) call: Call,
    pub(super) names: Names,
    /// The click of a lead, as it was sent.
    pub(super) click_id: Option<String>,
    /// The program of a test, as it was sent.
    pub(super) program_id: Value,
}

/// What the caller of `event` is told.
pub(super) fn print(event: EventId, asked: &Asked, answer: Answer) -> Response {
    match answer {
        Answer::Outcome(outcome) => print_outcome(event, asked, &outcome),
        Answer::Accepted => receipt::accepted(event),
        Answer::Unavailable { retry_after } => ERRORS.print(&Rejection::Unavailable { retry_after }),
    }
}

fn print_outcome(event: EventId, asked: &Asked, outcome: &Outcome) -> Response {
    match outcome {
        Outcome::Applied(applied) => ok(&success(asked, applied)),
        Outcome::Refused(refusal) => refused(event, asked, refusal),
        // Nothing that this caller can be told as final: the receipt says it when it is.
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => receipt::accepted(event),
    }
}

fn success(asked: &Asked, applied: &Applied) -> Value {
    match applied {
        Applied::Click(view) => click(view),
        Applied::Lead(view) => lead(asked, view),
        Applied::Conversion(view) => sale(view),
        Applied::Refund(view) => refund(view),
        Applied::Test { number } => test(asked, *number),
        _ => json!({"success": true}),
    }
}

fn click(view: &ClickView) -> Value {
    json!({
        "success": true,
        "click_id": click_code(view.id, view.created_at),
        "partner_code": view.referral_code,
        "cookie_window_days": view.cookie_time,
    })
}

fn lead(asked: &Asked, view: &LeadView) -> Value {
    let mut body = if view.is_provisional {
        json!({"success": true, "provisional": true, "message": PROVISIONAL})
    } else {
        json!({"success": true, "message": "Lead tracked successfully"})
    };
    if let (Names::Legacy, Some(body)) = (asked.names, body.as_object_mut()) {
        let found = view
            .click
            .as_ref()
            .map(|click| click_code(click.id, click.created_at));
        let code = asked.click_id.clone().or(found);
        body.insert("customer_code".to_owned(), code.into());
    }
    body
}

fn sale(view: &ConversionView) -> Value {
    json!({
        "success": true,
        "sale_id": view.id,
        "commission_id": own_commission(view),
        "message": "Sale tracked successfully",
    })
}

/// The seller's: what levels above earn is not this caller's matter.
fn own_commission(view: &ConversionView) -> Option<i64> {
    let mut own = view
        .commissions
        .iter()
        .filter(|one| one.kind == CommissionKind::Regular.name());
    own.next().map(|commission| commission.id.0)
}

fn refund(view: &RefundView) -> Value {
    let commission = own_commission(&view.conversion);
    let mut body = json!({
        "success": true,
        "sale_id": view.conversion.id,
        "commission_id": commission,
    });
    let more = if view.is_repeat {
        json!({"status": "skipped", "reason": "already reversed", "message": "Refund has already been recorded"})
    } else if commission.is_none() {
        json!({"status": "no_commission", "message": "Sale has no commission to reverse"})
    } else {
        let (status, message) = if view.is_full {
            ("reversed", "Commission reversed")
        } else {
            ("refunded", "Commission reduced by the refunded part")
        };
        // In units of the currency, while all else is in its minor unit (seed: Affitor, refund).
        let deducted = json_number(view.deducted, 0);
        json!({"status": status, "deductionAmount": deducted, "message": message})
    };
    add(&mut body, more);
    body
}

fn test(asked: &Asked, number: i64) -> Value {
    let what = test_mode::name(asked.call);
    json!({
        "success": true,
        "message": format!("Test {what} event tracked successfully"),
        "data": {"eventId": number, "programId": asked.program_id, "test_mode": true},
    })
}

fn refused(event: EventId, asked: &Asked, refusal: &Refusal) -> Response {
    match (asked.call, refusal.reason) {
        (_, Reason::IdempotentRepeat) => repeated(event, asked, refusal.first.as_deref()),
        (_, Reason::IdempotencyConflict) => {
            ERRORS.print_message(StatusCode::UNPROCESSABLE_ENTITY, &refusal.detail)
        }
        // Two refusals that are no errors to these clients.
        (Call::Click, Reason::AffiliateNotApproved) => {
            ok(&json!({"success": false, "message": errors::LINK_INACTIVE}))
        }
        (Call::Sale, Reason::WindowExpired) => ok(&expired(refusal)),
        (call, reason) => {
            let documented = errors::of(call, reason);
            let (status, text) = documented.unwrap_or((StatusCode::BAD_REQUEST, &refusal.detail));
            let mut body = ERRORS.body(status, text);
            if let Some(first) = refusal.first.as_deref() {
                add(&mut body, first_sale(first));
            }
            (status, Json(body)).into_response()
        }
    }
}

/// The first outcome as if it were this one's, once there is one.
fn repeated(event: EventId, asked: &Asked, first: Option<&First>) -> Response {
    match first {
        Some(First {
            event_id,
            outcome: Some(outcome),
        }) => print_outcome(*event_id, asked, outcome),
        Some(First {
            event_id,
            outcome: None,
        }) => receipt::accepted(*event_id),
        None => receipt::accepted(event),
    }
}

fn expired(refusal: &Refusal) -> Value {
    let candidates = refusal.trace.iter().flat_map(|trace| &trace.candidates);
    let click = candidates.into_iter().find(|one| one.verdict == Verdict::Expired);
    json!({
        "success": true,
        "attributed": false,
        "reason": "attribution_window_expired",
        "click_age_days": click.and_then(|click| click.click_age_days),
        "window_days": click.and_then(|click| click.window_days),
        "sale_id": null,
        "commission_id": null,
    })
}

/// What a caller learns whose first answer was lost.
fn first_sale(first: &First) -> Value {
    let view = match &first.outcome {
        Some(Outcome::Applied(applied)) => applied.conversion(),
        _ => None,
    };
    json!({
        "event_id": first.event_id,
        "sale_id": view.map(|view| view.id),
        "commission_id": view.and_then(own_commission),
    })
}

fn add(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}

fn ok(body: &Value) -> Response {
    (StatusCode::OK, Json(body)).into_response()
}
