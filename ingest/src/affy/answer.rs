//! How AFFY answers: one table of outcomes.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::domain::{Applied, EventId, Outcome, Reason, Refusal};
use rust_decimal::Decimal;

use super::{
    success::{ClickTracked, DuplicatePayment, LeadLinked, PaymentLinked, RegistrationLinked},
    transaction::Transaction,
};
use crate::{
    answer::{Resolution, json_body, ok, resolve},
    pipeline::Answer,
    receipt,
};
use common::http::{DialectErrors, request::json_number};

pub(super) const ERRORS: DialectErrors = DialectErrors::Affy;

/// What the answer needs to know of the request.
pub(super) enum AnswerContext {
    Click {
        session: Option<String>,
    },
    /// The click is answered as the text that came.
    Registration {
        click: Option<String>,
    },
    Lead,
    Payment {
        value: Decimal,
        transaction: Option<Transaction>,
    },
}

impl AnswerContext {
    /// Whether the organisation must be named: a registration is found by its click (seed: AFFY).
    pub(super) fn needs_client(&self) -> bool {
        !matches!(self, Self::Registration { .. })
    }

    fn session(&self) -> Option<&str> {
        match self {
            Self::Click { session } => session.as_deref(),
            Self::Registration { .. } | Self::Lead | Self::Payment { .. } => None,
        }
    }
}

/// What the caller of `event` is told.
pub(super) fn print(event: EventId, context: &AnswerContext, answer: &Answer) -> Response {
    match resolve(event, answer) {
        Resolution::Applied(event, applied) => success(event, context, applied),
        Resolution::Refused(_, refusal) => refused(context, refusal),
        Resolution::Pending(event) => receipt::accepted(event),
        Resolution::Unavailable(rejection) => ERRORS.print(&rejection),
    }
}

fn success(event: EventId, context: &AnswerContext, applied: &Applied) -> Response {
    match applied {
        Applied::Click(click) => ok(&ClickTracked::new(click, context.session())),
        Applied::Lead(lead) => linked(context, Some(lead.customer.id.0)),
        Applied::Conversion(conversion) => ok(&PaymentLinked::new(Some(conversion.id.0), conversion.amount)),
        // No call of this dialect has such an effect.
        _ => receipt::accepted(event),
    }
}

fn refused(context: &AnswerContext, refusal: &Refusal) -> Response {
    let message = |status, text: &str| ERRORS.print_message(status, text);
    match (refusal.reason, context) {
        (Reason::IdempotencyConflict, _) => message(
            StatusCode::UNPROCESSABLE_ENTITY,
            "transactionId or Idempotency-Key was used before for another request",
        ),
        (Reason::DuplicateOrder, _) => duplicate(refusal),
        (Reason::NotAttributed | Reason::UnknownAffiliate, AnswerContext::Click { .. }) => {
            message(StatusCode::BAD_REQUEST, "affiliateReference is not known")
        }
        (Reason::AffiliateNotApproved, AnswerContext::Click { .. }) => message(
            StatusCode::BAD_REQUEST,
            "affiliateReference belongs to an affiliate who is not approved",
        ),
        (Reason::ProgramRetired, AnswerContext::Click { .. }) => message(
            StatusCode::BAD_REQUEST,
            "affiliateReference belongs to a program that is retired",
        ),
        (Reason::ClickTaken, _) => message(
            StatusCode::BAD_REQUEST,
            "clickId has the form of ids that are given here: send one of your own",
        ),
        (
            Reason::UnknownClick
            | Reason::NotAttributed
            | Reason::AffiliateNotApproved
            | Reason::ProgramRetired
            | Reason::WindowExpired,
            _,
        ) => unreferred(context, refusal),
        _ => message(StatusCode::BAD_REQUEST, &refusal.detail),
    }
}

/// The customer came by nobody: nothing is wrong with that (see the module's head).
fn unreferred(context: &AnswerContext, refusal: &Refusal) -> Response {
    match context {
        AnswerContext::Click { .. } => ERRORS.print_message(StatusCode::BAD_REQUEST, &refusal.detail),
        AnswerContext::Registration { .. } | AnswerContext::Lead => linked(context, None),
        AnswerContext::Payment { value, .. } => ok(&PaymentLinked::new(None, *value)),
    }
}

fn linked(context: &AnswerContext, lead: Option<i64>) -> Response {
    let lead = LeadLinked::registration(lead);
    match context {
        AnswerContext::Registration { click } => ok(&RegistrationLinked {
            lead,
            click_id: click.clone(),
        }),
        AnswerContext::Click { .. } | AnswerContext::Lead | AnswerContext::Payment { .. } => ok(&lead),
    }
}

/// With what a caller learns whose first answer was lost.
fn duplicate(refusal: &Refusal) -> Response {
    let status = StatusCode::CONFLICT;
    let first = refusal.first.as_deref();
    let conversion = first.and_then(|first| match &first.outcome {
        Some(Outcome::Applied(Applied::Conversion(conversion))) => Some(conversion),
        _ => None,
    });
    let shown = DuplicatePayment {
        error: status.canonical_reason().unwrap_or("Error"),
        message: "transactionId has been recorded before",
        event_id: first.map(|first| first.event_id),
        lead_id: conversion.map(|conversion| conversion.id.0),
        lead_value: conversion.map(|conversion| json_number(conversion.amount, 0)),
    };
    (status, json_body(&shown)).into_response()
}
