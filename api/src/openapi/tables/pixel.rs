//! The pixel.

use crate::openapi::operation::{Key, PICTURE, Table, get};

pub(super) const TABLE: Table = Table {
    tag: "pixel",
    about: "A picture that records a conversion. It stays pending unless `sig`, the hex HMAC-SHA256 of the percent-encoded query sorted by name, proves the merchant's hand.",
    key: Key::None,
    failures: &[],
    operations: &[&[get(
        "/p/{pixel_key=demo-pixel.gif}",
        "Record a conversion; always answered with a picture",
    )
    .query(&[
        ("external_id", "ORD006"),
        ("amount", "100"),
        ("coupon", "PARTNER_CODE"),
        ("click_id", ""),
        ("referral_code", ""),
        ("asset_id", ""),
        ("source_id", ""),
        ("currency", ""),
        ("customer_id", ""),
        ("sig", ""),
    ])
    .media(PICTURE)]],
};
