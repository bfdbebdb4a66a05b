//! What a postback did, as it prints it: ids with prefixes, numbers with a point, every absent value as null.

use common::{
    domain::{
        Applied, ClickSummary, CommissionView, ConversionView, CustomerRecord, CustomerView, MetaData,
        PublicId, PublicIdKind, entities::CommissionKind,
    },
    tapfiliate_json::{Affiliate, CustomerStatus, Program, colon_time, null, warnings},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

use crate::tapfiliate::answer::raw;
use common::http::request::json_number;

/// Decimals of an amount, at least: the documented answers print `100.0`.
const DECIMALS: u32 = 1;

/// The conversion or the customer as it is now.
pub(super) fn effect(applied: &Applied) -> Box<RawValue> {
    match applied {
        Applied::Customer(record) => raw(&Customer::from(&**record)),
        _ => raw(&applied.conversion().map(Conversion::from)),
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = postback::Conversion)]
pub(super) struct Conversion<'a> {
    id: String,
    created_at: String,
    #[schema(required)]
    click: Option<Click<'a>>,
    /// What the affiliate attached to the click.
    #[schema(required, value_type = Option<Object>)]
    affiliate_meta_data: Option<&'a MetaData>,
    program: Program<'a>,
    affiliate: Affiliate<'a>,
    /// Null or a list, never an empty one.
    #[schema(required)]
    warnings: Option<&'a [String]>,
    #[schema(value_type = f64, format = "decimal")]
    amount: Value,
    #[schema(value_type = Object)]
    meta_data: &'a MetaData,
    #[schema(required)]
    customer: Option<Buyer<'a>>,
    #[schema(required)]
    external_id: Option<&'a str>,
    commissions: Vec<Commission<'a>>,
}

/// A customer, as a conversion shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = postback::Buyer)]
struct Buyer<'a> {
    id: String,
    /// The merchant's own id.
    #[serde(rename = "customer_id")]
    #[schema(required)]
    external_id: Option<&'a str>,
    #[schema(value_type = CustomerStatus)]
    status: &'a str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = postback::Click)]
struct Click<'a> {
    created_at: String,
    #[schema(required)]
    referrer: Option<&'a str>,
    #[schema(required)]
    landing_page: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = postback::Customer)]
pub(super) struct Customer<'a> {
    id: String,
    created_at: String,
    #[schema(required)]
    click: Option<Click<'a>>,
    /// What the affiliate attached to the click.
    #[schema(required, value_type = Option<Object>)]
    affiliate_meta_data: Option<&'a MetaData>,
    program: Program<'a>,
    affiliate: Affiliate<'a>,
    /// Null or a list, never an empty one.
    #[schema(required)]
    warnings: Option<&'a [String]>,
    #[schema(value_type = Object)]
    meta_data: &'a MetaData,
    /// The merchant's own id.
    #[serde(rename = "customer_id")]
    #[schema(required)]
    external_id: Option<&'a str>,
    #[schema(value_type = CustomerStatus)]
    status: &'a str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = postback::Commission)]
struct Commission<'a> {
    #[schema(value_type = CommissionKind)]
    kind: &'a str,
    affiliate: Affiliate<'a>,
    /// ISO 4217
    currency: &'static str,
    id: String,
    created_at: String,
    /// Always null.
    #[schema(schema_with = null)]
    payout: (),
    #[serde(rename = "commission_type")]
    of_type: &'a str,
    /// Null while it is pending.
    #[schema(required)]
    approved: Option<bool>,
    #[schema(value_type = f64, format = "decimal")]
    amount: Value,
    #[schema(required)]
    comment: Option<&'a str>,
    #[schema(value_type = f64, format = "decimal")]
    conversion_sub_amount: Value,
    /// Always null.
    #[schema(schema_with = null)]
    r#final: (),
}

impl<'a> From<&'a ConversionView> for Conversion<'a> {
    fn from(view: &'a ConversionView) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Conversion, view.id.0).to_string(),
            created_at: colon_time(view.created_at),
            click: view.click.as_ref().map(Click::from),
            affiliate_meta_data: view.affiliate_meta_data.as_ref(),
            program: Program::from(&view.program),
            affiliate: Affiliate::from(&view.affiliate),
            warnings: warnings(&view.warnings),
            amount: json_number(view.amount, DECIMALS),
            meta_data: &view.meta_data,
            customer: view.customer.as_ref().map(Buyer::from),
            external_id: view.external_id.as_deref(),
            commissions: view.commissions.iter().map(Commission::from).collect(),
        }
    }
}

impl<'a> From<&'a CustomerView> for Buyer<'a> {
    fn from(view: &'a CustomerView) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Customer, view.id.0).to_string(),
            external_id: view.external_id.as_deref(),
            status: &view.status,
        }
    }
}

impl<'a> From<&'a CommissionView> for Commission<'a> {
    fn from(view: &'a CommissionView) -> Self {
        Self {
            kind: &view.kind,
            affiliate: Affiliate::from(&view.affiliate),
            currency: view.currency.code(),
            id: PublicId::new(PublicIdKind::Commission, view.id.0).to_string(),
            created_at: colon_time(view.created_at),
            payout: (),
            of_type: &view.commission_type,
            approved: view.approved,
            amount: json_number(view.amount, DECIMALS),
            comment: view.comment.as_deref(),
            conversion_sub_amount: json_number(view.sub_amount, DECIMALS),
            r#final: (),
        }
    }
}

impl<'a> From<&'a ClickSummary> for Click<'a> {
    fn from(view: &'a ClickSummary) -> Self {
        Self {
            created_at: colon_time(view.created_at),
            referrer: view.referrer.as_deref(),
            landing_page: view.landing_page.as_deref(),
        }
    }
}

impl<'a> From<&'a CustomerRecord> for Customer<'a> {
    fn from(view: &'a CustomerRecord) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Customer, view.id.0).to_string(),
            created_at: colon_time(view.created_at),
            click: view.click.as_ref().map(Click::from),
            affiliate_meta_data: view.affiliate_meta_data.as_ref(),
            program: Program::from(&view.program),
            affiliate: Affiliate::from(&view.affiliate),
            warnings: warnings(&view.warnings),
            meta_data: &view.meta_data,
            external_id: view.customer_id.as_deref(),
            status: &view.status,
        }
    }
}
