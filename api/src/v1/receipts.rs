//! `GET /v1/events/{id}`: what became of an event, for whoever sent it.
//!
//! Events without a key (browsers' clicks and leads) have ids that prove no organisation. Who knows such an id and has any
//! key is told how it ended, unless it has found another organisation.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, middleware::from_fn_with_state};
use chrono::{DateTime, Utc};
use common::{
    db::keys::{ApiKey, Scope},
    domain::{
        Applied, CommissionView, EVENT_RETENTION, EventId, EventStatus, OrgId, Outcome, Refusal,
        click_name::click_uuid,
    },
    message::received_at,
    reads::receipts::{self, Receipt, ReceiptLookup},
};
use serde::Serialize;
use serde_json::{Number, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Problem,
    auth::{Guard, guard},
    json::{number, time},
    path_id::PathId,
};

/// Whoever may send an event may also ask what became of it.
const SCOPES: &[Scope] = &[Scope::Read, Scope::Ingest];

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: SCOPES,
    };
    OpenApiRouter::default()
        .routes(routes!(receipt))
        .route_layer(from_fn_with_state(needs, guard))
}

/// Of an event that has not been decided yet.
const ACCEPTED: &str = "accepted";

#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = native::EventReceipt)]
struct View {
    event_id: EventId,
    #[schema(value_type = ReceiptStatus)]
    status: &'static str,
    /// What it brought, or why it was refused or is dead; null where nothing can be said.
    #[schema(required, value_type = Option<Object>)]
    outcome: Option<Value>,
    #[schema(format = DateTime)]
    received_at: String,
    #[schema(required, format = DateTime)]
    applied_at: Option<String>,
    /// What was left out or cut of the request. Only where there is something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
}

#[derive(ToSchema)]
#[schema(as = native::EventStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the words of `View`")]
enum ReceiptStatus {
    /// Durable, and not decided yet.
    Accepted,
    Applied,
    Refused,
    /// Waits for the event that it depends on.
    Parked,
    /// Could not be applied; operators look at it.
    Dead,
    /// Operators gave it up.
    Discarded,
}

/// What became of an event
#[utoipa::path(
    get,
    path = "/v1/events/{id}",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(("id" = String, Path, description = "The event's id.", example = "019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d")),
    responses((status = 200, body = View, example = json!({
        "event_id": "019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d", "status": "refused",
        "outcome": {"reason": "unknown_partner"}, "received_at": "2026-11-21T15:00:00.000Z", "applied_at": null
    })))
)]
async fn receipt(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Json<View>, Problem> {
    let id = id
        .parse()
        .map(EventId)
        .map_err(|_not_a_uuid| Problem::not_found())?;
    let mut conn = api.connection().await?;
    let is_keyless = || api.ids.verify(None::<OrgId>, id);
    let view = match receipts::find(&mut conn, key.org, id).await? {
        ReceiptLookup::Receipt(receipt) if is_own(&receipt, &key) => Some(view(*receipt)),
        ReceiptLookup::Receipt(receipt) => is_keyless().then(|| short(*receipt)),
        // Not there yet: the id itself proves that it was issued for this organisation, or without a key.
        ReceiptLookup::Nothing if api.ids.verify(key.org, id) || is_keyless() => {
            accepted(id, api.clock.now())
        }
        ReceiptLookup::Nothing | ReceiptLookup::Elsewhere => None,
    };
    view.map(Json).ok_or_else(Problem::not_found)
}

/// Of the key's organisation, and of its program if it is bound to one.
fn is_own(receipt: &Receipt, key: &ApiKey) -> bool {
    receipt.org == Some(key.org) && (key.program.is_none() || key.program == receipt.program_scope)
}

fn accepted(id: EventId, now: DateTime<Utc>) -> Option<View> {
    let received_at = received_at(id)?;
    (received_at > now - EVENT_RETENTION).then(|| View {
        event_id: id,
        status: ACCEPTED,
        outcome: None,
        received_at: time(received_at),
        applied_at: None,
        warnings: Vec::new(),
    })
}

/// How it ended, and nothing of what it was about.
fn short(receipt: Receipt) -> View {
    let reason = receipt.reason.clone().map(|reason| json!({"reason": reason}));
    let unsaid = Receipt {
        outcome: None,
        warnings: Vec::new(),
        ..receipt
    };
    View {
        outcome: reason,
        ..view(unsaid)
    }
}

fn view(receipt: Receipt) -> View {
    let status = match receipt.status {
        // That it waits in the database again is ours to know.
        EventStatus::Queued => ACCEPTED,
        other => other.name(),
    };
    // A dead event's row has no outcome, only a reason.
    let reason = receipt.reason.filter(|_| receipt.status == EventStatus::Dead);
    let reason = reason.map(|reason| json!({"reason": reason}));
    View {
        event_id: receipt.event_id,
        status,
        outcome: receipt.outcome.as_ref().and_then(outcome).or(reason),
        received_at: time(receipt.received_at),
        applied_at: receipt.applied_at.map(time),
        warnings: receipt.outcome.iter().fold(receipt.warnings, told),
    }
}

/// What was left out of the request, and what was told of the event when it was decided.
fn told(mut left_out: Vec<String>, outcome: &Outcome) -> Vec<String> {
    left_out.extend_from_slice(outcome.warnings());
    left_out
}

#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    affiliate_id: &'a str,
    kind: &'a str,
    amount: Number,
    currency: &'a str,
    approved: Option<bool>,
}

