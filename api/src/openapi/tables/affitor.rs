//! The Affitor Tracking API.

use crate::openapi::operation::{Key, Table, post};

const CLICK: &str = r#"{
    "affiliate_url": "https://tapper.inc/pricing?aff=abc123", "page_url": "https://tapper.inc/pricing",
    "referrer_url": "https://blog.example.com/review", "additional_data": {}
}"#;
const CLICKED: &str = r#"{"success": true, "click_id": "cust_42_1714000000000", "partner_code": "abc123", "cookie_window_days": 60}"#;
const LEAD: &str =
    r#"{"click_id": "cust_42_1714000000000", "customer_key": "user_1", "email": "jane@example.com"}"#;
const LED: &str = r#"{"success": true, "message": "Lead tracked successfully"}"#;
const SALE: &str =
    r#"{"transaction_id": "txn_1", "amount_cents": 9900, "customer_key": "user_1", "currency": "USD"}"#;
const SOLD: &str =
    r#"{"success": true, "sale_id": 42, "commission_id": 17, "message": "Sale tracked successfully"}"#;
const REFUND: &str = r#"{"transaction_id": "txn_1", "refund_amount_cents": 2500, "refund_id": "re_1"}"#;
const REFUNDED: &str =
    r#"{"success": true, "status": "refunded", "deductionAmount": 2.50, "sale_id": 42, "commission_id": 17}"#;

pub(super) const TABLE: Table = Table {
    tag: "affitor",
    about: "Affitor's tracking calls. Clicks and a browser's leads need no key; sales and refunds do. /api/tracking/… are the same calls.",
    key: Key::MaybeBearer,
    failures: &[409],
    operations: &[&[
        post("/api/v1/track/click", "Record a click on an affiliate's link")
            .body(CLICK, &["affiliate_url"])
            .one(CLICKED),
        post("/api/v1/track/lead", "Record a sign-up")
            .body(LEAD, &[])
            .one(LED),
        post("/api/v1/track/sale", "Record a sale")
            .body(SALE, &["transaction_id", "amount_cents"])
            .one(SOLD),
        post("/api/v1/track/refund", "Take a sale's commission back")
            .body(REFUND, &["transaction_id"])
            .one(REFUNDED),
        post("/api/tracking/click", "The older path of a click")
            .body(CLICK, &["affiliate_url"])
            .one(CLICKED),
        post("/api/tracking/lead", "The older path of a sign-up")
            .body(LEAD, &[])
            .one(LED),
        post("/api/tracking/sale", "The older path of a sale")
            .body(SALE, &["transaction_id", "amount_cents"])
            .one(SOLD),
        post("/api/tracking/refund", "The older path of a refund")
            .body(REFUND, &["transaction_id"])
            .one(REFUNDED),
    ]],
};
