//! Affitor's tracking API: a visitor's click, the lead that names the customer, the sale, its refund.
//!
//! Reading order: a file per call, `call` with what they have in common, `test_mode` and `test_event`, `answer`, `success`,
//! `errors` with every text.

mod answer;
mod call;
mod click;
mod details;
mod errors;
mod kind;
mod lead;
mod refund;
mod sale;
mod success;
mod test_event;
mod test_mode;

pub use test_event::CHAINS_PER_HOUR;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Ingest;

pub fn routes() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default()
        .routes(routes!(click::click))
        .routes(routes!(click::older_click))
        .routes(routes!(lead::lead))
        .routes(routes!(lead::older_lead))
        .routes(routes!(sale::sale))
        .routes(routes!(sale::older_sale))
        .routes(routes!(refund::refund))
        .routes(routes!(refund::older_refund))
        .merge(test_event::routes())
}
