//! `PATCH /1.6/customers/{id}/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    http::{
        openapi::{MetaData, example},
        request::IdempotencyKey,
    },
    tapfiliate_json::{CUSTOMER_EXAMPLE, Customer},
};
use utoipa::ToSchema;

use super::edit::edit;
use crate::{Api, Problem, path_id::PathId, rest::bodies::fields_of, write::Call};

#[derive(ToSchema)]
#[schema(as = rest::CustomerChange)]
#[expect(dead_code, reason = "describes what the handler reads")]
struct CustomerChange {
    /// The merchant's own id; it must be no other customer's.
    customer_id: Option<String>,
    /// Takes the place of what was there.
    meta_data: Option<MetaData>,
}

/// Update a customer
// Only what is sent changes.
#[utoipa::path(
    patch,
    path = "/1.6/customers/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `cu_` id.", example = "cu_eXampl3"), IdempotencyKey),
    request_body(content = CustomerChange, example = json!(example(include_str!("../examples/customer_change.json")))),
    responses((status = 200, body = Customer<'_>, example = json!(example(CUSTOMER_EXAMPLE))))
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    let fields = fields_of(&call.received)?;
    fields.ignore_time("a change of a customer by its id counts when it comes in");
    let customer_id = fields.customer_id("customer_id")?;
    let meta_data = fields.free_object("meta_data");
    let customer = edit(&api, &call, &id, |update| {
        update.customer_id = customer_id;
        update.meta_data = meta_data;
    });
    Ok(Json(Customer::from(&customer.await?)).into_response())
}
