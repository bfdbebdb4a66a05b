//! Conversions, commissions, customers, clicks and balances of REST 1.6.

use super::PAGE;
use crate::openapi::operation::{Operation, get, post};

const CONVERSION: &str = include_str!("../../examples/conversion.json");
const COMMISSION: &str = include_str!("../../examples/commission.json");
const CUSTOMER: &str = include_str!("../../examples/customer.json");
const CLICK: &str = include_str!("../../examples/click.json");
const MORE_COMMISSION: &str =
    r#"{"conversion_sub_amount": 50, "commission_type": "mycommissiontype", "comment": "Awesome!"}"#;

/// How a conversion or a customer may name its affiliate, besides a coupon.
macro_rules! attribution {
    ($more:literal) => {
        concat!(
            r#"{"referral_code": "nwjinmy", "click_id": "ab885a1c-8ad9-11ea-bc55-0242ac130003", "tracking_id": "tr_1", "#,
            r#""visitor_id": "tr_1", "click": {"id": "ab885a1c-8ad9-11ea-bc55-0242ac130003"}, "asset_id": "1-aaaaaa", "#,
            r#""source_id": "1-ssssss""#,
            $more,
            "}"
        )
    };
}
const CONVERSION_OPTIONAL: &str = attribution!(
    r#", "customer_id": "USER123", "commission_type": "standard", "commissions": [
        {"sub_amount": 50, "conversion_sub_amount": 50, "commission_type": "mycommissiontype", "comment": "Awesome!"}]"#
);
const CUSTOMER_OPTIONAL: &str = attribution!("");

pub(super) const SALES: &[Operation] = &[
    get("/1.6/conversions/", "List conversions")
        .query(&[
            PAGE,
            ("program_id", "johns-affiliate-program"),
            ("external_id", "ORD123"),
            ("affiliate_id", "janejameson"),
            ("pending", "false"),
            ("date_from", "2022-01-01"),
            ("date_to", "2025-12-31"),
            ("use_profile_timezone", "false"),
        ])
        .list(CONVERSION),
    post("/1.6/conversions/", "Create a conversion")
        .query(&[("override_max_cookie_time", "false")])
        .body(include_str!("../../examples/conversion_body.json"), &[])
        .optional(CONVERSION_OPTIONAL)
        .one(CONVERSION),
    get("/1.6/conversions/{id=1}/", "A conversion").one(CONVERSION),
    post(
        "/1.6/conversions/{id=1}/commissions/",
        "Add commissions to a conversion",
    )
    .body(MORE_COMMISSION, &["conversion_sub_amount"])
    .list(COMMISSION),
    get("/1.6/commissions/", "List commissions")
        .query(&[
            PAGE,
            ("affiliate_id", "janejameson"),
            ("status", "approved"),
            ("paid", "0"),
        ])
        .list(COMMISSION),
    get("/1.6/commissions/{id=1}/", "A commission").one(COMMISSION),
    get("/1.6/clicks/", "List clicks")
        .query(&[
            PAGE,
            ("program_id", "johns-affiliate-program"),
            ("affiliate_id", "janejameson"),
            ("date_from", "2022-01-01"),
            ("date_to", "2025-12-31"),
        ])
        .list(CLICK),
    post("/1.6/clicks/", "Create a click")
        .body(include_str!("../../examples/click_body.json"), &["referral_code"])
        .one(r#"{"id": "ab885a1c-8ad9-11ea-bc55-0242ac130003"}"#),
    get(
        "/1.6/clicks/{id=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee}/",
        "A click",
    )
    .one(CLICK),
    get("/1.6/customers/", "List customers")
        .query(&[
            PAGE,
            ("program_id", "johns-affiliate-program"),
            ("customer_id", "USER123"),
            ("affiliate_id", "janejameson"),
            ("date_from", "2022-01-01"),
            ("date_to", "2025-12-31"),
        ])
        .list(CUSTOMER),
    post("/1.6/customers/", "Create a customer")
        .query(&[("override_max_cookie_time", "false")])
        .body(
            include_str!("../../examples/customer_body.json"),
            &["customer_id"],
        )
        .optional(CUSTOMER_OPTIONAL)
        .words(&[("status", &["new", "trial", "lead"])])
        .one(CUSTOMER),
    get("/1.6/customers/{id=cu_eXampl3}/", "A customer").one(CUSTOMER),
    get(
        "/1.6/affiliates/{id=janejameson}/balances/",
        "An affiliate's balances by currency",
    )
    .one(r#"{"USD": 5, "EUR": 35}"#),
];
