//! Conversions, commissions, customers and clicks of REST 1.6.

use super::{META, PAGE, VALUE};
use crate::openapi::operation::{Operation, delete, get, patch, post, put};

const CONVERSION: &str = include_str!("../../examples/conversion.json");
const COMMISSION: &str = include_str!("../../examples/commission.json");
const CUSTOMER: &str = include_str!("../../examples/customer.json");
const CLICK: &str = include_str!("../../examples/click.json");
const CONVERSION_CHANGE: &str = r#"{"amount": 17.95, "external_id": "ORD123", "meta_data": {"baz": "qux"}}"#;
const MORE_COMMISSION: &str =
    r#"{"conversion_sub_amount": 50, "commission_type": "mycommissiontype", "comment": "Awesome!"}"#;
const COMMISSION_CHANGE: &str =
    r#"{"amount": 30.55, "comment": "\"foo bar\"", "approved": true, "conversion_sub_amount": 50.01}"#;

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
        .one(CONVERSION),
    get("/1.6/conversions/{id=1}/", "A conversion").one(CONVERSION),
    patch("/1.6/conversions/{id=1}/", "Change a conversion")
        .query(&[("recalculate_commissions", "false")])
        .body(CONVERSION_CHANGE, &[])
        .one(CONVERSION),
    delete("/1.6/conversions/{id=1}/", "Delete a conversion"),
    post(
        "/1.6/conversions/{id=1}/commissions/",
        "Add commissions to a conversion",
    )
    .body(MORE_COMMISSION, &["conversion_sub_amount"])
    .list(COMMISSION),
    get("/1.6/conversions/{id=1}/meta-data/", "Meta data").one(META),
    put("/1.6/conversions/{id=1}/meta-data/", "Replace the meta data")
        .body(META, &[])
        .one(META),
    get(
        "/1.6/conversions/{id=1}/meta-data/{key=foo}/",
        "One value of the meta data",
    )
    .one(VALUE),
    put(
        "/1.6/conversions/{id=1}/meta-data/{key=foo}/",
        "Set one value of the meta data",
    )
    .body(VALUE, &["value"])
    .one(VALUE),
    delete(
        "/1.6/conversions/{id=1}/meta-data/{key=foo}/",
        "Remove one value of the meta data",
    ),
    get("/1.6/commissions/", "List commissions")
        .query(&[
            PAGE,
            ("affiliate_id", "janejameson"),
            ("status", "approved"),
            ("paid", "0"),
        ])
        .list(COMMISSION),
    get("/1.6/commissions/{id=1}/", "A commission").one(COMMISSION),
    patch("/1.6/commissions/{id=1}/", "Change a commission")
        .body(COMMISSION_CHANGE, &[])
        .one(COMMISSION),
    put("/1.6/commissions/{id=1}/approved/", "Approve a commission").one(COMMISSION),
    delete("/1.6/commissions/{id=1}/approved/", "Disapprove a commission").one(COMMISSION),
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
        .one(CUSTOMER),
    get("/1.6/customers/{id=cu_eXampl3}/", "A customer").one(CUSTOMER),
    patch("/1.6/customers/{id=cu_eXampl3}/", "Change a customer")
        .body(r#"{"customer_id": "USER456", "meta_data": {"buz": "baz"}}"#, &[])
        .one(CUSTOMER),
    delete("/1.6/customers/{id=cu_eXampl3}/", "Delete a customer"),
    put(
        "/1.6/customers/{id=cu_eXampl3}/status/",
        "Take a customer's cancellation back",
    )
    .one(CUSTOMER),
    delete("/1.6/customers/{id=cu_eXampl3}/status/", "Cancel a customer").one(CUSTOMER),
    get("/1.6/customers/{id=cu_eXampl3}/meta-data/", "Meta data").one(META),
    put(
        "/1.6/customers/{id=cu_eXampl3}/meta-data/",
        "Replace the meta data",
    )
    .body(META, &[])
    .one(META),
    get(
        "/1.6/customers/{id=cu_eXampl3}/meta-data/{key=foo}/",
        "One value of the meta data",
    )
    .one(VALUE),
    put(
        "/1.6/customers/{id=cu_eXampl3}/meta-data/{key=foo}/",
        "Set one value of the meta data",
    )
    .body(VALUE, &["value"])
    .one(VALUE),
    delete(
        "/1.6/customers/{id=cu_eXampl3}/meta-data/{key=foo}/",
        "Remove one value of the meta data",
    ),
];
