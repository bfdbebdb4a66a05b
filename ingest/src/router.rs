//! All routes.

use axum::Router;
use common::http::with_layers;

use crate::{Ingest, affitor, affy, native, pixel, tapfiliate, yaplet};

/// The complete data plane.
pub fn router(ingest: Ingest) -> Router {
    with_layers(routes(ingest))
}

/// The routes alone, for a process that merges them with others and then puts the layers around all of them.
pub fn routes(ingest: Ingest) -> Router {
    Router::new()
        .merge(yaplet::routes())
        .merge(tapfiliate::postback::routes())
        .merge(tapfiliate::rest::routes())
        .merge(affitor::routes())
        .merge(native::routes())
        .merge(affy::routes())
        .merge(pixel::routes())
        .with_state(ingest)
}
