//! Postback 1.7: every call by GET and by POST.

use crate::openapi::operation::{Key, Parameter, Table, get, post};

const CONVERSION: &str = include_str!("../examples/postback_conversion.json");
const CUSTOMER: &str = include_str!("../examples/postback_customer.json");

const CREATE: &[Parameter] = &[
    ("external_id", "ORD005"),
    ("referral_code", "nwjinmy"),
    ("coupon", ""),
    ("click_id", ""),
    ("asset_id", ""),
    ("source_id", ""),
    ("amount", "100"),
    ("currency", ""),
    ("customer_id", ""),
    ("meta_data[testparam]", ""),
    ("user_agent", ""),
    ("ip", ""),
];
const UPDATE: &[Parameter] = &[
    ("external_id", "ORD005"),
    ("amount", "100"),
    ("status", "disapproved"),
    ("meta_data[testparam]", ""),
];
const CUSTOMER_CREATE: &[Parameter] = &[
    ("customer_id", "test"),
    ("referral_code", "nwjinmy"),
    ("coupon", ""),
    ("click_id", ""),
    ("asset_id", ""),
    ("source_id", ""),
    ("status", ""),
    ("meta_data[testparam]", ""),
    ("user_agent", ""),
    ("ip", ""),
];
const CUSTOMER_UPDATE: &[Parameter] = &[("customer_id", "test"), ("meta_data[testparam]", "testvalue")];

const CREATE_OPTIONAL: &str = r#"{
    "coupon": "JANE10OFF", "click_id": "ab885a1c-8ad9-11ea-bc55-0242ac130003", "asset_id": "1-aaaaaa", "source_id": "1-ssssss",
    "currency": "USD", "customer_id": "USER123", "meta_data": {"testparam": "testvalue"}, "user_agent": "Mozilla/5.0",
    "ip": "8.8.8.8"
}"#;
const CUSTOMER_OPTIONAL: &str = r#"{
    "coupon": "JANE10OFF", "click_id": "ab885a1c-8ad9-11ea-bc55-0242ac130003", "asset_id": "1-aaaaaa", "source_id": "1-ssssss",
    "status": "new", "meta_data": {"testparam": "testvalue"}, "user_agent": "Mozilla/5.0", "ip": "8.8.8.8"
}"#;

pub(super) const TABLE: Table = Table {
    tag: "postback",
    about: "Tapfiliate's Postback 1.7: conversions and customers, by query or by body.",
    key: Key::Header("X-Api-Key"),
    failures: &[],
    operations: &[&[
        get("/1.7/pb/con/c/", "Create a conversion").query(CREATE).one(CONVERSION),
        post("/1.7/pb/con/c/", "Create a conversion")
            .body(r#"{"referral_code": "nwjinmy", "amount": "100", "external_id": "ORD005"}"#, &["external_id"])
            .optional(CREATE_OPTIONAL)
            .one(CONVERSION),
        get("/1.7/pb/con/u/", "Change a conversion").query(UPDATE).one(CONVERSION),
        post("/1.7/pb/con/u/", "Change a conversion")
            .body(
                r#"{"external_id": "ORD005", "status": "disapproved", "amount": "100", "meta_data": {"testparam": "testvalue"}}"#,
                &["external_id"],
            )
            .words(&[("status", &["approved", "disapproved"])])
            .one(CONVERSION),
        get("/1.7/pb/cus/c/", "Create a customer").query(CUSTOMER_CREATE).one(CUSTOMER),
        post("/1.7/pb/cus/c/", "Create a customer")
            .body(r#"{"referral_code": "nwjinmy", "customer_id": "test"}"#, &["customer_id"])
            .optional(CUSTOMER_OPTIONAL)
            .words(&[("status", &["new", "trial", "lead"])])
            .one(CUSTOMER),
        get("/1.7/pb/cus/u/", "Change a customer").query(CUSTOMER_UPDATE).one(CUSTOMER),
        post("/1.7/pb/cus/u/", "Change a customer")
            .body(r#"{"customer_id": "test", "meta_data": {"testparam": "testvalue"}}"#, &["customer_id"])
            .one(CUSTOMER),
    ]],
};
