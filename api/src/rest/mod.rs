//! Tapfiliate REST 1.6: what it reads.
//!
//! A list costs one file here and one in `common::reads::rest`, and a line in [`router`].
//!
//! * Here (`conversions.rs` is the shortest whole one): a struct `Filter` whose fields are the documented parameters, each read
//!   by a function of [`params`]; `Filter::within`, which makes the list's typed filter of it; and the handler: a connection, the
//!   page, the answer. [`pages`] reads the page's number and makes the `Link` header. What the row looks like on the wire is in
//!   `common::tapfiliate_json` where the ingest prints it too, else in the same file.
//! * There: the typed filter, which turns itself into conditions; a constant `LIST` that says which table, columns and joins;
//!   `list` and `find`, which hand the conditions to it. The three statements of a list, its total and its end are made there,
//!   once for all.

mod balances;
mod clicks;
mod commissions;
mod conversions;
mod customers;
pub(crate) mod error;
mod pages;
pub(crate) mod params;
mod row_id;
#[cfg(test)]
pub(crate) mod tests;
mod user_agent;

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
