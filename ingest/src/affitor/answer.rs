//! How Affitor answers: one table of outcomes.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{Applied, EventId, Reason, Refusal};
use serde_json::{Value, json};

use super::{
    errors::{self, ERRORS},
    kind::{Call, Names},
    success::{
        ClickExpired, ClickTracked, DuplicateSale, LeadTracked, Message, RefundTracked, SaleTracked,
        TestTracked,
    },
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
        Applied::Lead(view) => ok(&LeadTracked::new(
            context.names,
            context.click_id.as_deref(),
            view,
        )),
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
        (Call::Click, Reason::AffiliateNotApproved | Reason::ProgramRetired) => {
            ok(&Message::not_recorded(errors::LINK_INACTIVE))
        }
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
