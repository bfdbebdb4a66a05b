//! Yaplet's affiliates track API: one call that records a sale by the coupon code in its path.

mod answer;
mod track;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Ingest;

pub fn routes() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default().routes(routes!(track::track))
}
