//! `GET /1.6/balances/`

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use common::{
    db::keys::ApiKey,
    reads::rest::balances::{self, AffiliateBalances},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::of_affiliate::Balances;
use crate::{Api, Problem, rest::pages::NoPages};

/// All balances
// Those of all affiliates to whom anything is owed, or who owe. There are no pages.
#[utoipa::path(
    get,
    path = "/1.6/balances",
    tag = "rest",
    security(("XApiKey" = [])),
    responses((
        status = 200,
        body = Vec<OfAffiliate>,
        example = json!([
            {"affiliate_id": "janejameson", "balances": {"USD": 5, "EUR": 35}},
            {"affiliate_id": "peterpeterson", "balances": {"USD": -50}}
        ])
    ))
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    NoPages: NoPages,
) -> Result<Json<Vec<OfAffiliate>>, Problem> {
    let mut conn = api.connection().await?;
    let all = balances::all(&mut conn, key.org, key.program).await?;
    Ok(Json(all.into_iter().map(OfAffiliate::from).collect()))
}

/// What one affiliate is owed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::AffiliateBalances)]
pub(super) struct OfAffiliate {
    affiliate_id: String,
    balances: Balances,
}

impl From<AffiliateBalances> for OfAffiliate {
    fn from(of: AffiliateBalances) -> Self {
        Self {
            affiliate_id: of.affiliate,
            balances: of.balances.into(),
        }
    }
}
