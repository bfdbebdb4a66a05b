//! `GET /api/tracking/events/{programId}`: what came lately.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use common::{
    db::keys::ApiKey,
    domain::CommissionId,
    reads::affitor::{self, EventOfProgram, MAX_EVENTS},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Number;
use utoipa::ToSchema;

use super::named::{cents, find};
use crate::{
    Api, Problem,
    json::time,
    path_id::PathId,
    rest::{pages::NoPages, params::Params},
};

const DEFAULT_LIMIT: u32 = 50;

/// What a list may be restricted to.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Filter {
    /// `click`, `lead` or `sale`.
    #[serde(rename = "type", deserialize_with = "kind")]
    #[param(example = "sale")]
    kind: Option<String>,
    /// How many at most.
    #[serde(deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 100, example = 50)]
    limit: Option<u32>,
}

fn kind<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let kind = String::deserialize(value)?.to_ascii_lowercase();
    if matches!(kind.as_str(), "click" | "lead" | "sale") {
        Ok(Some(kind))
    } else {
        Err(D::Error::custom("must be click, lead or sale"))
    }
}

fn limit<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    let limit = String::deserialize(value)?.parse().ok();
    match limit.filter(|limit| (1..=MAX_EVENTS).contains(limit)) {
        Some(limit) => Ok(Some(limit)),
        None => Err(D::Error::custom("must be a number from 1 to 100")),
    }
}

/// What came lately
// Latest first, of the organisation's latest 10,000 clicks, leads and sales.
#[utoipa::path(
    get,
    path = "/api/tracking/events/{programId}",
    tag = "affitor",
    security(("Bearer" = [])),
    params(("programId" = String, Path, description = "Its slug or number.", example = "johns-affiliate-program"), Filter),
    responses((status = 200, body = ProgramEvents, example = json!({
        "success": true,
        "data": {
            "programId": 1, "program": "johns-affiliate-program",
            "events": [{
                "type": "sale", "id": 42, "createdAt": "2026-11-21T15:00:00.000Z", "partner": "janejameson",
                "customer_key": "USER1", "transaction_id": "ORD007", "amount_cents": 9900, "currency": "USD", "commission_id": 17
            }]
        }
    })))
)]
pub(super) async fn program_events(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(name): PathId,
    NoPages: NoPages,
    Params(filter): Params<Filter>,
) -> Result<Json<ProgramEvents>, Problem> {
    let mut conn = api.connection().await?;
    let program = find(&mut conn, &key, &name).await?;
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    let found = affitor::events(&mut conn, key.org, program.id, filter.kind.as_deref(), limit).await?;
    Ok(Json(ProgramEvents {
        data: EventsData {
            program_id: program.id.0,
            program: program.slug,
            events: found.into_iter().map(TrackedEvent::from).collect(),
        },
        success: true,
    }))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::ProgramEvents)]
pub(super) struct ProgramEvents {
    data: EventsData,
    success: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affitor::ProgramEventsData)]
struct EventsData {
    program_id: i64,
    /// Its slug.
    program: String,
    events: Vec<TrackedEvent>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::TrackedEvent)]
struct TrackedEvent {
    #[serde(rename = "type")]
    kind: String,
    /// Of the click, the customer or the sale.
    id: i64,
    #[serde(rename = "createdAt")]
    #[schema(format = DateTime)]
    created_at: String,
    /// The affiliate's id.
    partner: String,
    #[schema(required)]
    customer_key: Option<String>,
    /// Of a sale.
    #[schema(required)]
    transaction_id: Option<String>,
    /// Of a sale, in the currency's minor unit.
    #[schema(required, value_type = Option<i64>)]
    amount_cents: Option<Number>,
    #[schema(required)]
    currency: Option<&'static str>,
    /// A sale's first commission.
    #[schema(required, value_type = Option<i64>)]
    commission_id: Option<CommissionId>,
}

impl From<EventOfProgram> for TrackedEvent {
    fn from(event: EventOfProgram) -> Self {
        let money = event.amount.zip(event.currency);
        Self {
            kind: event.kind,
            id: event.number,
            created_at: time(event.at),
            partner: event.affiliate,
            customer_key: event.customer_key,
            transaction_id: event.transaction_id,
            amount_cents: money.map(|(amount, currency)| cents(currency, amount)),
            currency: event.currency.map(common::domain::Currency::code),
            commission_id: event.commission,
        }
    }
}
