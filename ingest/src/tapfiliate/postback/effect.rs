//! A conversion as Postback 1.7 prints it: ids with prefixes, numbers with a point, every absent value as null.

use chrono::{DateTime, Utc};
use common::domain::{
    AffiliateView, CommissionView, ConversionView, CustomerView, MetaData, ProgramView, PublicId,
    PublicIdKind,
};
use serde::Serialize;
use serde_json::Value;

use crate::request::json_number;

/// Decimals of an amount, at least: the documented answers print `100.0`.
const DECIMALS: u32 = 1;

#[derive(Serialize)]
pub(super) struct Conversion<'a> {
    id: String,
    created_at: String,
    click: (),
    affiliate_meta_data: (),
    program: Program<'a>,
    affiliate: Affiliate<'a>,
    warnings: (),
    amount: Value,
    meta_data: &'a MetaData,
    customer: Option<Customer<'a>>,
    external_id: Option<&'a str>,
    commissions: Vec<Commission<'a>>,
}

#[derive(Serialize)]
struct Program<'a> {
    id: &'a str,
    title: &'a str,
    currency: &'static str,
}

#[derive(Serialize)]
struct Affiliate<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
}

#[derive(Serialize)]
struct Customer<'a> {
    id: String,
    #[serde(rename = "customer_id")]
    external_id: Option<&'a str>,
    status: &'a str,
}

#[derive(Serialize)]
struct Commission<'a> {
    kind: &'a str,
    affiliate: Affiliate<'a>,
    currency: &'static str,
    id: String,
    created_at: String,
    payout: (),
    #[serde(rename = "commission_type")]
    of_type: &'a str,
    approved: Option<bool>,
    amount: Value,
    comment: Option<&'a str>,
    conversion_sub_amount: Value,
    r#final: (),
}

impl<'a> From<&'a ConversionView> for Conversion<'a> {
    fn from(view: &'a ConversionView) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Conversion, view.id.0).to_string(),
            created_at: date(view.created_at),
            click: (),
            affiliate_meta_data: (),
            program: Program::from(&view.program),
            affiliate: Affiliate::from(&view.affiliate),
            warnings: (),
            amount: json_number(view.amount, DECIMALS),
            meta_data: &view.meta_data,
            customer: view.customer.as_ref().map(Customer::from),
            external_id: view.external_id.as_deref(),
            commissions: view.commissions.iter().map(Commission::from).collect(),
        }
    }
}

impl<'a> From<&'a ProgramView> for Program<'a> {
    fn from(view: &'a ProgramView) -> Self {
        Self {
            id: &view.slug,
            title: &view.title,
            currency: view.currency.code(),
        }
    }
}

impl<'a> From<&'a AffiliateView> for Affiliate<'a> {
    fn from(view: &'a AffiliateView) -> Self {
        Self {
            id: &view.slug,
            firstname: &view.firstname,
            lastname: &view.lastname,
        }
    }
}

impl<'a> From<&'a CustomerView> for Customer<'a> {
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
            created_at: date(view.created_at),
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

fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
