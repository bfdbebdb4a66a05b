//! A customer has bought.

use common::domain::{AttributionFields, Body, CreateConversion, Currency, CustomerRef, Identity, MetaData};
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::{
    Names,
    details::{any_json, details},
    errors::{AMOUNT_CENTS, SALE_NAMES_NOBODY, TRANSACTION_ID},
    lead::{click_id, customer_key},
};
use common::http::request::{Fields, Invalid, MAX_ID};

/// seed: Affitor, currency
const DEFAULT_CURRENCY: &str = "USD";
const DETAILS: [(&str, usize); 4] = [
    ("sale_type", MAX_ID),
    ("subscription_id", MAX_ID),
    ("subscription_interval", MAX_ID),
    ("product_id", MAX_ID),
];

/// A test need not say which transaction it is.
///
/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn parse(fields: &Fields, names: Names, is_test: bool) -> Result<Body, Invalid> {
    let external_id = transaction_id(fields)?;
    if external_id.is_none() && !is_test {
        return Err(Invalid::new(TRANSACTION_ID));
    }
    let units = minor_units(fields, "amount_cents").filter(|units| *units > 0);
    let units = units.ok_or_else(|| Invalid::new(AMOUNT_CENTS))?;
    let currency = currency(fields)?;
    let (click_id, customer_key) = (click_id(fields, names)?, customer_key(fields, names)?);
    if click_id.is_none() && customer_key.is_none() {
        return Err(Invalid::new(SALE_NAMES_NOBODY));
    }
    let create = CreateConversion {
        external_id,
        attribution: AttributionFields {
            click_id,
            ..AttributionFields::default()
        },
        amount: currency.of_minor_units(units),
        currency: Some(currency),
        customer: customer_key.map(customer),
        details: sale_details(fields)?,
        ..CreateConversion::default()
    };
    Ok(Body::CreateConversion(Box::new(create)))
}

/// A whole number from 0 to [`common::domain::MAX_AMOUNT`] of the currency's smallest unit.
pub(super) fn minor_units(fields: &Fields, name: &str) -> Option<i64> {
    let units = fields.amount(name).ok()??;
    units.fract().is_zero().then(|| units.to_i64()).flatten()
}

/// A number is refused and not read as text: two spellings of it would be two transactions.
fn transaction_id(fields: &Fields) -> Result<Option<String>, Invalid> {
    match fields.value("transaction_id")? {
        None => Ok(None),
        Some(Value::String(_)) => fields.text("transaction_id", MAX_ID),
        Some(_) => Err(Invalid::new(TRANSACTION_ID)),
    }
}

fn currency(fields: &Fields) -> Result<Currency, Invalid> {
    match fields.currency("currency")? {
        Some(currency) => Ok(currency),
        None => DEFAULT_CURRENCY
            .parse()
            .map_err(|_never| fields.required("currency")),
    }
}

fn customer(key: String) -> CustomerRef {
    CustomerRef {
        identity: Identity::Id(key.clone()),
        external_id: Some(key),
        email: None,
        name: None,
        meta_data: MetaData::new(),
    }
}

fn sale_details(fields: &Fields) -> Result<MetaData, Invalid> {
    let mut details = details(fields, &DETAILS)?;
    if let Some(is_recurring) = fields.flag("is_recurring")? {
        details.insert("is_recurring".to_owned(), is_recurring.into());
    }
    if let Some(items) = any_json(fields, "line_items")? {
        details.insert("line_items".to_owned(), items);
    }
    Ok(details)
}