fn outcome(outcome: &Outcome) -> Option<Value> {
    match outcome {
        Outcome::Applied(applied) => Some(effect(applied)),
        Outcome::Refused(refusal) => Some(refused(refusal)),
        Outcome::Dead(code) => Some(json!({"reason": code})),
        Outcome::Parked | Outcome::Queued | Outcome::Discarded => None,
    }
}

fn effect(applied: &Applied) -> Value {
    let Some(conversion) = applied.conversion() else {
        return other_effect(applied);
    };
    let line = |line: &CommissionView| {
        json!(Line {
            id: line.id.0,
            affiliate_id: &line.affiliate.slug,
            kind: &line.kind,
            amount: number(line.amount),
            currency: line.currency.code(),
            approved: line.approved,
        })
    };
    json!({
        "conversion_id": conversion.id,
        "external_id": conversion.external_id,
        "amount": number(conversion.amount),
        "currency": conversion.currency.code(),
        "commissions": conversion.commissions.iter().map(line).collect::<Vec<_>>(),
    })
}

/// What became of something that is no sale: its numbers, by which the other calls show the rest.
fn other_effect(applied: &Applied) -> Value {
    match applied {
        // The UUID is what the other calls of REST 1.6 take.
        Applied::Click(click) => {
            json!({"click_id": click.id, "click_uuid": click_uuid(click.id, click.created_at)})
        }
        Applied::Customer(customer) => {
            json!({"customer_id": customer.customer_id, "status": customer.status})
        }
        Applied::Lead(lead) => {
            json!({"customer_id": lead.customer.customer_id, "status": lead.customer.status})
        }
        Applied::Commission(commission) => json!({"commission_ids": [commission.id]}),
        Applied::Commissions(commissions) => {
            json!({"commission_ids": commissions.iter().map(|commission| commission.id).collect::<Vec<_>>()})
        }
        Applied::Payments(payments) => {
            json!({"payment_ids": payments.iter().map(|payment| payment.id).collect::<Vec<_>>()})
        }
        Applied::Test { number } => json!({"test_event": number}),
        Applied::Conversion(_) | Applied::Refund(_) | Applied::Recalculated(_) | Applied::Nothing => {
            json!({})
        }
    }
}

/// A repeated event also shows the first one, whose answer the caller may have lost.
fn refused(refusal: &Refusal) -> Value {
    let first = refusal.first.as_ref().map(|first| {
        json!({
            "event_id": first.event_id,
            "status": first.outcome.as_ref().map(Outcome::status),
            "outcome": first.outcome.as_ref().and_then(outcome),
        })
    });
    let mut shown = json!({"reason": refusal.reason, "detail": refusal.detail});
    if let (Some(first), Some(fields)) = (first, shown.as_object_mut()) {
        fields.insert("first".to_owned(), first);
    }
    shown
}

#[cfg(test)]
mod tests {
    use common::{
        domain::{ClickId, ClickView, First, ProgramId, Reason},
        message::EventIds,
    };

    use super::*;
    use crate::{auth::tests::key, rest::tests::conversion};

    fn receipt(status: EventStatus, outcome: Option<Outcome>) -> Receipt {
        let now = DateTime::from_timestamp_millis(1_795_176_000_123).unwrap();
        Receipt {
            event_id: EventIds::new(&"s".into()).unwrap().issue(OrgId(1), now),
            org: Some(OrgId(1)),
            status,
            reason: None,
            outcome,
            received_at: now,
            applied_at: None,
            warnings: Vec::new(),
            program_scope: None,
        }
    }

