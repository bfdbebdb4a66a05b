//! Tapfiliate REST 1.6: what it reads.

mod balances;
mod clicks;
mod commissions;
mod conversions;
mod customers;
pub(crate) mod error;
mod pages;
mod params;
#[cfg(test)]
pub(crate) mod tests;
mod user_agent;

pub(crate) use params::is_storable;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::get};
use common::db::keys::Scope;

use crate::{
    Api,
    auth::{Guard, guard},
};

pub(crate) fn router(api: &Arc<Api>) -> Router<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Read],
    };
    Router::new()
        .route("/1.6/conversions", get(conversions::list))
        .route("/1.6/conversions/{id}", get(conversions::retrieve))
        .route("/1.6/customers", get(customers::list))
        .route("/1.6/customers/{id}", get(customers::retrieve))
        .route("/1.6/clicks", get(clicks::list))
        .route("/1.6/clicks/{id}", get(clicks::retrieve))
        .route("/1.6/commissions", get(commissions::list))
        .route("/1.6/commissions/{id}", get(commissions::retrieve))
        .route("/1.6/affiliates/{id}/balances", get(balances::of_affiliate))
        .route_layer(from_fn_with_state(needs, guard))
}
