//! `/1.7/pb/con/c/`: a sale.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, CreateConversion, Currency};
use utoipa::ToSchema;

use super::{call::call, effect::Conversion};
use crate::{
    Ingest,
    receipt::Pending,
    tapfiliate::params::{self, Attribution, Details, currency, customer, details},
};
use common::http::{
    openapi::{Amount, MetaData, example},
    request::{Fields, Invalid, Preferences},
};

/// Create a conversion
#[utoipa::path(
    get,
    path = "/1.7/pb/con/c",
    tag = "postback",
    security(("XApiKey" = [])),
    params(NewConversion, Attribution, Details, Preferences),
    responses(
        (status = 200, body = Conversion<'_>, example = json!(example(include_str!("examples/conversion.json")))),
        Pending,
    )
)]
pub(super) async fn by_query(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse_alone).await
}

/// Create a conversion
#[utoipa::path(
    post,
    path = "/1.7/pb/con/c",
    tag = "postback",
    security(("XApiKey" = [])),
    params(Preferences),
    request_body(
        content = ConversionBody,
        example = json!({"referral_code": "nwjinmy", "amount": "100", "external_id": "ORD005"})
    ),
    responses(
        (status = 200, body = Conversion<'_>, example = json!(example(include_str!("examples/conversion.json")))),
        Pending,
    )
)]
pub(super) async fn by_body(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse_alone).await
}

/// One of coupon, click_id, referral_code, or asset_id together with source_id names the affiliate.
#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = postback::NewConversion)]
#[expect(dead_code, reason = "describes what `parse` reads")]
pub(crate) struct NewConversion {
    /// The order's id.
    #[param(example = "ORD005")]
    external_id: String,
    #[param(example = "100")]
    amount: Option<Amount>,
    /// By default the program's.
    currency: Option<Currency>,
    /// The merchant's own id of the customer.
    customer_id: Option<String>,
    #[param(style = DeepObject, explode)]
    meta_data: Option<MetaData>,
}

#[derive(ToSchema)]
#[schema(as = postback::ConversionBody)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct ConversionBody {
    #[serde(flatten)]
    conversion: NewConversion,
    #[serde(flatten)]
    attribution: Attribution,
    #[serde(flatten)]
    details: Details,
}

/// As [`parse`], of a call that takes no time.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_alone(fields: &Fields) -> Result<Body, Invalid> {
    fields.ignore_time(
        "the sale is of the moment in which it comes in; POST /v1/events and imports take times",
    );
    parse(fields)
}

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn parse(fields: &Fields) -> Result<Body, Invalid> {
    let currency = currency(fields)?;
    let create = CreateConversion {
        external_id: Some(fields.required_order_id("external_id")?),
        attribution: params::required_attribution(fields)?,
        amount: fields.amount_in("amount", currency)?.unwrap_or_default(),
        currency,
        customer: customer(fields)?,
        meta_data: fields.free_object("meta_data").unwrap_or_default(),
        details: details(fields),
        ..CreateConversion::default()
    };
    Ok(Body::CreateConversion(Box::new(create)))
}
