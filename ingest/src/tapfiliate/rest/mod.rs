//! REST 1.6, what it tracks: conversions and their commissions, customers, clicks. What it reads is the api's, on the same
//! paths.

mod add_commissions;
mod attribution;
mod call;
mod create_click;
mod create_conversion;
mod create_customer;
mod effect;

pub use add_commissions::MAX_COMMISSIONS;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Ingest;

pub fn routes() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default()
        .routes(routes!(create_conversion::create_conversion))
        .routes(routes!(create_customer::create_customer))
        .routes(routes!(create_click::create_click))
        .routes(routes!(add_commissions::add_commissions))
}
