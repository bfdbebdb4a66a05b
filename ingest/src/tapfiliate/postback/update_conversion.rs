//! `/1.7/pb/con/u/`: the change of a sale.

use axum::{
    extract::{Request, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use common::db::keys::Timezone;
use common::domain::{Body, ConversionStatus, Currency, UpdateConversion};
use utoipa::ToSchema;

use super::{call::call_at, effect::Conversion};
use crate::{Ingest, receipt::Pending, told_time::timestamp};
use common::http::{
    openapi::{Amount, MetaData, Moment, example},
    request::{Fields, Invalid, Preferences},
};

/// Change a conversion
#[utoipa::path(
    get,
    path = "/1.7/pb/con/u",
    tag = "postback",
    security(("XApiKey" = [])),
    params(ConversionChange, Preferences),
    responses(
        (status = 200, body = Conversion<'_>, example = json!(example(include_str!("examples/conversion.json")))),
        Pending,
    )
)]
pub(super) async fn by_query(State(ingest): State<Ingest>, request: Request) -> Response {
    call_at(&ingest, request, parse).await
}

/// Change a conversion
#[utoipa::path(
    post,
    path = "/1.7/pb/con/u",
    tag = "postback",
    security(("XApiKey" = [])),
    params(Preferences),
    request_body(content = ConversionChange, example = json!({
        "external_id": "ORD005", "status": "disapproved", "amount": "100", "meta_data": {"testparam": "testvalue"}
    })),
    responses(
        (status = 200, body = Conversion<'_>, example = json!(example(include_str!("examples/conversion.json")))),
        Pending,
    )
)]
pub(super) async fn by_body(State(ingest): State<Ingest>, request: Request) -> Response {
    call_at(&ingest, request, parse).await
}

#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = postback::ConversionChange)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct ConversionChange {
    /// The order's id.
    #[param(example = "ORD005")]
    external_id: String,
    #[param(example = "100")]
    amount: Option<Amount>,
    #[param(example = "disapproved")]
    status: Option<ConversionStatus>,
    /// Takes the place of what was there.
    #[param(style = DeepObject, explode)]
    meta_data: Option<MetaData>,
    /// When the change was: of two changes of a field the later counts. By default when it comes in.
    timestamp: Option<Moment>,
}

/// A time without an offset is one of `timezone`.
///
/// # Errors
/// Names the parameter that is missing or wrong.
pub(crate) fn parse(fields: &Fields, now: DateTime<Utc>, timezone: Timezone) -> Result<Body, Invalid> {
    Ok(Body::UpdateConversion(UpdateConversion {
        external_id: fields.required_order_id("external_id")?,
        amount: fields.amount_in("amount", currency(fields))?,
        status: status(fields)?,
        meta_data: fields.free_object("meta_data"),
        occurred_at: timestamp(fields, now, timezone)?,
    }))
}

/// It is no parameter and changes nothing, but tells what a point in the amount may be.
fn currency(fields: &Fields) -> Option<Currency> {
    let code = fields.values().get("currency")?.as_str()?;
    code.trim().parse().ok()
}

fn status(fields: &Fields) -> Result<Option<ConversionStatus>, Invalid> {
    match fields.word("status")?.as_deref() {
        None => Ok(None),
        Some("approved") => Ok(Some(ConversionStatus::Approved)),
        Some("disapproved") => Ok(Some(ConversionStatus::Disapproved)),
        Some(_) => Err(fields.wrong("status", "must be approved or disapproved")),
    }
}
