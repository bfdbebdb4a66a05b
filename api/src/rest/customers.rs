//! `GET /1.6/customers/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use common::{
    db::keys::ApiKey,
    domain::{CustomerId, ProgramId, PublicId, PublicIdKind},
    reads::rest::customers::{self, CustomerFilter},
    tapfiliate_json::Customer,
};
use serde::Deserialize;

use super::{
    pages::PageRequest,
    params::{Params, day, flag, text, whole_days},
};
use crate::{Api, Problem};

/// What a list may be restricted to (seed: REST 1.6).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    /// Without effect: all times are UTC.
    #[serde(rename = "use_profile_timezone", deserialize_with = "flag")]
    _use_profile_timezone: Option<bool>,
    /// First day, in UTC.
    #[serde(deserialize_with = "day")]
    date_from: Option<NaiveDate>,
    /// Last day, in UTC, inclusive.
    #[serde(deserialize_with = "day")]
    date_to: Option<NaiveDate>,
    /// The program.
    #[serde(deserialize_with = "text")]
    program_id: Option<String>,
    /// The merchant's id of the customer.
    #[serde(deserialize_with = "text")]
    customer_id: Option<String>,
    /// The affiliate who brought the customer.
    #[serde(deserialize_with = "text")]
    affiliate_id: Option<String>,
}

impl Filter {
    /// Within the program that the key is bound to.
    fn within(self, scope: Option<ProgramId>) -> CustomerFilter {
        let (from, until) = whole_days(self.date_from, self.date_to);
        CustomerFilter {
            scope,
            customer_id: self.customer_id,
            program: self.program_id,
            affiliate: self.affiliate_id,
            from,
            until,
        }
    }
}

/// Latest first, 25 a page.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    request: PageRequest,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    let mut conn = api.connection().await?;
    let filter = filter.within(key.program);
    let page = customers::list(&mut conn, key.org, &filter, request.number).await?;
    Ok(request.answer(&page, Customer::from))
}

/// By its `cu_` id: a number could be taken for the merchant's own id.
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = PublicId::parse(PublicIdKind::Customer, &id).ok_or_else(Problem::not_found)?;
    let mut conn = api.connection().await?;
    let customer = customers::find(&mut conn, key.org, key.program, CustomerId(id.number)).await?;
    let customer = customer.ok_or_else(Problem::not_found)?;
    Ok(Json(Customer::from(&customer)).into_response())
}
