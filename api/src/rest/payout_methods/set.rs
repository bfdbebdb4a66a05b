//! `PUT /1.6/affiliates/{id}/payout-methods/{payout_method_id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use common::{
    catalog::change::payout_methods,
    domain::MetaData,
    http::{
        openapi::example,
        request::{IdempotencyKey, MAX_OBJECT_BYTES, Received},
    },
    reads::rest::payout_methods::of_affiliate,
};
use utoipa::ToSchema;

use super::method::{METHOD_EXAMPLE, Method, is_method};
use crate::{
    Api, Problem,
    auth::needs_whole_organisation,
    path_id::PathIdAndKey,
    rest::{affiliates_of_key::affiliate_of, bodies::fields_of},
    write::{Call, Change, begin, finish},
};

/// What the payout method needs, by the names that a shop knows: at most 8 KiB.
#[derive(ToSchema)]
#[schema(as = rest::PayoutDetails, value_type = Object)]
#[expect(dead_code, reason = "describes what `details_of` reads")]
struct DetailsBody(MetaData);

/// Set a payout method
// The details replace what was there. The affiliate's first payout method is the primary one.
#[utoipa::path(
    put,
    path = "/1.6/affiliates/{id}/payout-methods/{payout_method_id}",
    operation_id = "set_payout_method",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "The affiliate's id.", example = "janejameson"),
        ("payout_method_id" = String, Path, description = "The payout method.", example = "paypal"),
        IdempotencyKey
    ),
    request_body(content = DetailsBody, example = json!({"paypal_address": "jane@example-blog.inc"})),
    responses((status = 200, body = Method<'_>, example = json!(example(METHOD_EXAMPLE))))
)]
pub(super) async fn set(
    State(api): State<Arc<Api>>,
    PathIdAndKey(id, method): PathIdAndKey,
    call: Call,
) -> Result<Response, Problem> {
    if !is_method(&method) {
        return Err(Problem::not_found());
    }
    needs_whole_organisation(&call.key)?;
    let mut change = match begin(&api, &call).await? {
        Change::Fresh(change) => change,
        Change::Repeated(answer) => return Ok(answer),
    };
    let affiliate = affiliate_of(change.connection(), &call.key, &id).await?;
    let details = details_of(&call.received)?;
    let org = change.org();
    let before = of_affiliate(change.connection(), org, affiliate, Some(&method))
        .await?
        .pop();
    let before = before.map(|before| before.details);
    payout_methods::set(&mut change, affiliate, &id, &method, &details, before).await?;
    let found = of_affiliate(change.connection(), org, affiliate, Some(&method))
        .await?
        .pop();
    let found = found.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&Method::from(&found))).await
}

/// # Errors
/// Without any, or with too many.
fn details_of(received: &Received) -> Result<MetaData, Problem> {
    let details = fields_of(received)?.into_storable()?;
    if details.is_empty() {
        return Err(Problem::bad_request("the payout method's details are required"));
    }
    if received.body().len() > MAX_OBJECT_BYTES {
        let message = format!("the payout method's details are larger than {MAX_OBJECT_BYTES} bytes");
        return Err(Problem::bad_request(message));
    }
    Ok(details.into())
}
