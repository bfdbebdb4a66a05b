//! The Affitor Tracking API.

use crate::openapi::operation::{Key, Table, get, post};

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
const CHAIN: &str = r#"{"data": {
    "type": "chain", "short_code": "test", "customer_key": "test_1714000000000",
    "verdict": {"click": "pass", "lead": "pass", "sale": "pass"}, "attributed": true
}}"#;
const SEEN: &str = r#"{"success": true, "data": {
    "hasTestEvents": true, "eventCount": 1, "eventsByType": {"click": 0, "lead": 0, "sale": 1}
}}"#;
const READY: &str = r#"{"success": true, "data": {
    "programId": 1, "program": "johns-affiliate-program", "ready": false,
    "gates": [{
        "gate": "landing_page", "passed": true,
        "meaning": "The host of its pages is its organisation's own: clicks there find it, even by codes that others have too"
    }]
}}"#;

const CLICK_OPTIONAL: &str = r#"{
    "existing_click_id": "cust_42_1714000000000", "page_title": "Pricing", "session_id": "s_1", "user_agent": "Mozilla/5.0",
    "screen_resolution": "1920x1080", "viewport_size": "1280x720", "language": "en-US", "timezone": "Europe/Berlin"
}"#;
const LEAD_OPTIONAL: &str = r#"{
    "click_ids": ["cust_42_1714000000000"], "session_id": "s_1", "page_url": "https://tapper.inc/signup", "additional_data": {}
}"#;
const OLD_LEAD_OPTIONAL: &str = r#"{
    "click_ids": ["cust_42_1714000000000"], "session_id": "s_1", "page_url": "https://tapper.inc/signup", "additional_data": {},
    "customer_code": "cust_42_1714000000000", "user_id": "user_1"
}"#;
const SALE_OPTIONAL: &str = r#"{
    "click_id": "cust_42_1714000000000", "sale_type": "one_time", "subscription_id": "sub_1", "subscription_interval": "month",
    "product_id": "pro", "is_recurring": false, "line_items": [], "additional_data": {}
}"#;
const OLD_SALE_OPTIONAL: &str = r#"{
    "click_id": "cust_42_1714000000000", "sale_type": "one_time", "subscription_id": "sub_1", "subscription_interval": "month",
    "product_id": "pro", "is_recurring": false, "line_items": [], "additional_data": {},
    "customer_code": "cust_42_1714000000000", "user_id": "user_1"
}"#;
const REFUND_OPTIONAL: &str = r#"{"additional_data": {}}"#;

pub(super) const TABLE: Table = Table {
    tag: "affitor",
    about: "Affitor's tracking calls. Clicks and a browser's leads need no key; sales, refunds and test chains do. /api/tracking/… are the same calls. With {\"test_mode\": true, \"program_id\": …} as additional_data a call is only tried out. Parameters of a link that begin with tm_ become the meta_data of its click.",
    key: Key::MaybeBearer,
    failures: &[409],
    operations: &[&[
        post("/api/v1/track/click", "Record a click on an affiliate's link")
            .body(CLICK, &["affiliate_url"])
            .optional(CLICK_OPTIONAL)
            .one(CLICKED),
        post("/api/v1/track/lead", "Record a sign-up")
            .body(LEAD, &[])
            .optional(LEAD_OPTIONAL)
            .one(LED),
        post("/api/v1/track/sale", "Record a sale")
            .body(SALE, &["transaction_id", "amount_cents"])
            .optional(SALE_OPTIONAL)
            .one(SOLD),
        post("/api/v1/track/refund", "Take a sale's commission back")
            .body(REFUND, &["transaction_id"])
            .optional(REFUND_OPTIONAL)
            .one(REFUNDED),
        post("/api/tracking/click", "The older path of a click")
            .body(CLICK, &["affiliate_url"])
            .optional(CLICK_OPTIONAL)
            .one(CLICKED),
        post("/api/tracking/lead", "The older path of a sign-up")
            .body(LEAD, &[])
            .optional(OLD_LEAD_OPTIONAL)
            .one(LED),
        post("/api/tracking/sale", "The older path of a sale")
            .body(SALE, &["transaction_id", "amount_cents"])
            .optional(OLD_SALE_OPTIONAL)
            .one(SOLD),
        post("/api/tracking/refund", "The older path of a refund")
            .body(REFUND, &["transaction_id"])
            .optional(REFUND_OPTIONAL)
            .one(REFUNDED),
        post(
            "/api/v1/cli/test-event",
            "Send a test click, lead and sale the whole way",
        )
        .body(r#"{"type": "chain"}"#, &["type"])
        .one(CHAIN),
        post("/api/tracking/check-test-events", "Have test events come?")
            .body(
                r#"{"program_id": "johns-affiliate-program", "step_id": "payments"}"#,
                &["program_id"],
            )
            .one(SEEN),
        get("/api/v1/programs/me/readiness", "Is the key's program ready?").one(READY),
    ]],
};
