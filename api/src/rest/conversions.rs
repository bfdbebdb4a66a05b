//! `GET /1.6/conversions/` and one of them.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use common::{
    db::{
        Connection, DbError,
        conversions_read::{self, ConversionFilter, MAX_EXACT_TOTAL, PAGE_SIZE},
        keys::ApiKey,
    },
    domain::{
        AffiliateView, CommissionView, ConversionId, ConversionView, CustomerView, MetaData, ProgramView,
        PublicId, PublicIdKind,
    },
};
use serde::Serialize;
use serde_json::Number;

use super::{
    pages::{Position, link},
    params::ListParams,
};
use crate::{
    Api, Problem,
    json::{number, rest_time},
};

/// Latest first, 25 a page.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    uri: Uri,
    headers: HeaderMap,
    params: Result<Query<ListParams>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(params) =
        params.map_err(|_malformed| Problem::bad_request("the query is malformed or repeats a parameter"))?;
    let page = params.page()?;
    let filter = params.filter(key.program)?;
    let mut conn = api.connection().await?;
    let found = conversions_read::list(&mut conn, key.org, &filter, page).await?;
    let at = position(&mut conn, &key, &filter, page, found.len()).await?;
    let shown: Vec<_> = found.iter().map(Shown::from).collect();
    let mut response = Json(shown).into_response();
    if let Some(link) = link(&uri, &headers, at) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// By its number or its `cv_` id.
pub(crate) async fn retrieve(
    State(api): State<Arc<Api>>,
    Extension(key): Extension<ApiKey>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let by_name = || PublicId::parse(PublicIdKind::Conversion, &id).map(|id| id.number);
    let number = id.parse().ok().or_else(by_name).ok_or_else(Problem::not_found)?;
    let filter = ConversionFilter {
        scope: key.program,
        id: Some(ConversionId(number)),
        ..ConversionFilter::default()
    };
    let mut conn = api.connection().await?;
    let found = conversions_read::list(&mut conn, key.org, &filter, 1).await?;
    let conversion = found.first().ok_or_else(Problem::not_found)?;
    Ok(Json(Shown::from(conversion)).into_response())
}

/// A page that is not full is the last: then nothing needs to be counted.
async fn position(
    conn: &mut Connection,
    key: &ApiKey,
    filter: &ConversionFilter,
    page: u32,
    found: usize,
) -> Result<Position, DbError> {
    let found = u32::try_from(found).unwrap_or(PAGE_SIZE);
    let before = u64::from(page - 1) * u64::from(PAGE_SIZE);
    if found < PAGE_SIZE && (found > 0 || page == 1) {
        let total = before + u64::from(found);
        return Ok(Position {
            page,
            more: false,
            total,
        });
    }
    let total = conversions_read::total(conn, key.org, filter).await?;
    let behind = before + u64::from(found);
    let more = found > 0 && (total > behind || total > MAX_EXACT_TOTAL);
    Ok(Position { page, more, total })
}

/// A conversion in the shape of REST 1.6, nulls included.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    id: i64,
    external_id: Option<&'a str>,
    amount: Number,
    /// Clicks are not recorded yet.
    click: Option<()>,
    commissions: Vec<ShownCommission<'a>>,
    program: ShownProgram<'a>,
    affiliate: ShownAffiliate<'a>,
    customer: Option<ShownCustomer<'a>>,
    affiliate_meta_data: Option<()>,
    meta_data: &'a MetaData,
    created_at: String,
    warnings: Option<()>,
}

#[derive(Debug, Serialize)]
struct ShownCommission<'a> {
    id: i64,
    conversion_sub_amount: Number,
    amount: Number,
    commission_type: &'a str,
    approved: Option<bool>,
    affiliate: ShownAffiliate<'a>,
    kind: &'a str,
    currency: &'a str,
    created_at: String,
    payout: Option<()>,
    comment: Option<&'a str>,
    #[serde(rename = "final")]
    is_final: Option<bool>,
    commission_name: &'a str,
}

#[derive(Debug, Serialize)]
struct ShownProgram<'a> {
    id: &'a str,
    title: &'a str,
    currency: &'a str,
}

#[derive(Debug, Serialize)]
struct ShownAffiliate<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
}

#[derive(Debug, Serialize)]
struct ShownCustomer<'a> {
    id: String,
    customer_id: Option<&'a str>,
    status: &'a str,
}

impl<'a> From<&'a ConversionView> for Shown<'a> {
    fn from(view: &'a ConversionView) -> Self {
        Self {
            id: view.id.0,
            external_id: view.external_id.as_deref(),
            amount: number(view.amount),
            click: None,
            commissions: view.commissions.iter().map(commission).collect(),
            program: program(&view.program),
            affiliate: affiliate(&view.affiliate),
            customer: view.customer.as_ref().map(customer),
            affiliate_meta_data: None,
            meta_data: &view.meta_data,
            created_at: rest_time(view.created_at),
            warnings: None,
        }
    }
}

fn commission(view: &CommissionView) -> ShownCommission<'_> {
    ShownCommission {
        id: view.id.0,
        conversion_sub_amount: number(view.sub_amount),
        amount: number(view.amount),
        commission_type: &view.commission_type,
        approved: view.approved,
        affiliate: affiliate(&view.affiliate),
        kind: &view.kind,
        currency: view.currency.code(),
        created_at: rest_time(view.created_at),
        payout: None,
        comment: view.comment.as_deref(),
        is_final: None,
        commission_name: &view.commission_name,
    }
}

fn program(view: &ProgramView) -> ShownProgram<'_> {
    ShownProgram {
        id: &view.slug,
        title: &view.title,
        currency: view.currency.code(),
    }
}

fn affiliate(view: &AffiliateView) -> ShownAffiliate<'_> {
    ShownAffiliate {
        id: &view.slug,
        firstname: &view.firstname,
        lastname: &view.lastname,
    }
}

fn customer(view: &CustomerView) -> ShownCustomer<'_> {
    ShownCustomer {
        id: PublicId::new(PublicIdKind::Customer, view.id.0).to_string(),
        customer_id: view.external_id.as_deref(),
        status: &view.status,
    }
}
