//! Conversions.

use serde::Serialize;
use serde_json::Number;

use super::{Affiliate, Click, CommissionLine, Program, number, plain_time, warnings};
use crate::domain::{ConversionView, CustomerView, MetaData, PublicId, PublicIdKind};

/// A conversion, nulls included.
#[derive(Debug, Serialize)]
pub struct Conversion<'a> {
    id: i64,
    external_id: Option<&'a str>,
    amount: Number,
    click: Option<Click<'a>>,
    commissions: Vec<CommissionLine<'a>>,
    program: Program<'a>,
    affiliate: Affiliate<'a>,
    customer: Option<Buyer<'a>>,
    affiliate_meta_data: Option<&'a MetaData>,
    meta_data: &'a MetaData,
    created_at: String,
    warnings: Option<&'a [String]>,
}

/// A customer, as a conversion shows it.
#[derive(Debug, Serialize)]
struct Buyer<'a> {
    id: String,
    customer_id: Option<&'a str>,
    status: &'a str,
}

impl<'a> From<&'a ConversionView> for Conversion<'a> {
    fn from(view: &'a ConversionView) -> Self {
        Self {
            id: view.id.0,
            external_id: view.external_id.as_deref(),
            amount: number(view.amount),
            click: view.click.as_ref().map(Click::from),
            commissions: view.commissions.iter().map(CommissionLine::from).collect(),
            program: Program::from(&view.program),
            affiliate: Affiliate::from(&view.affiliate),
            customer: view.customer.as_ref().map(Buyer::from),
            affiliate_meta_data: view.affiliate_meta_data.as_ref(),
            meta_data: &view.meta_data,
            created_at: plain_time(view.created_at),
            warnings: warnings(&view.warnings),
        }
    }
}

impl<'a> From<&'a CustomerView> for Buyer<'a> {
    fn from(view: &'a CustomerView) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Customer, view.id.0).to_string(),
            customer_id: view.external_id.as_deref(),
            status: &view.status,
        }
    }
}
