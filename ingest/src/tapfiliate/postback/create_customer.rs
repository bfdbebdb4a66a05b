//! `/1.7/pb/cus/c/`: a customer before any sale.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{Body, CreateCustomer, CustomerLifecycle};
use utoipa::ToSchema;

use super::{call::call, effect::Customer};
use crate::{
    Ingest,
    receipt::Pending,
    tapfiliate::params::{self, Attribution, Details, details, lifecycle},
};
use common::http::{
    openapi::{MetaData, example},
    request::{Fields, Invalid, Preferences},
};

/// Create a customer
#[utoipa::path(
    get,
    path = "/1.7/pb/cus/c",
    tag = "postback",
    security(("XApiKey" = [])),
    params(NewCustomer, Attribution, Details, Preferences),
    responses(
        (status = 200, body = Customer<'_>, example = json!(example(include_str!("examples/customer.json")))),
        Pending,
    )
)]
pub(super) async fn by_query(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse).await
}

/// Create a customer
#[utoipa::path(
    post,
    path = "/1.7/pb/cus/c",
    tag = "postback",
    security(("XApiKey" = [])),
    params(Preferences),
    request_body(content = CustomerBody, example = json!({"referral_code": "nwjinmy", "customer_id": "test"})),
    responses(
        (status = 200, body = Customer<'_>, example = json!(example(include_str!("examples/customer.json")))),
        Pending,
    )
)]
pub(super) async fn by_body(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse).await
}

#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = postback::NewCustomer)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct NewCustomer {
    /// The merchant's own id.
    #[param(example = "test")]
    customer_id: String,
    /// With which it begins; by default new.
    status: Option<CustomerLifecycle>,
    #[param(style = DeepObject, explode)]
    meta_data: Option<MetaData>,
}

#[derive(ToSchema)]
#[schema(as = postback::CustomerBody)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct CustomerBody {
    #[serde(flatten)]
    customer: NewCustomer,
    #[serde(flatten)]
    attribution: Attribution,
    #[serde(flatten)]
    details: Details,
}

/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn parse(fields: &Fields) -> Result<Body, Invalid> {
    fields.ignore_time("a customer is of the moment in which it comes in");
    Ok(Body::CreateCustomer(Box::new(CreateCustomer {
        customer_id: fields.required_customer_id("customer_id")?,
        attribution: params::required_attribution(fields)?,
        lifecycle: lifecycle(fields)?,
        meta_data: fields.free_object("meta_data").unwrap_or_default(),
        details: details(fields),
        override_max_cookie_time: false,
    })))
}
