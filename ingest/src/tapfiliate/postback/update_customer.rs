//! `/1.7/pb/cus/u/`: the change of a customer.

use axum::{
    extract::{Request, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use common::db::keys::Timezone;
use common::domain::{Body, CustomerTarget, UpdateCustomer};
use utoipa::ToSchema;

use super::{call::call_at, effect::Customer};
use crate::{Ingest, receipt::Pending, told_time::timestamp};
use common::http::{
    openapi::{MetaData, Moment, example},
    request::{Fields, Invalid, Preferences},
};

/// Change a customer
#[utoipa::path(
    get,
    path = "/1.7/pb/cus/u",
    tag = "postback",
    security(("XApiKey" = [])),
    params(CustomerChange, Preferences),
    responses(
        (status = 200, body = Customer<'_>, example = json!(example(include_str!("examples/customer.json")))),
        Pending,
    )
)]
pub(super) async fn by_query(State(ingest): State<Ingest>, request: Request) -> Response {
    call_at(&ingest, request, parse).await
}

/// Change a customer
#[utoipa::path(
    post,
    path = "/1.7/pb/cus/u",
    tag = "postback",
    security(("XApiKey" = [])),
    params(Preferences),
    request_body(
        content = CustomerChange,
        example = json!({"customer_id": "test", "meta_data": {"testparam": "testvalue"}})
    ),
    responses(
        (status = 200, body = Customer<'_>, example = json!(example(include_str!("examples/customer.json")))),
        Pending,
    )
)]
pub(super) async fn by_body(State(ingest): State<Ingest>, request: Request) -> Response {
    call_at(&ingest, request, parse).await
}

#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = postback::CustomerChange)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct CustomerChange {
    /// The merchant's own id.
    #[param(example = "test")]
    customer_id: String,
    /// Takes the place of what was there.
    #[param(style = DeepObject, explode, example = json!({"testparam": "testvalue"}))]
    meta_data: Option<MetaData>,
    /// When the change was: of two changes of a field the later counts. By default when it comes in.
    timestamp: Option<Moment>,
}

/// # Errors
/// Names the parameter that is missing or wrong.
fn parse(fields: &Fields, now: DateTime<Utc>, timezone: Timezone) -> Result<Body, Invalid> {
    Ok(Body::UpdateCustomer(UpdateCustomer {
        customer: CustomerTarget::Id(fields.required_customer_id("customer_id")?),
        customer_id: None,
        meta_data: fields.free_object("meta_data"),
        meta_change: None,
        action: None,
        occurred_at: timestamp(fields, now, timezone)?,
    }))
}
