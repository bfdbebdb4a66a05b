//! `POST /api/affiliates/track/{affiliate_code}`: an order that was placed with a coupon code.

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
};
use chrono::{DateTime, Utc};
use common::{
    domain::{AttributionFields, Body, CreateConversion, CustomerRef, Dialect, Identity, MetaData},
    http::{
        Asker, Rejection, YAPLET_KEYS,
        openapi::{Amount, example},
        request::{Fields, Invalid, MAX_NAME, MAX_NOTES, Preferences, Received, path_text},
    },
};
use utoipa::ToSchema;

use super::answer::{self, Duplicate, ERRORS, Tracked};
use crate::{
    Ingest,
    answer::{Caller, key_holder},
    receipt::Pending,
};

/// Record an order that was placed with a coupon code
#[utoipa::path(
    post,
    path = "/api/affiliates/track/{code}",
    tag = "yaplet",
    security(("YApiKey" = [])),
    params(("code" = String, Path, description = "The coupon code.", example = "PARTNER_CODE"), Preferences),
    request_body(content = OrderBody, example = json!(example(include_str!("examples/order.json")))),
    responses(
        (status = 200, body = Tracked<'_>, example = json!(example(include_str!("examples/tracked.json")))),
        Pending,
        (status = 409, body = Duplicate<'_>),
    )
)]
pub(super) async fn track(
    State(ingest): State<Ingest>,
    code: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    record(&ingest, code, request)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

async fn record(
    ingest: &Ingest,
    code: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Rejection> {
    let holder = key_holder(ingest, Asker::of(&request), YAPLET_KEYS).await?;
    let Path(code) = code.map_err(|_not_utf8| Invalid::new("affiliate_code is not UTF-8"))?;
    let code = path_text("affiliate_code", &code)?;
    let received = Received::read(request).await?;
    let order = parse(&code, &received.body_fields()?, ingest.clock().now())?;
    let caller = Caller::Keyed(holder);
    let body = Body::CreateConversion(Box::new(order));
    let event = caller.event(ingest, Dialect::Yaplet, &received, body);
    let (event, answer) = caller.submit(ingest, event, received.wait).await?;
    Ok(answer::print(event, &code, &answer))
}

#[derive(ToSchema)]
#[schema(as = yaplet::Order)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct OrderBody {
    order_id: String,
    total_amount: Amount,
    customer: CustomerBody,
    /// The commission, where no rule is to calculate it.
    commission: Option<Amount>,
    notes: Option<String>,
    /// Seconds or milliseconds since 1970.
    timestamp: Option<i64>,
    product: Option<ProductBody>,
    /// The caller's own data.
    #[schema(value_type = Option<Object>)]
    metadata: Option<MetaData>,
}

/// Kept whole for reports, with whatever else it has.
#[derive(ToSchema)]
#[schema(as = yaplet::Product)]
#[expect(dead_code, reason = "describes what `details` reads")]
struct ProductBody {
    id: Option<String>,
    name: Option<String>,
    category: Option<String>,
}

/// The address is the customer's identity.
#[derive(ToSchema)]
#[schema(as = yaplet::Customer)]
#[expect(dead_code, reason = "describes what `customer` reads")]
struct CustomerBody {
    #[schema(format = "email")]
    email: String,
    name: Option<String>,
    /// Kept for cross-reference.
    customer_id: Option<String>,
    #[schema(value_type = Option<Object>)]
    customer_metadata: Option<MetaData>,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(code: &str, fields: &Fields, now: DateTime<Utc>) -> Result<CreateConversion, Invalid> {
    Ok(CreateConversion {
        external_id: Some(fields.required_order_id("order_id")?),
        attribution: AttributionFields {
            coupon: Some(code.to_owned()),
            ..AttributionFields::default()
        },
        amount: fields.required_amount("total_amount")?,
        customer: Some(customer(fields)?),
        commission: fields.exact_amount("commission")?,
        occurred_at: fields.timestamp("timestamp", now)?,
        meta_data: fields.free_object("metadata").unwrap_or_default(),
        details: details(fields),
        ..CreateConversion::default()
    })
}

/// The address is the identity; `customer_id` is kept for cross-reference.
fn customer(fields: &Fields) -> Result<CustomerRef, Invalid> {
    let required = || fields.required("customer.email");
    let customer = fields.nested("customer")?.ok_or_else(required)?;
    let email = customer.email("email")?.ok_or_else(required)?;
    Ok(CustomerRef {
        identity: Identity::email(&email),
        external_id: customer.customer_id("customer_id")?,
        name: customer.remark("name", MAX_NAME),
        meta_data: customer.free_object("customer_metadata").unwrap_or_default(),
        email: Some(email),
    })
}

/// What is stored with the commission for reports. A product chooses no rate: the caller's own `commission` does.
fn details(fields: &Fields) -> MetaData {
    let mut details = MetaData::new();
    if let Some(notes) = fields.remark("notes", MAX_NOTES) {
        details.insert("notes".to_owned(), notes.into());
    }
    if let Some(product) = fields.free_json("product") {
        details.insert("product".to_owned(), product);
    }
    details
}
