//! Tapfiliate REST 1.6: a folder a resource, a file a verb. What records sales, customers and clicks is the data plane's.
//!
//! A list costs one file here and one in `common::reads::rest`, and a line in [`router`].
//!
//! * Here (`conversions/list.rs` is the shortest whole one): a struct `Filter` whose fields are the documented parameters, each read
//!   by a function of [`params`]; `Filter::within`, which makes the list's typed filter of it; and the handler with its
//!   description: a connection, the page, the answer. [`pages`] reads the page's number and makes the `Link` header. What the row looks like on the wire is in
//!   `common::tapfiliate_json` where the ingest prints it too, else in the same file.
//! * There: the typed filter, which turns itself into conditions; a constant `LIST` that says which table, columns and joins;
//!   `list` and `find`, which hand the conditions to it. The three statements of a list, its total and its end are made there,
//!   once for all.

#[cfg(test)]
mod access;
mod affiliate_groups;
mod affiliates;
mod affiliates_of_key;
mod affiliations;
mod balances;
mod bodies;
mod clicks;
mod commissions;
mod conversions;
mod custom_fields;
mod customers;
pub(crate) mod error;
mod meta_data;
mod notes;
pub(crate) mod pages;
pub(crate) mod params;
mod payments;
mod payout_methods;
mod programs;
mod prospects;
mod row_id;
#[cfg(test)]
pub(crate) mod tests;
mod user_agent;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use common::db::keys::Scope;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api,
    auth::{Guard, guard},
    write::to_its_end,
};

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = |scopes| {
        let api = Arc::clone(api);
        from_fn_with_state(Guard { api, scopes }, guard)
    };
    let reads = reads().route_layer(needs(&[Scope::Read]));
    // The last layer is the outermost: a caller is let in before its work begins.
    let writes = writes()
        .route_layer(from_fn(to_its_end))
        .route_layer(needs(&[Scope::Manage]));
    reads.merge(writes)
}

fn reads() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .merge(affiliates::reads())
        .merge(affiliations::reads())
        .merge(conversions::reads())
        .merge(customers::reads())
        .routes(routes!(clicks::list))
        .routes(routes!(clicks::retrieve))
        .merge(commissions::reads())
        .merge(payments::reads())
        .merge(balances::reads())
        .merge(programs::reads())
        .merge(affiliate_groups::reads())
        .merge(prospects::reads())
        .merge(notes::reads())
        .merge(payout_methods::reads())
        .routes(routes!(custom_fields::list))
}

fn writes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .merge(affiliates::writes())
        .merge(affiliations::writes())
        .merge(conversions::writes())
        .merge(customers::writes())
        .merge(commissions::writes())
        .merge(payments::writes())
        .merge(affiliate_groups::writes())
        .merge(prospects::writes())
        .merge(notes::writes())
        .merge(payout_methods::writes())
}
