//! Which program a call names, and how its money is printed.

use common::{
    db::{Connection, keys::ApiKey},
    domain::Currency,
    reads::affitor::{self, ProgramName},
};
use rust_decimal::Decimal;
use serde_json::Number;

use crate::{Problem, json::number, rest::params::is_storable};

/// The program that the key may see under this name.
pub(super) async fn find(conn: &mut Connection, key: &ApiKey, name: &str) -> Result<ProgramName, Problem> {
    if !is_storable(name) {
        return Err(Problem::not_found());
    }
    let found = affitor::program(conn, key.org, key.program, name).await?;
    found.ok_or_else(Problem::not_found)
}

/// So many of the currency's minor unit.
pub(super) fn cents(currency: Currency, amount: Decimal) -> Number {
    let unit = currency.of_minor_units(1);
    number((amount / unit).round())
}
