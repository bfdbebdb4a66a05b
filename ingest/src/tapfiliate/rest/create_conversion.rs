//! `POST /1.6/conversions/`

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::{
    domain::{Body, CommissionLine, CreateConversion, Currency, MAX_AMOUNT, MetaData},
    http::{
        openapi::{self, Amount, example},
        request::{Fields, Invalid, MAX_ID, MAX_NOTES, Preferences},
    },
    tapfiliate_json::{CONVERSION_EXAMPLE, Conversion},
};
use rust_decimal::Decimal;
use utoipa::ToSchema;

use super::{
    MAX_COMMISSIONS,
    attribution::{ClickNames, Override, attribution, commission_type},
    call::call,
};
use crate::{
    Ingest,
    receipt::Pending,
    tapfiliate::params::{self, Attribution, Details, currency, customer, leads_somewhere},
};

/// Create a conversion
#[utoipa::path(
    post,
    path = "/1.6/conversions",
    tag = "rest",
    security(("XApiKey" = [])),
    params(Override, Preferences),
    request_body(content = ConversionBody, example = json!(example(include_str!("examples/new_conversion.json")))),
    responses(
        (status = 200, body = Conversion<'_>, example = json!(example(CONVERSION_EXAMPLE))),
        Pending,
    )
)]
pub(super) async fn create_conversion(State(ingest): State<Ingest>, request: Request) -> Response {
    call(&ingest, request, parse).await
}

/// The affiliate is that of the customer, if nothing else names one.
#[derive(ToSchema)]
#[schema(as = rest::NewConversion)]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct ConversionBody {
    /// The order's id.
    external_id: Option<String>,
    /// Where commissions are sent, their sum counts instead.
    amount: Option<Amount>,
    /// By default the program's.
    currency: Option<Currency>,
    /// The merchant's own id of the customer.
    customer_id: Option<String>,
    commission_type: Option<String>,
    commissions: Option<Vec<SentCommission>>,
    meta_data: Option<openapi::MetaData>,
    /// Kept for reports.
    program_group: Option<String>,
    #[serde(flatten)]
    attribution: Attribution,
    #[serde(flatten)]
    click: ClickNames,
    #[serde(flatten)]
    details: Details,
}

/// A part of the amount that pays by a type of its own.
#[derive(ToSchema)]
#[schema(as = rest::SentCommission)]
#[expect(dead_code, reason = "describes what `line` reads")]
struct SentCommission {
    sub_amount: Option<Amount>,
    /// As `sub_amount`.
    conversion_sub_amount: Option<Amount>,
    commission_type: Option<String>,
    comment: Option<String>,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Body, Invalid> {
    fields.ignore_time(
        "the sale is of the moment in which it comes in; POST /v1/events and imports take times",
    );
    let attribution = attribution(fields)?;
    let customer = customer(fields)?;
    if customer.is_none() && !leads_somewhere(&attribution) {
        return Err(Invalid::new(
            "one of customer_id, coupon, referral_code, click_id, tracking_id, or asset_id together with source_id is required",
        ));
    }
    let currency = currency(fields)?;
    let lines = lines(fields, currency)?;
    // seed: commissions override the amount.
    let amount = match total(fields, &lines)? {
        Some(total) => total,
        None => fields.amount_in("amount", currency)?.unwrap_or_default(),
    };
    let create = CreateConversion {
        external_id: fields.order_id("external_id")?,
        attribution,
        amount,
        currency,
        commission_type: commission_type(fields)?,
        lines,
        customer,
        override_max_cookie_time: fields.remark_flag("override_max_cookie_time").unwrap_or(false),
        meta_data: fields.free_object("meta_data").unwrap_or_default(),
        details: details(fields),
        ..CreateConversion::default()
    };
    Ok(Body::CreateConversion(Box::new(create)))
}

fn lines(fields: &Fields, currency: Option<Currency>) -> Result<Vec<CommissionLine>, Invalid> {
    let entries = fields.list("commissions", MAX_COMMISSIONS)?;
    entries.iter().map(|entry| line(entry, currency)).collect()
}

fn line(entry: &Fields, currency: Option<Currency>) -> Result<CommissionLine, Invalid> {
    let sub_amount = match entry.amount_in("sub_amount", currency)? {
        Some(amount) => amount,
        None => entry
            .amount_in("conversion_sub_amount", currency)?
            .ok_or_else(|| entry.required("sub_amount"))?,
    };
    Ok(CommissionLine {
        sub_amount,
        commission_type: commission_type(entry)?,
        comment: entry.remark("comment", MAX_NOTES),
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

fn details(fields: &Fields) -> MetaData {
    let mut details = params::details(fields);
    if let Some(group) = fields.remark("program_group", MAX_ID) {
        details.insert("program_group".to_owned(), group.into());
    }
    details
}
