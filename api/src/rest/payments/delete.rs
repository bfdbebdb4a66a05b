//! `DELETE /1.6/payments/{id}/`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use common::{
    domain::{Body, CancelPayment, PaymentId, PublicIdKind},
    http::request::IdempotencyKey,
};

use super::retrieve::find;
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::row_id::number_of,
    write::{Call, execute},
};

/// Cancel a payment
// The affiliate is owed its amount again, and the commissions that it covered are unpaid.
#[utoipa::path(
    delete,
    path = "/1.6/payments/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its `pa_` id or its number.", example = "pa_eXampl3"), IdempotencyKey),
    responses((status = 204, description = "It is cancelled."))
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<StatusCode, Problem> {
    let number = number_of(&id, PublicIdKind::Payment).ok_or_else(Problem::not_found)?;
    call.only_what_is_there(find(&api, &call.key, &id).await?.as_ref())?;
    let cancel = CancelPayment {
        payment: PaymentId(number),
    };
    execute(
        &api,
        &call,
        &format!("payment/{number}"),
        Body::CancelPayment(cancel),
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