    #[test]
    fn an_applied_event_shows_what_it_brought() {
        let applied = Outcome::Applied(Applied::Conversion(Box::new(conversion())));
        let shown = serde_json::to_value(view(receipt(EventStatus::Applied, Some(applied)))).unwrap();
        assert_eq!(shown["status"], "applied");
        assert_eq!(shown["received_at"], "2026-11-20T12:00:00.123Z");
        assert_eq!(
            shown["outcome"].to_string(),
            concat!(
                r#"{"amount":550,"commissions":[{"affiliate_id":"janejameson","amount":55.05,"approved":true,"#,
                r#""currency":"USD","id":3,"kind":"regular"}],"conversion_id":7,"currency":"USD","external_id":"ORD123"}"#
            )
        );
    }

    #[test]
    fn a_click_shows_the_name_that_later_calls_take() {
        let conversion = conversion();
        let created_at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let click = ClickView {
            id: ClickId(10),
            name: None,
            session: None,
            created_at,
            referral_code: "janejameson".to_owned(),
            program: conversion.program,
            cookie_time: 45,
            affiliate: conversion.affiliate,
        };
        let applied = Outcome::Applied(Applied::Click(Box::new(click)));
        let shown = view(receipt(EventStatus::Applied, Some(applied)))
            .outcome
            .unwrap();
        assert_eq!(shown["click_id"], 10);
        let uuid = shown["click_uuid"].as_str().unwrap();
        assert_eq!(uuid, click_uuid(ClickId(10), created_at).to_string());
    }

    #[test]
    fn a_repeated_event_shows_the_first() {
        let mut refusal = Refusal::new(Reason::DuplicateOrder, "external_id \"ORD123\" has been recorded");
        let applied = Outcome::Applied(Applied::Conversion(Box::new(conversion())));
        refusal.first = Some(Box::new(First::new(
            receipt(EventStatus::Applied, None).event_id,
            Some(applied),
        )));
        let shown = view(receipt(EventStatus::Refused, Some(Outcome::Refused(refusal))))
            .outcome
            .unwrap();
        assert_eq!(shown["reason"], "duplicate_order");
        assert_eq!(shown["first"]["status"], "applied");
        assert_eq!(shown["first"]["outcome"]["conversion_id"], 7);
    }

    #[test]
    fn other_statuses() {
        for (status, outcome, shown, reason) in [
            (EventStatus::Queued, Some(Outcome::Queued), "accepted", None),
            (EventStatus::Parked, Some(Outcome::Parked), "parked", None),
            (
                EventStatus::Dead,
                Some(Outcome::Dead("data_error".into())),
                "dead",
                Some("data_error"),
            ),
            (
                EventStatus::Discarded,
                Some(Outcome::Discarded),
                "discarded",
                None,
            ),
        ] {
            let view = view(receipt(status, outcome));
            assert_eq!(view.status, shown);
            let found = view.outcome.map(|outcome| outcome["reason"].clone());
            assert_eq!(found, reason.map(Value::from));
        }
    }

    #[test]
    fn an_id_without_a_row_is_accepted_while_it_is_young() {
        let ids = EventIds::new(&"s".into()).unwrap();
        let now = DateTime::from_timestamp_millis(1_795_176_000_123).unwrap();
        let id = ids.issue(OrgId(1), now);
        assert_eq!(accepted(id, now).unwrap().status, "accepted");
        assert!(accepted(id, now + chrono::TimeDelta::days(31)).is_none());
    }

    #[test]
    fn a_key_has_its_organisation_and_its_program() {
        let mut bound = key(SCOPES);
        let mut receipt = receipt(EventStatus::Parked, None);
        assert!(is_own(&receipt, &bound));
        bound.program = Some(ProgramId(2));
        assert!(!is_own(&receipt, &bound));
        receipt.program_scope = Some(ProgramId(2));
        assert!(is_own(&receipt, &bound));
        receipt.org = None;
        assert!(!is_own(&receipt, &bound));
    }

    #[test]
    fn in_short_there_is_a_reason_and_no_outcome() {
        let refusal = Refusal::new(Reason::NotAttributed, "referral_code \"secret\" is not known");
        let mut refused = receipt(EventStatus::Refused, Some(Outcome::Refused(refusal)));
        refused.reason = Some("unknown_partner".to_owned());
        assert_eq!(short(refused).outcome, Some(json!({"reason": "unknown_partner"})));
        let applied = Outcome::Applied(Applied::Conversion(Box::new(conversion())));
        let applied = short(receipt(EventStatus::Applied, Some(applied)));
        assert_eq!((applied.status, applied.outcome), ("applied", None));
    }
}
