//! Conversions.

use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::{Affiliate, Click, CommissionLine, CustomerStatus, Program, number, plain_time, warnings};
use crate::domain::{ConversionView, CustomerView, MetaData, PublicId, PublicIdKind};

/// A conversion, nulls included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Conversion)]
pub struct Conversion<'a> {
    id: i64,
    #[schema(required)]
    external_id: Option<&'a str>,
    #[schema(value_type = f64, format = "decimal")]
    amount: Number,
    #[schema(required)]
    click: Option<Click<'a>>,
    commissions: Vec<CommissionLine<'a>>,
    program: Program<'a>,
    affiliate: Affiliate<'a>,
    #[schema(required)]
    customer: Option<Buyer<'a>>,
    /// What the affiliate attached to the click.
    #[schema(required, value_type = Option<Object>)]
    affiliate_meta_data: Option<&'a MetaData>,
    #[schema(value_type = Object)]
    meta_data: &'a MetaData,
    created_at: String,
    /// Null or a list, never an empty one.
    #[schema(required)]
    warnings: Option<&'a [String]>,
}

/// A customer, as a conversion shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Buyer)]
struct Buyer<'a> {
    id: String,
    /// The merchant's own id.
    #[schema(required)]
    customer_id: Option<&'a str>,
    #[schema(value_type = CustomerStatus)]
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
