//! What the calls answer when they are successful, and for a payment that was recorded before.

use common::{
    domain::{ClickView, EventId},
    http::request::json_number,
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affy::ClickTracked)]
pub(super) struct ClickTracked {
    success: bool,
    /// Ours.
    click_id: i64,
    #[schema(required)]
    session_id: Option<String>,
    message: &'static str,
}

impl ClickTracked {
    pub(super) fn new(view: &ClickView, sent_session: Option<&str>) -> Self {
        Self {
            success: true,
            click_id: view.id.0,
            session_id: sent_session.or(view.session.as_deref()).map(str::to_owned),
            message: "Click tracked successfully",
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affy::LeadLinked)]
pub(super) struct LeadLinked {
    success: bool,
    /// Null: the customer came by no affiliate, and nothing was recorded.
    #[schema(required)]
    lead_id: Option<i64>,
    message: &'static str,
}

const UNREFERRED: &str = "No affiliate referral found";

impl LeadLinked {
    /// Of a sign-up. `None`: the customer came by nobody.
    pub(super) fn registration(lead: Option<i64>) -> Self {
        Self::new(lead, "Registration linked to affiliate referral")
    }

    pub(super) fn new(lead_id: Option<i64>, linked: &'static str) -> Self {
        Self {
            success: true,
            lead_id,
            message: if lead_id.is_some() { linked } else { UNREFERRED },
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affy::RegistrationLinked)]
pub(super) struct RegistrationLinked {
    #[serde(flatten)]
    pub(super) lead: LeadLinked,
    /// As it was sent.
    #[schema(required)]
    pub(super) click_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affy::PaymentLinked)]
pub(super) struct PaymentLinked {
    #[serde(flatten)]
    lead: LeadLinked,
    #[schema(value_type = f64, format = "decimal")]
    lead_value: Value,
    conversion_source: &'static str,
}

/// The payment has been recorded before: for a caller whose first answer was lost.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = affy::DuplicatePayment)]
pub(super) struct DuplicatePayment {
    /// The HTTP status in words.
    pub(super) error: &'static str,
    pub(super) message: &'static str,
    #[serde(rename = "event_id", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) event_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) lead_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, format = "decimal", required = false)]
    pub(super) lead_value: Option<Value>,
}

impl PaymentLinked {
    /// `None`: the customer came by nobody.
    pub(super) fn new(lead: Option<i64>, value: Decimal) -> Self {
        Self {
            lead: LeadLinked::new(lead, "Payment linked to affiliate referral"),
            lead_value: json_number(value, 0),
            conversion_source: "TRACKING_API",
        }
    }
}
