//! How the lines of a request are answered: each with its own result.

use std::time::Duration;

use axum::{
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use common::domain::{
    Applied, ConversionView, Currency, CustomerRecord, EventId, Outcome, PublicId, PublicIdKind, Reason,
    Refusal, entities::CommissionKind,
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    answer::{Resolution, ok, resolve},
    pipeline::Answer,
};
use common::{
    http::{
        DialectErrors, Rejection,
        request::{Invalid, json_number},
    },
    tapfiliate_json::CustomerStatus,
};

pub(super) const ERRORS: DialectErrors = DialectErrors::Plain;
pub(super) const NDJSON: &str = "application/x-ndjson";

/// What became of one line.
#[derive(Debug)]
pub(super) enum What {
    /// It is no event; nothing is stored.
    Invalid(Invalid),
    Answered(EventId, Answer),
}

/// How many lines came to what, and each line's result.
#[derive(Serialize, ToSchema)]
#[schema(as = native::Results)]
pub(super) struct BatchResult {
    applied: usize,
    refused: usize,
    accepted: usize,
    invalid: usize,
    unavailable: usize,
    results: Vec<LineResult>,
}

/// What became of one line.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = native::LineResult)]
pub(super) struct LineResult {
    /// From 1.
    line: usize,
    status: LineStatus,
    /// Of the first event, where the line repeats one. An invalid line has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_id: Option<EventId>,
    /// Why the line is invalid or could not be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    /// Why the event was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    #[serde(flatten)]
    effect: Effect,
    /// What was left out or cut of the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
    /// The event that a refused one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    first: Option<Earlier>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = native::LineStatus)]
enum LineStatus {
    Applied,
    Refused,
    /// Durable, and not decided yet: its receipt will say it.
    #[default]
    Accepted,
    Invalid,
    Unavailable,
}

#[derive(Serialize, ToSchema)]
#[schema(as = native::Earlier)]
struct Earlier {
    event_id: EventId,
    #[serde(flatten)]
    effect: Effect,
}

/// What an applied event left behind, under the name of what it is.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = native::Effect)]
struct Effect {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conversion: Option<AppliedConversion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    customer: Option<AppliedCustomer>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = native::Conversion)]
struct AppliedConversion {
    id: String,
    #[schema(required)]
    external_id: Option<String>,
    #[schema(value_type = f64, format = "decimal")]
    amount: Value,
    currency: Currency,
    affiliate: String,
    /// The seller's.
    #[schema(value_type = f64, format = "decimal")]
    commission_amount: Value,
    /// The program's where a fixed rate is paid, else the sale's.
    commission_currency: Currency,
}

#[derive(Serialize, ToSchema)]
#[schema(as = native::Customer)]
struct AppliedCustomer {
    id: String,
    /// The merchant's own id.
    #[schema(required)]
    customer_id: Option<String>,
    #[schema(value_type = CustomerStatus)]
    status: String,
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
pub(super) fn print(lines: &[(usize, What, Vec<String>)], as_lines: bool) -> Response {
    let retry_after = lines.iter().find_map(|(_, what, _)| retry_after(what));
    let is_any_taken = lines.iter().any(|(_, what, _)| is_taken(what));
    if let (Some(retry_after), false) = (retry_after, is_any_taken) {
        return ERRORS.print(&Rejection::Unavailable { retry_after });
    }
    let shown = |(line, what, warnings): &(usize, What, Vec<String>)| LineResult {
        warnings: warnings.iter().chain(decided(what)).cloned().collect(),
        ..result(*line, what)
    };
    let results: Vec<LineResult> = lines.iter().map(shown).collect();
    let mut response = if as_lines {
        let lines: Vec<String> = results
            .iter()
            .map(|result| format!("{}\n", json!(result)))
            .collect();
        ([(CONTENT_TYPE, NDJSON)], lines.concat()).into_response()
    } else {
        let count = |status| results.iter().filter(|result| result.status == status).count();
        let counted = BatchResult {
            applied: count(LineStatus::Applied),
            refused: count(LineStatus::Refused),
            accepted: count(LineStatus::Accepted),
            invalid: count(LineStatus::Invalid),
            unavailable: count(LineStatus::Unavailable),
            results,
        };
        ok(&counted)
    };
    if let Some(retry_after) = retry_after {
        let seconds = HeaderValue::from(retry_after.as_secs().max(1));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// What is told of a line once it was decided.
fn decided(what: &What) -> &[String] {
    match what {
        What::Answered(_, Answer::Outcome(outcome)) => outcome.warnings(),
        What::Answered(..) | What::Invalid(_) => &[],
    }
}

fn retry_after(what: &What) -> Option<Duration> {
    match what {
        What::Answered(_, Answer::Unavailable { retry_after }) => Some(*retry_after),
        What::Answered(..) | What::Invalid(_) => None,
    }
}

fn is_taken(what: &What) -> bool {
    matches!(what, What::Answered(_, Answer::Outcome(_) | Answer::Accepted))
}

fn result(line: usize, what: &What) -> LineResult {
    match what {
        What::Invalid(invalid) => LineResult {
            line,
            status: LineStatus::Invalid,
            error: Some(invalid.0.clone()),
            ..LineResult::default()
        },
        What::Answered(event, answer) => match resolve(*event, answer) {
            Resolution::Applied(event, applied) => LineResult {
                effect: effect(applied),
                ..of(line, event, LineStatus::Applied)
            },
            Resolution::Refused(event, refusal) => refused(line, event, refusal),
            Resolution::Pending(event) => of(line, event, LineStatus::Accepted),
            Resolution::Unavailable(_) => LineResult {
                error: Some(NOT_TAKEN.to_owned()),
                ..of(line, *event, LineStatus::Unavailable)
            },
        },
    }
}

const NOT_TAKEN: &str = "this line could not be accepted at the moment: send the whole request again, under the same Idempotency-Key";

fn of(line: usize, event: EventId, status: LineStatus) -> LineResult {
    LineResult {
        line,
        status,
        event_id: Some(event),
        ..LineResult::default()
    }
}

fn refused(line: usize, event: EventId, refusal: &Refusal) -> LineResult {
    let first = refusal.first.as_deref().map(|first| Earlier {
        event_id: first.event_id,
        effect: match &first.outcome {
            Some(Outcome::Applied(applied)) => effect(applied),
            _ => Effect::default(),
        },
    });
    LineResult {
        reason: Some(refusal.reason),
        detail: Some(refusal.detail.clone()),
        first,
        ..of(line, event, LineStatus::Refused)
    }
}

fn effect(applied: &Applied) -> Effect {
    match applied {
        Applied::Customer(record) => Effect {
            customer: Some(AppliedCustomer::from(&**record)),
            ..Effect::default()
        },
        other => Effect {
            conversion: other.conversion().map(AppliedConversion::from),
            ..Effect::default()
        },
    }
}

impl From<&CustomerRecord> for AppliedCustomer {
    fn from(record: &CustomerRecord) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Customer, record.id.0).to_string(),
            customer_id: record.customer_id.clone(),
            status: record.status.clone(),
        }
    }
}

impl From<&ConversionView> for AppliedConversion {
    fn from(view: &ConversionView) -> Self {
        let own = view
            .commissions
            .iter()
            .find(|commission| commission.kind == CommissionKind::Regular.name());
        let amount = own.map_or(Decimal::ZERO, |commission| commission.amount);
        Self {
            id: PublicId::new(PublicIdKind::Conversion, view.id.0).to_string(),
            external_id: view.external_id.clone(),
            amount: json_number(view.amount, 0),
            currency: view.currency,
            affiliate: view.affiliate.slug.clone(),
            commission_amount: json_number(amount, 0),
            commission_currency: own.map_or(view.currency, |commission| commission.currency),
        }
    }
}
