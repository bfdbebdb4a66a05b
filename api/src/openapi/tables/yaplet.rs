//! Yaplet's one call.

use crate::openapi::operation::{Key, Table, post};

pub(super) const TABLE: Table = Table {
    tag: "yaplet",
    about: "Orders by coupon code, in Yaplet's shapes. An unknown or unapproved code is answered 200 with success false.",
    key: Key::Header("Y-API-Key"),
    failures: &[409],
    operations: &[&[post(
        "/api/affiliates/track/{code=PARTNER_CODE}",
        "Record an order that was placed with a coupon code",
    )
    .body(
        include_str!("../examples/yaplet_body.json"),
        &["order_id", "total_amount", "customer"],
    )
    .one(include_str!("../examples/yaplet_success.json"))]],
};
