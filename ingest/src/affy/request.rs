//! From the fields of a call to a click, a lead or a sale.

use common::domain::{
    AttributionFields, Body, CreateConversion, Currency, CustomerRef, Identity, Lead, MetaData, RecordClick,
};
use rust_decimal::Decimal;

use super::transaction::Transaction;
use crate::tapfiliate::params;
use common::http::request::{Fields, Invalid, MAX_ID, MAX_NAME, MAX_USER_AGENT};

/// Characters of the address of a page.
pub(super) const MAX_PAGE: usize = 2_000;

/// What a call asks for, and what its answer repeats.
pub(super) struct Asked {
    pub(super) body: Body,
    pub(super) said: Said,
}

/// What was said, as far as the answer needs it.
pub(super) enum Said {
    Click {
        session: Option<String>,
    },
    /// The click is answered as the text that came.
    Registration {
        click: Option<String>,
    },
    Lead,
    Payment {
        value: Decimal,
        transaction: Option<Transaction>,
    },
}

impl Said {
    /// Whether the organisation must be named: a registration is found by its click (seed: AFFY).
    pub(super) fn needs_client(&self) -> bool {
        !matches!(self, Self::Registration { .. })
    }
}

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn click(fields: &Fields) -> Result<Asked, Invalid> {
    let click = RecordClick {
        referral_code: fields.required_text("affiliateReference", MAX_ID)?,
        name: fields.text("clickId", MAX_ID)?,
        session: fields.text("sessionId", MAX_ID)?,
        landing_page: fields.prose("clickedUrl", MAX_PAGE)?,
        referrer: fields.prose("referrerUrl", MAX_PAGE)?,
        details: details(
            fields,
            &[
                ("userAgent", "user_agent", MAX_USER_AGENT),
                ("source", "source", MAX_ID),
            ],
        )?,
        ..RecordClick::default()
    };
    if click.name.is_none() && click.session.is_none() {
        return Err(Invalid::new("sessionId or clickId is required"));
    }
    let said = Said::Click {
        session: click.session.clone(),
    };
    let body = Body::Click(Box::new(click));
    Ok(Asked { body, said })
}

/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn registration(fields: &Fields) -> Result<Asked, Invalid> {
    let click = fields.text("clickId", MAX_ID)?;
    let lead = Lead {
        click_ids: click.iter().cloned().collect(),
        session: fields.text("sessionId", MAX_ID)?,
        customer_id: fields.text("customerId", MAX_ID)?,
        email: fields.email("email")?,
        name: fields.prose("customerName", MAX_NAME)?,
        details: MetaData::new(),
    };
    if click.is_none() && lead.session.is_none() {
        return Err(fields.required("clickId"));
    }
    Ok(Asked {
        body: Body::Lead(Box::new(lead)),
        said: Said::Registration { click },
    })
}

/// `/lead`: the type decides.
///
/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn lead(fields: &Fields) -> Result<Asked, Invalid> {
    match lead_type(fields)? {
        Some(LeadType::Registration) => lead_of_registration(fields),
        Some(LeadType::Payment) => lead_of_payment(fields),
        None => Err(fields.required("leadType")),
    }
}

/// `/lead/registration`
///
/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn lead_registration(fields: &Fields) -> Result<Asked, Invalid> {
    match lead_type(fields)? {
        Some(LeadType::Payment) => Err(fields.wrong("leadType", "must be REGISTRATION at this path")),
        Some(LeadType::Registration) | None => lead_of_registration(fields),
    }
}

/// `/lead/payment`
///
/// # Errors
/// Names the field that is missing or wrong.
pub(super) fn lead_payment(fields: &Fields) -> Result<Asked, Invalid> {
    match lead_type(fields)? {
        Some(LeadType::Registration) => Err(fields.wrong("leadType", "must be PAYMENT at this path")),
        Some(LeadType::Payment) | None => lead_of_payment(fields),
    }
}

enum LeadType {
    Registration,
    Payment,
}

fn lead_type(fields: &Fields) -> Result<Option<LeadType>, Invalid> {
    match fields.word("leadType")?.as_deref() {
        None => Ok(None),
        Some("registration") => Ok(Some(LeadType::Registration)),
        Some("payment") => Ok(Some(LeadType::Payment)),
        Some(_) => Err(fields.wrong("leadType", "must be REGISTRATION or PAYMENT")),
    }
}

fn lead_of_registration(fields: &Fields) -> Result<Asked, Invalid> {
    let Visit { click, session } = visit(fields)?;
    let lead = Lead {
        click_ids: click.into_iter().collect(),
        session,
        customer_id: fields.text("customerId", MAX_ID)?,
        email: fields.email("customerEmail")?,
        name: fields.prose("customerName", MAX_NAME)?,
        details: MetaData::new(),
    };
    Ok(Asked {
        body: Body::Lead(Box::new(lead)),
        said: Said::Lead,
    })
}

fn lead_of_payment(fields: &Fields) -> Result<Asked, Invalid> {
    let Visit { click, session } = visit(fields)?;
    let value = fields.required_amount("leadValue")?;
    let currency = params::currency(fields)?;
    let transaction_id = fields.text("transactionId", MAX_ID)?;
    let customer = fields.text("customerId", MAX_ID)?;
    let email = fields.email("customerEmail")?;
    let name = fields.prose("customerName", MAX_NAME)?;
    let transaction = transaction_id.clone().map(|id| {
        let code = currency.map(Currency::code);
        let (click, session) = (click.as_deref(), session.as_deref());
        let parts = [code, click, session, customer.as_deref(), email.as_deref()];
        Transaction::new(id, value, &parts)
    });
    let mut details = MetaData::new();
    for (key, text) in [("customer_email", &email), ("customer_name", &name)] {
        if let Some(text) = text {
            details.insert(key.to_owned(), text.clone().into());
        }
    }
    let create = CreateConversion {
        external_id: transaction_id,
        attribution: AttributionFields {
            click_id: click,
            session,
            ..AttributionFields::default()
        },
        amount: value,
        currency,
        // Without an id the customer is whoever the click brought: an address identifies nobody here.
        customer: customer.map(|id| CustomerRef {
            identity: Identity::Id(id.clone()),
            external_id: Some(id),
            email,
            name,
            meta_data: MetaData::new(),
        }),
        details,
        ..CreateConversion::default()
    };
    Ok(Asked {
        body: Body::CreateConversion(Box::new(create)),
        said: Said::Payment { value, transaction },
    })
}

/// By what the click is known that brought the customer.
struct Visit {
    click: Option<String>,
    session: Option<String>,
}

fn visit(fields: &Fields) -> Result<Visit, Invalid> {
    let visit = Visit {
        click: fields.text("clickId", MAX_ID)?,
        session: fields.text("sessionId", MAX_ID)?,
    };
    if visit.click.is_none() && visit.session.is_none() {
        return Err(Invalid::new("sessionId or clickId is required"));
    }
    Ok(visit)
}

/// Of each triple: the field, the name under which it is kept, its limit.
fn details(fields: &Fields, wanted: &[(&str, &str, usize)]) -> Result<MetaData, Invalid> {
    let mut details = MetaData::new();
    for &(field, kept, limit) in wanted {
        if let Some(text) = fields.prose(field, limit)? {
            details.insert(kept.to_owned(), text.into());
        }
    }
    Ok(details)
}
