//! `GET /1.6/affiliates/{id}/balances/`: what an affiliate is owed, by currency.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, Json, extract::State};
use common::{db::keys::ApiKey, domain::Currency, reads::rest::balances};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::params::is_storable;
use crate::{Api, Problem, json::number, path_id::PathId};

/// An affiliate's balances by currency
#[utoipa::path(
    get,
    path = "/1.6/affiliates/{id}/balances",
    tag = "rest",
    security(("XApiKey" = [])),
    params(("id" = String, Path, description = "The affiliate's id.", example = "janejameson")),
    responses((status = 200, body = Balances, example = json!({"USD": 5, "EUR": 35})))
)]
pub(crate) async fn of_affiliate(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(id): PathId,
) -> Result<Json<Balances>, Problem> {
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let balances = balances::payable(&mut conn, key.org, &id, key.program)
        .await?
        .ok_or_else(Problem::not_found)?;
    let entry = |(currency, amount): (Currency, _)| (currency.code().to_owned(), number(amount));
    Ok(Json(Balances(balances.into_iter().map(entry).collect())))
}

/// By currency.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = rest::Balances, value_type = BTreeMap<String, f64>)]
pub(crate) struct Balances(BTreeMap<String, Number>);
