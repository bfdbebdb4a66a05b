//! How Yaplet answers: one table of outcomes.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::{
    domain::{
        Applied, CommissionView, ConversionView, EventId, First, Outcome, PublicId, PublicIdKind, Reason,
        Refusal, entities::CommissionKind,
    },
    http::{DialectErrors, YapletError, request::json_number},
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    answer::{Resolution, json_body, resolve},
    pipeline::Answer,
    receipt,
};

pub(super) const ERRORS: DialectErrors = DialectErrors::Yaplet;

/// What the caller of `event`, by the `code` in the path, is told.
pub(super) fn print(event: EventId, code: &str, answer: &Answer) -> Response {
    match resolve(event, answer) {
        Resolution::Applied(_, applied) => Json(Tracked::Recorded(success(code, applied))).into_response(),
        Resolution::Refused(_, refusal) => refused(code, refusal),
        Resolution::Pending(event) => receipt::accepted(event),
        Resolution::Unavailable(rejection) => ERRORS.print(&rejection),
    }
}

fn refused(code: &str, refusal: &Refusal) -> Response {
    let message = |status| ERRORS.print_message(status, &refusal.detail);
    match refusal.reason {
        // Not an HTTP error (seed: Yaplet), and the order id stays usable.
        Reason::NotAttributed | Reason::AffiliateNotApproved | Reason::ProgramRetired => {
            Json(Tracked::ByNobody(YapletError {
                message: format!("No approved affiliate partner found for coupon code: {code}"),
                success: false,
            }))
            .into_response()
        }
        Reason::DuplicateOrder => duplicate(refusal.first.as_deref()),
        Reason::IdempotencyConflict => message(StatusCode::UNPROCESSABLE_ENTITY),
        _ => message(StatusCode::BAD_REQUEST),
    }
}

/// The order was recorded, or no approved affiliate has the code.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = yaplet::Tracked)]
pub(super) enum Tracked<'a> {
    Recorded(Success<'a>),
    ByNobody(YapletError),
}

#[derive(Serialize, ToSchema)]
#[schema(as = yaplet::Success)]
pub(super) struct Success<'a> {
    success: bool,
    #[schema(required)]
    data: Option<Data<'a>>,
}

/// The documented six.
#[derive(Serialize, ToSchema)]
#[schema(as = yaplet::Data)]
struct Data<'a> {
    #[schema(required)]
    commission_id: Option<String>,
    partner_id: String,
    #[schema(required)]
    customer_id: Option<String>,
    #[schema(value_type = f64, format = "decimal")]
    commission_amount: Value,
    #[schema(required)]
    order_id: Option<&'a str>,
    #[schema(required)]
    affiliate_code: Option<&'a str>,
}

/// The order has been recorded before.
#[derive(Serialize, ToSchema)]
#[schema(as = yaplet::Duplicate)]
pub(super) struct Duplicate<'a> {
    success: bool,
    message: &'a str,
    /// Of the first event, for a caller whose first answer was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<FirstData<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = yaplet::FirstData)]
struct FirstData<'a> {
    event_id: EventId,
    #[serde(flatten)]
    data: Option<Data<'a>>,
}

fn success<'a>(code: &'a str, applied: &'a Applied) -> Success<'a> {
    Success {
        success: true,
        data: applied.conversion().map(|view| data(view, Some(code))),
    }
}

fn duplicate(first: Option<&First>) -> Response {
    let data = first.map(|first| {
        let conversion = match &first.outcome {
            Some(Outcome::Applied(applied)) => applied.conversion(),
            _ => None,
        };
        FirstData {
            event_id: first.event_id,
            // The code by which it was recorded: this call's may be another. None: by no code.
            data: conversion.map(|conversion| data(conversion, first.coupon.as_deref())),
        }
    });
    let body = Duplicate {
        success: false,
        message: "This order_id has already been tracked for your organization",
        data,
    };
    (StatusCode::CONFLICT, json_body(&body)).into_response()
}

fn data<'a>(conversion: &'a ConversionView, code: Option<&'a str>) -> Data<'a> {
    let own = |commission: &&CommissionView| commission.kind == CommissionKind::Regular.name();
    let commission = conversion.commissions.iter().find(own);
    let amount = commission.map_or(Decimal::ZERO, |commission| commission.amount);
    let customer = conversion.customer.as_ref();
    Data {
        commission_id: commission.map(|commission| public(PublicIdKind::YapletCommission, commission.id.0)),
        partner_id: public(PublicIdKind::YapletPartner, conversion.affiliate.id.0),
        customer_id: customer.map(|customer| public(PublicIdKind::YapletCustomer, customer.id.0)),
        commission_amount: json_number(amount, 0),
        order_id: conversion.external_id.as_deref(),
        affiliate_code: code,
    }
}

fn public(kind: PublicIdKind, number: i64) -> String {
    PublicId::new(kind, number).to_string()
}
