//! `GET /1.6/customers/`

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use chrono::NaiveDate;
use common::{
    db::keys::ApiKey,
    domain::ProgramId,
    http::{openapi::example, request::folded_customer},
    reads::rest::customers::{self, CustomerFilter},
    tapfiliate_json::{CUSTOMER_EXAMPLE, Customer},
};
use serde::Deserialize;

use crate::{
    Api, Problem,
    rest::{
        pages::{PageParams, PageRequest},
        params::{Params, day, flag, text, whole_days},
    },
};

/// What a list may be restricted to (seed: REST 1.6).
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Filter {
    /// Without effect: all times are UTC.
    #[serde(rename = "use_profile_timezone", deserialize_with = "flag")]
    #[param(example = false)]
    _use_profile_timezone: Option<bool>,
    /// First day, in UTC.
    #[serde(deserialize_with = "day")]
    #[param(example = "2022-01-01")]
    date_from: Option<NaiveDate>,
    /// Last day, in UTC, inclusive.
    #[serde(deserialize_with = "day")]
    #[param(example = "2025-12-31")]
    date_to: Option<NaiveDate>,
    /// The program.
    #[serde(deserialize_with = "text")]
    #[param(example = "johns-affiliate-program")]
    program_id: Option<String>,
    /// The merchant's id of the customer.
    #[serde(deserialize_with = "text")]
    #[param(example = "USER123")]
    customer_id: Option<String>,
    /// The affiliate who brought the customer.
    #[serde(deserialize_with = "text")]
    #[param(example = "janejameson")]
    affiliate_id: Option<String>,
}

impl Filter {
    /// Within the program that the key is bound to.
    fn within(self, scope: Option<ProgramId>) -> CustomerFilter {
        let (from, until) = whole_days(self.date_from, self.date_to);
        CustomerFilter {
            scope,
            customer_id: self.customer_id.map(folded_customer),
            program: self.program_id,
            affiliate: self.affiliate_id,
            from,
            until,
        }
    }
}

/// List customers
// Latest first, 25 a page.
#[utoipa::path(
    get,
    path = "/1.6/customers",
    tag = "rest",
    security(("XApiKey" = [])),
    params(PageParams, Filter),
    responses((
        status = 200,
        body = Vec<Customer<'_>>,
        headers(("Link" = String, description = "The pages `next`, `last`, `first` and `prev`, where there are any.")),
        example = json!([example(CUSTOMER_EXAMPLE)])
    ))
)]
pub(super) async fn list(
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
