//! `GET /1.6/affiliates/{id}/balances/`: what an affiliate is owed, by currency.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use common::{db::keys::ApiKey, reads::rest::balances};
use serde_json::{Map, Value};

use super::params::is_storable;
use crate::{Api, Problem, json::number};

pub(crate) async fn of_affiliate(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Json<Map<String, Value>>, Problem> {
    if !is_storable(&id) {
        return Err(Problem::not_found());
    }
    let mut conn = api.connection().await?;
    let balances = balances::payable(&mut conn, key.org, &id, key.program)
        .await?
        .ok_or_else(Problem::not_found)?;
    let entry = |(currency, amount): (common::domain::Currency, _)| {
        (currency.code().to_owned(), Value::Number(number(amount)))
    };
    Ok(Json(balances.into_iter().map(entry).collect()))
}
