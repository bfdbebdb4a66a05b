//! `POST /1.6/payments/`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header::WARNING},
    response::{IntoResponse, Response},
};
use common::{
    domain::{Applied, Body, MAX_PAYMENTS, Pay, PaymentOrder},
    http::{
        openapi::{Amount, example},
        request::{Fields, IdempotencyKey, Invalid, MAX_ID},
    },
    reads::rest::payments,
};
use utoipa::ToSchema;

use super::payment::{PAYMENT_EXAMPLE, Payment};
use crate::{
    Api, Problem,
    write::{Call, Done, execute},
};

/// Which money has left is for people to know: it is recorded, and they are told.
const LIKE_ANOTHER: HeaderValue = HeaderValue::from_static(
    "199 - \"an equal payment was made within the last day; with an Idempotency-Key a repeated request has one effect\"",
);

#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = rest::NewPayments)]
#[expect(dead_code, reason = "describes what `order` reads")]
enum PaymentsBody {
    One(NewPayment),
    Several(Vec<NewPayment>),
}

#[derive(ToSchema)]
#[schema(as = rest::NewPayment)]
#[expect(dead_code, reason = "describes what `order` reads")]
struct NewPayment {
    affiliate_id: String,
    /// Above zero, in as many decimals as the currency has. It may exceed what is owed.
    amount: Amount,
    /// ISO 4217
    currency: String,
}

/// Create payments
// One or a list, of which all are recorded or none. They cover the oldest approved commissions that fit whole.
#[utoipa::path(
    post,
    path = "/1.6/payments",
    tag = "rest",
    security(("XApiKey" = [])),
    params(IdempotencyKey),
    request_body(content = PaymentsBody, example = json!(example(include_str!("../examples/new_payment.json")))),
    responses((
        status = 200,
        body = Vec<Payment<'_>>,
        headers(("Warning" = String, description = "Where an equal payment was made within the last day.")),
        example = json!([example(PAYMENT_EXAMPLE)])
    ))
)]
pub(super) async fn create(State(api): State<Arc<Api>>, call: Call) -> Result<Response, Problem> {
    let fields = call.received.body_list(MAX_PAYMENTS)?;
    let payments: Vec<PaymentOrder> = fields.iter().map(order).collect::<Result<_, _>>()?;
    let subject = subject(&payments);
    let Done { applied, is_repeat } = execute(&api, &call, &subject, Body::Pay(Pay { payments })).await?;
    let Applied::Payments(made) = applied else {
        return Err(Problem::not_found());
    };
    let shown: Vec<_> = made.iter().map(Payment::from).collect();
    let mut response = Json(shown).into_response();
    // Whoever names a key for each payment has said that they are two.
    if !is_repeat && call.received.idempotency.is_none() {
        let mut conn = api.connection().await?;
        if payments::is_like_another(&mut conn, call.key.org, &made).await? {
            response.headers_mut().insert(WARNING, LIKE_ANOTHER);
        }
    }
    Ok(response)
}

/// # Errors
/// Names the field that is missing or wrong.
fn order(fields: &Fields) -> Result<PaymentOrder, Invalid> {
    let affiliate = fields.required_text("affiliate_id", MAX_ID)?;
    let currency = fields.currency("currency")?;
    let currency = currency.ok_or_else(|| fields.required("currency"))?;
    Ok(PaymentOrder {
        affiliate,
        amount: fields.required_money("amount", currency)?.normalize(),
        currency,
    })
}

/// What the audit trail calls it: the numbers of payments are not known before they are made.
fn subject(payments: &[PaymentOrder]) -> String {
    match payments {
        [payment] => format!("affiliate/{}", payment.affiliate),
        _ => "payments".to_owned(),
    }
}
