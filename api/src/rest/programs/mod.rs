//! Programs of REST 1.6, and the rules that hold in them now.

mod bonuses;
mod commission_types;
mod levels;
mod list;
mod program;
mod retrieve;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use common::{
    db::{Connection, keys::ApiKey},
    domain::{ProgramId, catalog::Rate},
    reads::rest::program_rules,
};
use rust_decimal::Decimal;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::params::is_storable;
use crate::{Api, Problem};

pub(super) fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list::list))
        .routes(routes!(retrieve::retrieve))
        .routes(routes!(commission_types::list))
        .routes(routes!(levels::list))
        .routes(routes!(bonuses::list))
}

/// The program in a path, if the caller's key may see it.
async fn program_of(conn: &mut Connection, key: &ApiKey, id: &str) -> Result<ProgramId, Problem> {
    if !is_storable(id) {
        return Err(Problem::not_found());
    }
    let found = program_rules::program(conn, key.org, key.program, id).await?;
    found.ok_or_else(Problem::not_found)
}

/// A rate as it is printed.
fn form_and_value(rate: Rate) -> (&'static str, Decimal) {
    match rate {
        Rate::Percentage(value) => ("percentage", value),
        Rate::Fixed(value) => ("fixed", value),
    }
}
