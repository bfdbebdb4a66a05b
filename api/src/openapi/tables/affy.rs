//! The AFFY Tracking API.

use crate::openapi::operation::{Key, Table, Words, get, post};

const CLICK: &str = r#"{
    "clientId": 12345, "affiliateReference": "aff_xyz123", "clickId": "click_unique_id", "sessionId": "session_unique_id",
    "clickedUrl": "https://yourwebsite.com/pricing", "referrerUrl": "https://blog.example.com/review",
    "userAgent": "Mozilla/5.0 ...", "source": "blog"
}"#;
const CLICKED: &str = r#"{"success": true, "clickId": 789, "sessionId": "session_unique_id", "message": "Click tracked successfully"}"#;
const REGISTRATION: &str = r#"{
    "clickId": "click_unique_id", "email": "customer@example.com", "customerId": "your_internal_user_id",
    "customerName": "Jane Smith"
}"#;
const REGISTERED: &str = r#"{
    "success": true, "leadId": 456, "clickId": "click_unique_id", "message": "Registration linked to affiliate referral"
}"#;
const LEAD: &str = r#"{
    "clientId": 12345, "leadType": "REGISTRATION", "customerEmail": "customer@example.com", "customerName": "Jane Smith",
    "sessionId": "session_unique_id"
}"#;
const LED: &str =
    r#"{"success": true, "leadId": 456, "message": "Registration linked to affiliate referral"}"#;
const PAYMENT: &str = r#"{
    "clientId": 12345, "leadType": "PAYMENT", "customerEmail": "customer@example.com", "leadValue": 99.00,
    "sessionId": "session_unique_id", "transactionId": "pay_1"
}"#;
const PAID: &str = r#"{
    "success": true, "leadId": 456, "leadValue": 99.00, "conversionSource": "TRACKING_API",
    "message": "Payment linked to affiliate referral"
}"#;
const STATUS: &str = r#"{
    "sessionId": "session_unique_id", "hasAffiliate": true, "affiliateReference": "aff_xyz123", "clickId": 789,
    "clickedAt": "2026-03-01T14:30:00Z"
}"#;

const LEAD_TYPES: Words = &[("leadType", &["REGISTRATION", "PAYMENT"])];
const LEAD_OPTIONAL: &str = r#"{
    "clickId": "click_unique_id", "customerId": "your_internal_user_id", "leadValue": 99.00, "currency": "USD",
    "transactionId": "pay_1"
}"#;
const REGISTRATION_OPTIONAL: &str = r#"{"clientId": 12345, "sessionId": "session_unique_id"}"#;
const LEAD_REGISTRATION_OPTIONAL: &str =
    r#"{"clickId": "click_unique_id", "customerId": "your_internal_user_id"}"#;
const PAYMENT_OPTIONAL: &str = r#"{
    "clickId": "click_unique_id", "customerId": "your_internal_user_id", "customerName": "Jane Smith", "currency": "USD"
}"#;

pub(super) const TABLE: Table = Table {
    tag: "affy",
    about: "AFFY's tracking calls, by clientId. A transactionId makes a payment safe to repeat; payments without one are distinct.",
    key: Key::MaybeBearer,
    failures: &[409],
    operations: &[&[
        post("/api/v1/tracking/click", "Record a click on an affiliate's link")
            .body(CLICK, &["clientId", "affiliateReference"])
            .one(CLICKED),
        post("/api/v1/tracking/registration", "Link a sign-up to its click")
            .body(REGISTRATION, &["clickId"])
            .optional(REGISTRATION_OPTIONAL)
            .one(REGISTERED),
        post("/api/v1/tracking/lead", "A sign-up or a payment, by leadType")
            .body(LEAD, &["clientId", "leadType"])
            .optional(LEAD_OPTIONAL)
            .words(LEAD_TYPES)
            .one(LED),
        post("/api/v1/tracking/lead/registration", "A sign-up by session")
            .body(LEAD, &["clientId"])
            .optional(LEAD_REGISTRATION_OPTIONAL)
            .words(&[("leadType", &["REGISTRATION"])])
            .one(LED),
        post("/api/v1/tracking/lead/payment", "A payment by session")
            .body(PAYMENT, &["clientId", "leadValue"])
            .optional(PAYMENT_OPTIONAL)
            .words(&[("leadType", &["PAYMENT"])])
            .one(PAID),
        get(
            "/api/v1/tracking/status/{session=session_unique_id}",
            "Whether a session came by an affiliate",
        )
        .one(STATUS),
    ]],
};
