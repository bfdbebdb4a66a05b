//! How Affitor answers: one table of outcomes. What a success looks like is in each call's file.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{
    Applied, ConversionView, EventId, First, Outcome, Reason, Refusal, entities::CommissionKind,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    ERRORS,
    call::{Call, Names},
    click::ClickTracked,
    errors,
    lead::LeadTracked,
    refund::RefundTracked,
    sale::{ClickExpired, SaleTracked},
    test_mode::TestTracked,
};
use crate::{
    answer::{Resolution, json_body, ok, resolve},
    pipeline::Answer,
    receipt,
};

/// What the answer needs to know of the request.
#[derive(Debug)]
pub(super) struct AnswerContext {
    pub(super) call: Call,
    pub(super) names: Names,
    /// The click of a lead, as it was sent.
    pub(super) click_id: Option<String>,
    /// The program of a test, as it was sent.
    pub(super) program_id: Value,
}

/// What the caller of `event` is told.
pub(super) fn print(event: EventId, context: &AnswerContext, answer: &Answer) -> Response {
    match resolve(event, answer) {
        Resolution::Applied(_, applied) => success(context, applied),
        Resolution::Refused(_, refusal) => refused(context, refusal),
        Resolution::Pending(event) => receipt::accepted(event),
        Resolution::Unavailable(rejection) => ERRORS.print(&rejection),
    }
}

fn success(context: &AnswerContext, applied: &Applied) -> Response {
    match applied {
        Applied::Click(view) => ok(&ClickTracked::from(&**view)),
        Applied::Lead(view) => ok(&LeadTracked::new(context, view)),
        Applied::Conversion(view) => ok(&SaleTracked::from(&**view)),
        Applied::Refund(view) => ok(&RefundTracked::from(&**view)),
        Applied::Test { number } => {
            let program_id = context.program_id.clone();
            ok(&TestTracked::new(context.call, *number, program_id))
        }
        _ => ok(&json!({"success": true})),
    }
}

fn refused(context: &AnswerContext, refusal: &Refusal) -> Response {
    match (context.call, refusal.reason) {
        (_, Reason::IdempotencyConflict) => {
            ERRORS.print_message(StatusCode::UNPROCESSABLE_ENTITY, &refusal.detail)
        }
        // Two refusals that are no errors to these clients.
        (Call::Click, Reason::AffiliateNotApproved) => ok(&Message {
            success: false,
            message: errors::LINK_INACTIVE,
        }),
        (Call::Sale, Reason::WindowExpired) => ok(&ClickExpired::from(refusal)),
        (call, reason) => {
            let documented = errors::of(call, reason);
            let (status, text) = documented.unwrap_or((StatusCode::BAD_REQUEST, &refusal.detail));
            match refusal.first.as_deref() {
                Some(first) => (status, json_body(&DuplicateSale::new(text, first))).into_response(),
                None => ERRORS.print_message(status, text),
            }
        }
    }
}

/// Nothing was recorded, which is no error.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::Message)]
pub(super) struct Message {
    success: bool,
    message: &'static str,
}

/// The sale has been recorded before: for a caller whose first answer was lost.
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::DuplicateSale)]
pub(super) struct DuplicateSale<'a> {
    error: &'a str,
    event_id: EventId,
    #[schema(required)]
    sale_id: Option<i64>,
    #[schema(required)]
    commission_id: Option<i64>,
}

impl<'a> DuplicateSale<'a> {
    fn new(error: &'a str, first: &First) -> Self {
        let view = match &first.outcome {
            Some(Outcome::Applied(applied)) => applied.conversion(),
            _ => None,
        };
        Self {
            error,
            event_id: first.event_id,
            sale_id: view.map(|view| view.id.0),
            commission_id: view.and_then(own_commission),
        }
    }
}

/// The seller's: what levels above earn is not this caller's matter.
pub(super) fn own_commission(view: &ConversionView) -> Option<i64> {
    let mut own = view
        .commissions
        .iter()
        .filter(|commission| commission.kind == CommissionKind::Regular.name());
    own.next().map(|commission| commission.id.0)
}
