//! `PATCH /1.6/conversions/{id}/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{
    http::{
        openapi::{Amount, MetaData, example},
        request::IdempotencyKey,
    },
    tapfiliate_json::{CONVERSION_EXAMPLE, Conversion},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::edit::edit;
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::{
        bodies::fields_of,
        params::{Params, flag},
    },
    write::Call,
};

/// How a change is taken (seed: REST 1.6).
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Recalculation {
    /// Whether the commissions follow a new amount, each by the rate that it had.
    #[serde(deserialize_with = "flag")]
    #[param(example = false)]
    recalculate_commissions: Option<bool>,
}

#[derive(ToSchema)]
#[schema(as = rest::ConversionChange)]
#[expect(dead_code, reason = "describes what the handler reads")]
struct ConversionChange {
    amount: Option<Amount>,
    /// The order; it must be no other conversion's.
    external_id: Option<String>,
    /// Takes the place of what was there.
    meta_data: Option<MetaData>,
}

/// Update a conversion
// Only what is sent changes. Commissions stay as they are unless `recalculate_commissions`.
#[utoipa::path(
    patch,
    path = "/1.6/conversions/{id}",
    tag = "rest",
    security(("XApiKey" = [])),
    params(
        ("id" = String, Path, description = "Its number or its `cv_` id.", example = "1"),
        Recalculation,
        IdempotencyKey
    ),
    request_body(content = ConversionChange, example = json!(example(include_str!("../examples/conversion_change.json")))),
    responses((status = 200, body = Conversion<'_>, example = json!(example(CONVERSION_EXAMPLE))))
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    Params(query): Params<Recalculation>,
    call: Call,
) -> Result<Response, Problem> {
    let fields = fields_of(&call.received)?;
    fields.ignore_time("a change of a conversion by its number counts when it comes in");
    let amount = fields.amount("amount")?;
    let external_id = fields.order_id("external_id")?;
    let meta_data = fields.free_object("meta_data");
    let conversion = edit(&api, &call, &id, |edit| {
        edit.amount = amount;
        edit.external_id = external_id;
        edit.meta_data = meta_data;
        edit.recalculate = query.recalculate_commissions.unwrap_or(false);
    });
    Ok(Json(Conversion::from(&conversion.await?)).into_response())
}
