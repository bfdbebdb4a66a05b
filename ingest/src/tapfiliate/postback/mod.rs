//! Postback 1.7: conversions and customers created and changed, each by GET and by POST.

mod call;
pub(crate) mod create_conversion;
pub(crate) mod create_customer;
mod effect;
pub(crate) mod update_conversion;
mod update_customer;

use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::Ingest;
use call::get_and_post;

pub fn routes() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default()
        .routes(routes!(create_conversion::by_query, create_conversion::by_body).map(get_and_post))
        .routes(routes!(update_conversion::by_query, update_conversion::by_body).map(get_and_post))
        .routes(routes!(create_customer::by_query, create_customer::by_body).map(get_and_post))
        .routes(routes!(update_customer::by_query, update_customer::by_body).map(get_and_post))
}
