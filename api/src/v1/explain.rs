//! `GET /v1/explain?external_id=`: why an order paid what it paid, or why not.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, middleware::from_fn_with_state};
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
    rest::params::{Params, text},
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

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Asked {
    /// The order's id.
    #[serde(deserialize_with = "text")]
    #[param(required, value_type = String, example = "ORD007")]
    external_id: Option<String>,
}

impl Asked {
    /// An order that there could be.
    fn order(&self) -> Result<&str, Problem> {
        let named = self.external_id.as_deref().filter(|order| !order.is_empty());
        named.ok_or_else(|| Problem::bad_request("external_id is missing"))
    }
}

/// Why an order paid or did not
#[utoipa::path(
    get,
    path = "/v1/explain",
    tag = "native",
    security(("XApiKey" = []), ("Bearer" = [])),
    params(Asked),
    responses((status = 200, body = Explanation, example = json!(example(include_str!("examples/explain.json")))))
)]
async fn explain(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Params(asked): Params<Asked>,
) -> Result<Json<Explanation>, Problem> {
    let found = explain::find(&api.pool, key.org, asked.order()?, key.program).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::params;

    #[test]
    fn an_order_must_be_named() {
        let order = |query: &str| {
            let asked: Asked = params::read(&format!("/v1/explain?{query}").parse().unwrap())?;
            asked.order().map(str::to_owned)
        };
        assert_eq!(order("external_id=ORD1").unwrap(), "ORD1");
        for (query, want) in [
            ("", "external_id is missing"),
            ("external_id=", "external_id is missing"),
            ("external_id=a%00b", "external_id must not contain NUL"),
            ("external_id=%ff", "external_id must be UTF-8"),
        ] {
            assert_eq!(order(query).unwrap_err().message(), want, "{query}");
        }
    }
}
