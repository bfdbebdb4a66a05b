//! `GET /1.6/affiliates/{id}/balances/`: what an affiliate is owed, by currency.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, Json, extract::State};
use common::{db::keys::ApiKey, domain::Currency, reads::rest::balances};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use crate::{
    Api, Problem,
    json::number,
    path_id::PathId,
    rest::{pages::NoPages, params::is_storable},
};

/// An affiliate's balances by currency
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/balances",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson")),
    responses((status = 200, body = Balances, example = json!({"USD": 5, "EUR": 35})))
)]
pub(super) async fn of_affiliate(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
    NoPages: NoPages,
) -> Result<Json<Balances>, Problem> {
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let balances = balances::payable(&mut conn, key.org, &id, key.program)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(balances.into()))
}

/// By currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = rest::Balances, value_type = BTreeMap<String, f64>)]
pub(super) struct Balances(BTreeMap<String, Number>);

impl From<Vec<(Currency, Decimal)>> for Balances {
    fn from(balances: Vec<(Currency, Decimal)>) -> Self {
        let entries = balances.into_iter();
        Self(
            entries
                .map(|(currency, amount)| (currency.code().to_owned(), number(amount)))
                .collect(),
        )
    }
}
