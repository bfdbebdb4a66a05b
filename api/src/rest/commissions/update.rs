//! `PATCH /1.6/commissions/{id}/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    http::{
        openapi::{Amount, example},
        request::{IdempotencyKey, MAX_NOTES},
    },
    tapfiliate_json::{COMMISSION_EXAMPLE, Commission},
};
use utoipa::ToSchema;

use super::edit::edit;
use crate::{Api, Problem, path_id::PathId, rest::bodies::fields_of, write::Call};

#[derive(ToSchema)]
#[schema(as = rest::CommissionChange)]
#[expect(dead_code, reason = "describes what the handler reads")]
struct CommissionChange {
    /// Exact: it follows its sale no longer.
    amount: Option<Amount>,
    /// For the affiliate to read.
    comment: Option<String>,
    approved: Option<bool>,
    /// What it is calculated on, anew; an amount that is sent with it wins.
    conversion_sub_amount: Option<Amount>,
}

/// Update a commission
// Only what is sent changes.
#[utoipa::path(
    patch,
    path = "/1.6/commissions/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "Its number or its `cm_` id.", example = "1"), IdempotencyKey),
    request_body(content = CommissionChange, example = json!(example(include_str!("../examples/commission_change.json")))),
    responses((status = 200, body = Commission<'_>, example = json!(example(COMMISSION_EXAMPLE))))
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    call: Call,
) -> Result<Response, Problem> {
    let fields = fields_of(&call.received)?;
    fields.ignore_time("a change of a commission counts when it comes in");
    let comment = fields.remark("comment", MAX_NOTES);
    let amount = fields.exact_amount("amount")?;
    let approved = fields.flag("approved")?;
    let sub_amount = fields.amount("conversion_sub_amount")?;
    let commission = edit(&api, &call, &id, |edit| {
        edit.amount = amount;
        edit.comment = comment;
        edit.approved = approved;
        edit.sub_amount = sub_amount;
    });
    Ok(Json(Commission::from(&commission.await?)).into_response())
}
