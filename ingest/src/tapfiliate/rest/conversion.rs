//! `POST /1.6/conversions/`

use common::domain::{Body, CommissionLine, CreateConversion, MAX_AMOUNT, MetaData};
use rust_decimal::Decimal;

use super::{MAX_COMMISSIONS, attribution, commission_type};
use crate::tapfiliate::params::{self, currency, customer, leads_somewhere};
use common::http::request::{Fields, Invalid, MAX_ID, MAX_NOTES};

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn create(fields: &Fields) -> Result<Body, Invalid> {
    let attribution = attribution(fields)?;
    let customer = customer(fields)?;
    if customer.is_none() && !leads_somewhere(&attribution) {
        return Err(Invalid::new(
            "one of customer_id, coupon, referral_code, click_id, tracking_id, or asset_id together with source_id is required",
        ));
    }
    let lines = lines(fields)?;
    // seed: commissions override the amount.
    let amount = match total(fields, &lines)? {
        Some(total) => total,
        None => fields.amount("amount")?.unwrap_or_default(),
    };
    let create = CreateConversion {
        external_id: fields.text("external_id", MAX_ID)?,
        attribution,
        amount,
        currency: currency(fields)?,
        commission_type: commission_type(fields)?,
        lines,
        customer,
        override_max_cookie_time: fields.flag("override_max_cookie_time")?.unwrap_or(false),
        meta_data: fields.meta_data("meta_data")?.unwrap_or_default(),
        details: details(fields)?,
        ..CreateConversion::default()
    };
    Ok(Body::CreateConversion(Box::new(create)))
}

fn lines(fields: &Fields) -> Result<Vec<CommissionLine>, Invalid> {
    let entries = fields.list("commissions", MAX_COMMISSIONS)?;
    entries.iter().map(line).collect()
}

fn line(entry: &Fields) -> Result<CommissionLine, Invalid> {
    let sub_amount = match entry.amount("sub_amount")? {
        Some(amount) => amount,
        None => entry
            .amount("conversion_sub_amount")?
            .ok_or_else(|| entry.required("sub_amount"))?,
    };
    Ok(CommissionLine {
        sub_amount,
        commission_type: commission_type(entry)?,
        comment: entry.prose("comment", MAX_NOTES)?,
    })
}

/// The sum of the parts, if there are any.
fn total(fields: &Fields, lines: &[CommissionLine]) -> Result<Option<Decimal>, Invalid> {
    let sum: Decimal = lines.iter().map(|line| line.sub_amount).sum();
    if sum > MAX_AMOUNT {
        return Err(fields.wrong("commissions", &format!("must not be above {MAX_AMOUNT} together")));
    }
    Ok((!lines.is_empty()).then_some(sum))
}

fn details(fields: &Fields) -> Result<MetaData, Invalid> {
    let mut details = params::details(fields)?;
    if let Some(group) = fields.text("program_group", MAX_ID)? {
        details.insert("program_group".to_owned(), group.into());
    }
    Ok(details)
}
