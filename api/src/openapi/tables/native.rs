//! Commissary's own calls.

use crate::openapi::operation::{Key, Table, Words, get, post};

const LINES: &str = "{\"external_id\": \"ORD007\", \"coupon\": \"JANE10OFF\", \"amount\": 100}
{\"type\": \"refund\", \"external_id\": \"ORD007\", \"amount\": 40, \"refund_id\": \"r1\"}
";
const RESULTS: &str = r#"{
    "applied": 2, "refused": 0, "accepted": 0, "invalid": 0, "unavailable": 0,
    "results": [{
        "line": 1, "event_id": "019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d", "status": "applied",
        "conversion": {
            "id": "cv_Ma5ZkgUwHqoW", "external_id": "ORD007", "amount": 100, "currency": "USD",
            "affiliate": "janejameson", "commission_amount": 10
        }
    }]
}"#;
const RECEIPT: &str = r#"{
    "event_id": "019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d", "status": "refused", "outcome": {"reason": "unknown_partner"},
    "received_at": "2026-11-21T15:00:00.000Z", "applied_at": null
}"#;

const EXPLANATION: &str = include_str!("../examples/explain.json");
/// With every field: which of them a line takes is a matter of its type.
const LINE: &str = r#"{
    "type": "conversion", "currency": "USD", "customer_id": "USER123", "meta_data": {"foo": "bar"}, "timestamp": 1640995200000,
    "referral_code": "nwjinmy", "click_id": "ab885a1c-8ad9-11ea-bc55-0242ac130003", "asset_id": "1-aaaaaa",
    "source_id": "1-ssssss", "status": "approved", "user_agent": "Mozilla/5.0", "ip": "8.8.8.8"
}"#;
const WORDS: Words = &[
    (
        "type",
        &[
            "conversion",
            "update",
            "refund",
            "chargeback",
            "chargeback_reversal",
            "customer",
            "customer_update",
        ],
    ),
    // Of an update, of a customer, and of a customer's update.
    (
        "status",
        &[
            "approved",
            "disapproved",
            "new",
            "trial",
            "lead",
            "canceled",
            "active",
        ],
    ),
];

pub(super) const TABLE: Table = Table {
    tag: "native",
    about: "Commissary's own calls: many events in one request, what became of an event, and why an order paid or did not.",
    key: Key::Either,
    failures: &[],
    operations: &[&[
        post(
            "/v1/events",
            "Record up to 1,000 events, one JSON object a line: type conversion (default), update, refund, chargeback, \
             chargeback_reversal, customer or customer_update, with a postback's fields. A line has at most 64 KiB and costs as \
             much of the rate limit as a call. An Idempotency-Key stands for each line at its place: when the answer was lost, \
             or lines were unavailable, send the whole request again under the same key",
        )
        .body_as("application/x-ndjson", LINES, &[])
        .optional(LINE)
        .words(WORDS)
        .one(RESULTS),
        get("/v1/events/{id=019339b1-5c5e-7cc3-8f6f-0d4c1a2b3c4d}", "What became of an event").one(RECEIPT),
        get("/v1/explain", "Why an order paid or did not").query(&[("external_id", "ORD007")]).one(EXPLANATION),
    ]],
};
