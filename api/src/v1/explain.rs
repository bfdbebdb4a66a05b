//! `GET /v1/explain?external_id=`: why an order paid what it paid, or why not.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    middleware::from_fn_with_state,
};
use common::{
    db::keys::{ApiKey, Scope},
    http::openapi::example,
    reads::explain::{self, Explanation},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Problem,
    auth::{Guard, guard},
};

pub(crate) fn router(api: &Arc<Api>) -> OpenApiRouter<Arc<Api>> {
    let needs = Guard {
        api: Arc::clone(api),
        scopes: &[Scope::Read],
    };
    OpenApiRouter::default()
        .routes(routes!(explain))
        .route_layer(from_fn_with_state(needs, guard))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Params {
    /// The order's id.
    #[serde(default)]
    #[param(required, example = "ORD007")]
    external_id: String,
}

impl Params {
    /// An order that there could be.
    fn order(&self) -> Result<&str, Problem> {
        match self.external_id.as_str() {
            "" => Err(Problem::bad_request("external_id is missing")),
            order if order.contains('\0') => Err(Problem::bad_request("external_id must not contain NUL")),
            order => Ok(order),
        }
    }
}

/// Why an order paid or did not
#[utoipa::path(
    get,
    path = "/v1/explain",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(Params),
    responses((status = 200, body = Explanation, example = json!(example(include_str!("examples/explain.json")))))
)]
async fn explain(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Json<Explanation>, Problem> {
    let Query(params) =
        params.map_err(|_malformed| Problem::bad_request("the query is malformed or repeats a parameter"))?;
    let found = explain::find(&api.pool, key.org, params.order()?, key.program).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_must_be_named() {
        let order = |text: &str| Params {
            external_id: text.to_owned(),
        };
        assert_eq!(order("ORD1").order().unwrap(), "ORD1");
        assert!(order("").order().is_err());
        assert!(order("a\0b").order().is_err());
    }
}
