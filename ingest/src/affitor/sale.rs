//! A customer has bought.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{
    AttributionFields, Body, CreateConversion, Currency, CustomerRef, Identity, MAX_AMOUNT, MetaData,
};
use rust_decimal::Decimal;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    call::{SentCall, track},
    details::{AdditionalData, details},
    errors::{AMOUNT_CENTS, SALE_NAMES_NOBODY, TRANSACTION_ID},
    kind::{Call, Names},
    lead::{OlderNames, click_id, customer_key},
    success::{ClickExpired, DuplicateSale, SaleTracked, TestTracked},
};
use crate::{Ingest, receipt::Pending};
use common::http::{
    openapi::example,
    request::{Fields, Invalid, MAX_ID, Preferences},
};

/// Record a sale
#[utoipa::path(
    post,
    path = "/api/v1/track/sale",
    tag = "affitor",
    security(("Bearer" = [])),
    params(Preferences),
    request_body(content = SaleBody, example = json!(example(include_str!("examples/sale.json")))),
    responses(
        (status = 200, body = SaleAnswer, example = json!(example(include_str!("examples/sale_tracked.json")))),
        Pending,
        (status = 409, body = DuplicateSale<'_>),
    )
)]
pub(super) async fn sale(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Sale, Names::Current, request, parse).await
}

/// The older path of a sale
#[utoipa::path(
    post,
    path = "/api/tracking/sale",
    tag = "affitor",
    security(("Bearer" = [])),
    params(Preferences),
    request_body(content = OlderSaleBody, example = json!(example(include_str!("examples/sale.json")))),
    responses(
        (status = 200, body = SaleAnswer, example = json!(example(include_str!("examples/sale_tracked.json")))),
        Pending,
        (status = 409, body = DuplicateSale<'_>),
    )
)]
pub(super) async fn older_sale(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, Call::Sale, Names::Legacy, request, parse).await
}

/// Names the customer by a click or by a key of the caller's own.
#[derive(ToSchema)]
#[schema(as = affitor::Sale)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct SaleBody {
    /// A number is refused.
    transaction_id: String,
    #[schema(minimum = 1)]
    amount_cents: i64,
    /// The caller's own id of the customer.
    customer_key: Option<String>,
    click_id: Option<String>,
    /// By default USD.
    currency: Option<Currency>,
    sale_type: Option<String>,
    subscription_id: Option<String>,
    subscription_interval: Option<String>,
    product_id: Option<String>,
    is_recurring: Option<bool>,
    line_items: Option<Vec<Value>>,
    additional_data: Option<AdditionalData>,
}

#[derive(ToSchema)]
#[schema(as = affitor::OlderSale)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct OlderSaleBody {
    #[serde(flatten)]
    sale: SaleBody,
    #[serde(flatten)]
    older: OlderNames,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = affitor::SaleAnswer)]
#[expect(dead_code, reason = "describes the answers of one call")]
enum SaleAnswer {
    Tracked(SaleTracked),
    Expired(ClickExpired),
    Test(TestTracked),
}

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
fn parse(sent: &SentCall<'_>) -> Result<Body, Invalid> {
    let (fields, names) = (sent.fields, sent.names);
    let external_id = transaction_id(fields)?;
    if external_id.is_none() && !sent.is_test {
        return Err(Invalid::new(TRANSACTION_ID));
    }
    let units = minor_units(fields, "amount_cents").filter(|units| *units > 0);
    let units = units.ok_or_else(|| Invalid::new(AMOUNT_CENTS))?;
    let currency = currency(fields)?;
    let (click_id, customer_key) = (click_id(fields, names)?, customer_key(fields, names)?);
    if click_id.is_none() && customer_key.is_none() {
        return Err(Invalid::about("customer_key", SALE_NAMES_NOBODY));
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
        details: sale_details(fields),
        ..CreateConversion::default()
    };
    Ok(Body::CreateConversion(Box::new(create)))
}

/// A whole number from 0 to [`MAX_AMOUNT`] of the currency's smallest unit, before any rounding.
pub(super) fn minor_units(fields: &Fields, name: &str) -> Option<i64> {
    let units = fields.whole_number(name).ok()??;
    (units >= 0 && Decimal::from(units) <= MAX_AMOUNT).then_some(units)
}

/// A number is refused and not read as text: two spellings of it would be two transactions.
fn transaction_id(fields: &Fields) -> Result<Option<String>, Invalid> {
    match fields.value("transaction_id")? {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(_)) => fields.order_id("transaction_id"),
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

fn sale_details(fields: &Fields) -> MetaData {
    let mut details = details(fields, &DETAILS);
    if let Some(is_recurring) = fields.remark_flag("is_recurring") {
        details.insert("is_recurring".to_owned(), is_recurring.into());
    }
    if let Some(items) = fields.free_json("line_items") {
        details.insert("line_items".to_owned(), items);
    }
    details
}
