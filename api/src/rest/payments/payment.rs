//! A payment on the wire.

use common::{
    domain::{PaymentView, PublicId, PublicIdKind},
    tapfiliate_json::{Affiliate, colon_time, number},
};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

/// For descriptions.
pub(super) const PAYMENT_EXAMPLE: &str = include_str!("../examples/payment.json");

/// Money that left for an affiliate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::Payment)]
pub(super) struct Payment<'a> {
    id: String,
    created_at: String,
    affiliate: Affiliate<'a>,
    #[schema(value_type = f64, format = "decimal")]
    amount: Number,
    /// ISO 4217
    currency: &'a str,
}

impl<'a> From<&'a PaymentView> for Payment<'a> {
    fn from(view: &'a PaymentView) -> Self {
        Self {
            id: PublicId::new(PublicIdKind::Payment, view.id.0).to_string(),
            created_at: colon_time(view.created_at),
            affiliate: Affiliate::from(&view.affiliate),
            amount: number(view.amount),
            currency: view.currency.code(),
        }
    }
}
