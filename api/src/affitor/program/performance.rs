//! `GET /api/tracking/performance/{programId}`: what the program brought.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use chrono::NaiveDate;
use common::{
    db::keys::ApiKey,
    reads::affitor::{self, Money},
};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::named::{cents, find};
use crate::{
    Api, Problem,
    path_id::PathId,
    rest::params::{Params, day, whole_days},
};

/// Of which days.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Period {
    /// First day, in UTC.
    #[serde(rename = "dateFrom", deserialize_with = "day")]
    #[param(example = "2026-11-01")]
    date_from: Option<NaiveDate>,
    /// The same as `dateFrom`.
    #[serde(rename = "date_from", deserialize_with = "day")]
    #[param(example = "2026-11-01")]
    from_date: Option<NaiveDate>,
    /// Last day, in UTC, inclusive.
    #[serde(rename = "dateTo", deserialize_with = "day")]
    #[param(example = "2026-11-30")]
    date_to: Option<NaiveDate>,
    /// The same as `dateTo`.
    #[serde(rename = "date_to", deserialize_with = "day")]
    #[param(example = "2026-11-30")]
    to_date: Option<NaiveDate>,
}

impl Period {
    /// First and last day.
    fn days(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        (self.date_from.or(self.from_date), self.date_to.or(self.to_date))
    }
}

/// What a program brought
// Of all time where no days are given; of clicks, leads and sales the latest 10,000 each.
#[utoipa::path(
    get,
    path = "/api/tracking/performance/{programId}",
    tag = "affitor",
    security(("Bearer" = [])),
    params(("programId" = String, Path, description = "Its slug or number.", example = "johns-affiliate-program"), Period),
    responses((status = 200, body = ProgramPerformance, example = json!({
        "success": true,
        "data": {
            "programId": 1, "program": "johns-affiliate-program", "dateFrom": "2026-11-01", "dateTo": "2026-11-30",
            "isComplete": true, "clicks": 120, "leads": 14, "sales": 6,
            "totals": [{"currency": "USD", "sales": 6, "revenue_cents": 59400, "commission_cents": 5940}]
        }
    })))
)]
pub(super) async fn program_performance(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    PathId(name): PathId,
    Params(period): Params<Period>,
) -> Result<Json<ProgramPerformance>, Problem> {
    let mut conn = api.connection().await?;
    let program = find(&mut conn, &key, &name).await?;
    let (first, last) = period.days();
    let (from, until) = whole_days(first, last);
    let found = affitor::performance(&mut conn, key.org, program.id, from, until).await?;
    Ok(Json(ProgramPerformance {
        data: PerformanceData {
            program_id: program.id.0,
            program: program.slug,
            date_from: first,
            date_to: last,
            is_complete: found.is_complete,
            clicks: found.clicks,
            leads: found.leads,
            sales: found.sales,
            totals: found.money.iter().map(Total::from).collect(),
        },
        success: true,
    }))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::ProgramPerformance)]
pub(super) struct ProgramPerformance {
    data: PerformanceData,
    success: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affitor::ProgramPerformanceData)]
struct PerformanceData {
    program_id: i64,
    /// Its slug.
    program: String,
    #[schema(required)]
    date_from: Option<NaiveDate>,
    #[schema(required)]
    date_to: Option<NaiveDate>,
    /// Whether that is all: false where there are more than 10,000 clicks, leads or sales, of which the latest are counted.
    is_complete: bool,
    clicks: i64,
    leads: i64,
    sales: i64,
    /// One for each currency.
    totals: Vec<Total>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = affitor::Total)]
struct Total {
    currency: &'static str,
    sales: i64,
    /// In the currency's minor unit, less refunds.
    #[schema(value_type = i64)]
    revenue_cents: Number,
    /// In the currency's minor unit, without what was disapproved.
    #[schema(value_type = i64)]
    commission_cents: Number,
}

impl From<&Money> for Total {
    fn from(money: &Money) -> Self {
        Self {
            currency: money.currency.code(),
            sales: money.sales,
            revenue_cents: cents(money.currency, money.revenue),
            commission_cents: cents(money.currency, money.commission),
        }
    }
}
