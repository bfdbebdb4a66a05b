//! How a program does: `GET /api/tracking/{status,events,performance}/{programId}`.
//!
//! The original promises them and publishes no shapes: these are in its envelope, with ids and cents as its tracking calls have
//! them.

mod events;
mod performance;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use common::{
    db::{Connection, keys::ApiKey},
    domain::Currency,
    reads::affitor::{self, ProgramName},
};
use rust_decimal::Decimal;
use serde_json::Number;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Problem, json::number, rest::params::is_storable};

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(status::program_status))
        .routes(routes!(events::program_events))
        .routes(routes!(performance::program_performance))
}

/// The program that the key may see under this name.
async fn find(conn: &mut Connection, key: &ApiKey, name: &str) -> Result<ProgramName, Problem> {
    if !is_storable(name) {
        return Err(Problem::not_found());
    }
    let found = affitor::program(conn, key.org, key.program, name).await?;
    found.ok_or_else(Problem::not_found)
}

/// So many of the currency's minor unit.
fn cents(currency: Currency, amount: Decimal) -> Number {
    let unit = currency.of_minor_units(1);
    number((amount / unit).round())
}
