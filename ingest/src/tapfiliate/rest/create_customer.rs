//! `POST /1.6/customers/`

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    domain::{Body, CreateCustomer, CustomerLifecycle},
    http::{
        openapi::{MetaData, example},
        request::{Fields, Invalid, Preferences},
    },
    tapfiliate_json::{CUSTOMER_EXAMPLE, Customer},
};
use utoipa::ToSchema;

use super::{
    attribution::{ClickNames, Override, attribution},
    call::call,
};
use crate::{
    Ingest,
    receipt::Pending,
    tapfiliate::params::{Attribution, Details, details, leads_somewhere, lifecycle},
};

/// Create a customer
#[utoipa::path(
    post,
    path = "/1.6/customers",
    tag = "rest",
    security(("XApiKey" = [])),
    params(Override, Preferences),
    request_body(content = CustomerBody, example = json!(example(include_str!("examples/new_customer.json")))),
    responses(
        (status = 200, body = Customer<'_>, example = json!(example(CUSTOMER_EXAMPLE))),
        Pending,
    )
)]
pub(super) async fn create_customer(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = rest::NewCustomer)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct CustomerBody {
    /// The merchant's own id.
    customer_id: String,
    /// With which it begins; by default new.
    status: Option<CustomerLifecycle>,
    meta_data: Option<MetaData>,
    #[serde(flatten)]
    attribution: Attribution,
    #[serde(flatten)]
    click: ClickNames,
    #[serde(flatten)]
    details: Details,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Body, Invalid> {
    fields.ignore_time("a customer is of the moment in which it comes in");
    let attribution = attribution(fields)?;
    if !leads_somewhere(&attribution) {
        return Err(Invalid::new(
            "one of coupon, referral_code, click_id, tracking_id, or asset_id together with source_id is required",
        ));
    }
    Ok(Body::CreateCustomer(Box::new(CreateCustomer {
        customer_id: fields.required_customer_id("customer_id")?,
        attribution,
        lifecycle: lifecycle(fields)?,
        meta_data: fields.free_object("meta_data").unwrap_or_default(),
        details: details(fields),
        override_max_cookie_time: fields.remark_flag("override_max_cookie_time").unwrap_or(false),
    })))
}
