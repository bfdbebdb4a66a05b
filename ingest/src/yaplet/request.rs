//! From the fields of a track call to a sale.

use chrono::{DateTime, Utc};
use common::domain::{AttributionFields, CreateConversion, CustomerRef, Identity, MetaData};

use common::http::request::{Fields, Invalid, MAX_ID, MAX_NAME, MAX_NOTES};

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn parse(code: &str, fields: &Fields, now: DateTime<Utc>) -> Result<CreateConversion, Invalid> {
    Ok(CreateConversion {
        external_id: Some(fields.required_text("order_id", MAX_ID)?),
        attribution: AttributionFields {
            coupon: Some(code.to_owned()),
            ..AttributionFields::default()
        },
        amount: fields.required_amount("total_amount")?,
        customer: Some(customer(fields)?),
        commission: fields.amount("commission")?,
        occurred_at: fields.timestamp("timestamp", now)?,
        meta_data: fields.object("metadata")?.unwrap_or_default(),
        details: details(fields)?,
        ..CreateConversion::default()
    })
}

/// The address is the identity; `customer_id` is kept for cross-reference.
fn customer(fields: &Fields) -> Result<CustomerRef, Invalid> {
    let required = || fields.required("customer.email");
    let customer = fields.nested("customer")?.ok_or_else(required)?;
    let email = customer.email("email")?.ok_or_else(required)?;
    Ok(CustomerRef {
        identity: Identity::email(&email),
        external_id: customer.text("customer_id", MAX_ID)?,
        name: customer.prose("name", MAX_NAME)?,
        meta_data: customer.object("customer_metadata")?.unwrap_or_default(),
        email: Some(email),
    })
}

/// What is stored with the commission for reports. A product chooses no rate: the caller's own `commission` does.
fn details(fields: &Fields) -> Result<MetaData, Invalid> {
    let mut details = MetaData::new();
    if let Some(notes) = fields.prose("notes", MAX_NOTES)? {
        details.insert("notes".to_owned(), notes.into());
    }
    if let Some(product) = fields.object("product")? {
        details.insert("product".to_owned(), product.into());
    }
    Ok(details)
}
