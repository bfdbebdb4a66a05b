//! A customer has paid, found by the session or the click.

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::domain::{AttributionFields, Body, CreateConversion, Currency, CustomerRef, Identity, MetaData};
use utoipa::ToSchema;

use super::{
    answer::AnswerContext,
    call::{Parsed, track},
    success::{DuplicatePayment, PaymentLinked},
    transaction::Transaction,
    visit::{LeadType, Visit, Visitor, lead_type, visit},
};
use crate::{Ingest, receipt::Pending, tapfiliate::params};
use common::http::{
    openapi::Amount,
    request::{Fields, Invalid, MAX_NAME, Preferences},
};

/// A payment by session
#[utoipa::path(
    post,
    path = "/api/v1/tracking/lead/payment",
    tag = "affy",
    security((), ("Bearer" = [])),
    params(Preferences),
    request_body(content = PaymentBody, example = json!({
        "clientId": 12345, "leadType": "PAYMENT", "customerEmail": "customer@example.com", "leadValue": 99.00,
        "sessionId": "session_unique_id", "transactionId": "pay_1"
    })),
    responses(
        (status = 200, body = PaymentLinked, example = json!({
            "success": true, "leadId": 456, "leadValue": 99.00, "conversionSource": "TRACKING_API",
            "message": "Payment linked to affiliate referral"
        })),
        Pending,
        (status = 409, body = DuplicatePayment),
    )
)]
pub(super) async fn lead_payment(State(ingest): State<Ingest>, request: Request) -> Response {
    track(&ingest, request, parse).await
}

#[derive(ToSchema)]
#[schema(as = affy::Payment, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `parse` reads")]
struct PaymentBody {
    #[serde(flatten)]
    visitor: Visitor,
    lead_type: Option<PaymentType>,
    lead_value: Amount,
    currency: Option<Currency>,
    /// Makes it safe to repeat; payments without one are distinct.
    transaction_id: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = affy::PaymentType, rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "the one word of a path")]
enum PaymentType {
    Payment,
}

/// # Errors
/// Names the field that is missing or wrong.
fn parse(fields: &Fields) -> Result<Parsed, Invalid> {
    match lead_type(fields)? {
        Some(LeadType::Registration) => Err(fields.wrong("leadType", "must be PAYMENT at this path")),
        Some(LeadType::Payment) | None => read(fields),
    }
}

pub(super) fn read(fields: &Fields) -> Result<Parsed, Invalid> {
    let Visit { click, session } = visit(fields)?;
    let currency = params::currency(fields)?;
    let value = fields.required_amount_in("leadValue", currency)?;
    let transaction_id = fields.order_id("transactionId")?;
    let customer = fields.customer_id("customerId")?;
    let email = fields.contact("customerEmail");
    let name = fields.remark("customerName", MAX_NAME);
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
    Ok(Parsed {
        body: Body::CreateConversion(Box::new(create)),
        context: AnswerContext::Payment { value, transaction },
    })
}
