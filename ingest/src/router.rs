//! All routes.

use axum::Router;
use common::http::{openapi::schemas_of, with_layers};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{Ingest, affitor, affy, native, pixel, receipt::Receipt, tapfiliate, yaplet};

/// The complete data plane.
pub fn router(ingest: Ingest) -> Router {
    with_layers(routes(ingest))
}

/// The routes alone, for a process that merges them with others and then puts the layers around all of them.
pub fn routes(ingest: Ingest) -> Router {
    described().with_state(ingest).into()
}

/// What the routes are for, in OpenAPI.
pub fn openapi() -> OpenApi {
    let mut document = described().into_openapi();
    // What is described by responses of its own is not found by the calls' schemas.
    let components = document.components.get_or_insert_default();
    components.schemas.extend(schemas_of::<Receipt>());
    document
}

fn described() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default()
        .merge(yaplet::routes())
        .merge(tapfiliate::postback::routes())
        .merge(tapfiliate::rest::routes())
        .merge(affitor::routes())
        .merge(native::routes())
        .merge(affy::routes())
        .merge(pixel::routes())
}
