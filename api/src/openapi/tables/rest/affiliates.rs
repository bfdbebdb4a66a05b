//! Affiliates, groups, prospects, programs and payments of REST 1.6.

use super::{META, PAGE, VALUE};
use crate::openapi::operation::{Operation, delete, get, patch, post, put};

const AFFILIATE: &str = include_str!("../../examples/affiliate.json");
const NOTE: &str = include_str!("../../examples/note.json");
const PAYOUT_METHOD: &str = include_str!("../../examples/payout_method.json");
const PAYMENT: &str = include_str!("../../examples/payment.json");
const GROUP: &str = include_str!("../../examples/group.json");
const PROSPECT: &str = include_str!("../../examples/prospect.json");
const PROGRAM: &str = include_str!("../../examples/program.json");
const PROGRAM_AFFILIATE: &str = include_str!("../../examples/program_affiliate.json");
const MESSAGE: &str = r#"{"message": "Great person!"}"#;

pub(super) const AFFILIATES: &[Operation] = &[
    get("/1.6/affiliates/", "List affiliates")
        .query(&[
            PAGE,
            ("click_id", ""),
            ("source_id", "1-ssssss"),
            ("email", "jane@example-blog.inc"),
            ("referral_code", "nwjinmy"),
            ("parent_id", "sandrasanderson"),
            ("affiliate_group_id", "ag_eXampl3"),
        ])
        .list(AFFILIATE),
    post("/1.6/affiliates/", "Create an affiliate")
        .body(
            include_str!("../../examples/affiliate_body.json"),
            &["firstname", "lastname"],
        )
        .one(AFFILIATE),
    get(
        "/1.6/affiliates/custom-fields/",
        "List the fields that affiliates can have",
    )
    .list(r#"{"id": "field1", "title": "field1", "choices": []}"#),
    get("/1.6/affiliates/{id=janejameson}/", "An affiliate").one(AFFILIATE),
    delete("/1.6/affiliates/{id=janejameson}/", "Delete an affiliate"),
    put("/1.6/affiliates/{id=janejameson}/group/", "Set the group")
        .body(r#"{"group_id": "ag_eXampl3"}"#, &["group_id"])
        .one(AFFILIATE),
    delete("/1.6/affiliates/{id=janejameson}/group/", "Leave the group"),
    get("/1.6/affiliates/{id=janejameson}/notes/", "List notes")
        .query(&[PAGE])
        .list(NOTE),
    post("/1.6/affiliates/{id=janejameson}/notes/", "Add a note")
        .body(MESSAGE, &["message"])
        .one(NOTE),
    put(
        "/1.6/affiliates/{id=janejameson}/notes/{note_id=1}/",
        "Change a note",
    )
    .body(MESSAGE, &["message"])
    .one(NOTE),
    delete(
        "/1.6/affiliates/{id=janejameson}/notes/{note_id=1}/",
        "Delete a note",
    ),
    get("/1.6/affiliates/{id=janejameson}/meta-data/", "Meta data").one(META),
    put(
        "/1.6/affiliates/{id=janejameson}/meta-data/",
        "Replace the meta data",
    )
    .body(META, &[])
    .one(META),
    get(
        "/1.6/affiliates/{id=janejameson}/meta-data/{key=foo}/",
        "One value of the meta data",
    )
    .one(VALUE),
    put(
        "/1.6/affiliates/{id=janejameson}/meta-data/{key=foo}/",
        "Set one value of the meta data",
    )
    .body(VALUE, &["value"])
    .one(VALUE),
    delete(
        "/1.6/affiliates/{id=janejameson}/meta-data/{key=foo}/",
        "Remove one value of the meta data",
    ),
    get(
        "/1.6/affiliates/{id=janejameson}/payout-methods/",
        "List ways of payment",
    )
    .list(PAYOUT_METHOD),
    get(
        "/1.6/affiliates/{id=janejameson}/payout-methods/{method_id=paypal}/",
        "A way of payment",
    )
    .one(PAYOUT_METHOD),
    put(
        "/1.6/affiliates/{id=janejameson}/payout-methods/{method_id=paypal}/",
        "Set a way of payment",
    )
    .body(r#"{"paypal_address": "jane@example-blog.inc"}"#, &[])
    .one(PAYOUT_METHOD),
    post("/1.6/affiliates/{id=janejameson}/parent/", "Set the parent")
        .body(r#"{"affiliate_id": "sandrasanderson"}"#, &["affiliate_id"])
        .one(AFFILIATE),
    delete("/1.6/affiliates/{id=janejameson}/parent/", "Remove the parent"),
    get(
        "/1.6/affiliates/{id=janejameson}/balances/",
        "Balances by currency",
    )
    .one(r#"{"USD": 5, "EUR": 35}"#),
    get(
        "/1.6/affiliates/{id=janejameson}/payments/",
        "List payments of an affiliate",
    )
    .query(&[PAGE])
    .list(PAYMENT),
    get(
        "/1.6/affiliates/{id=janejameson}/programs/",
        "List programs of an affiliate",
    )
    .list(include_str!("../../examples/affiliate_program.json")),
    get("/1.6/affiliate-groups/", "List groups").list(GROUP),
    post("/1.6/affiliate-groups/", "Create a group")
        .body(r#"{"title": "Silver Affiliates"}"#, &["title"])
        .one(GROUP),
    patch("/1.6/affiliate-groups/{id=ag_eXampl3}/", "Change a group")
        .body(r#"{"title": "Gold members"}"#, &["title"])
        .one(GROUP),
    get("/1.6/affiliate-prospects/", "List prospects")
        .query(&[
            PAGE,
            ("email", "peter@example-existing-customer.inc"),
            ("referral_code", "yza5njg"),
            ("program_id", "johns-affiliate-program"),
            ("group_id", ""),
        ])
        .list(PROSPECT),
    post("/1.6/affiliate-prospects/", "Create a prospect")
        .body(
            include_str!("../../examples/prospect_body.json"),
            &["firstname", "lastname"],
        )
        .one(PROSPECT),
    get("/1.6/affiliate-prospects/{id=peterpeterson}/", "A prospect").one(PROSPECT),
    delete(
        "/1.6/affiliate-prospects/{id=peterpeterson}/",
        "Delete a prospect",
    ),
];

pub(super) const PROGRAMS: &[Operation] = &[
    get("/1.6/programs/", "List programs")
        .query(&[PAGE, ("asset_id", "1-aaaaaa")])
        .list(PROGRAM),
    get("/1.6/programs/{id=johns-affiliate-program}/", "A program").one(PROGRAM),
    get(
        "/1.6/programs/{id=johns-affiliate-program}/affiliates/",
        "List a program's affiliates",
    )
    .query(&[
        PAGE,
        ("source_id", "1-ssssss"),
        ("email", ""),
        ("parent_id", ""),
        ("affiliate_group_id", ""),
    ])
    .list(PROGRAM_AFFILIATE),
    post(
        "/1.6/programs/{id=johns-affiliate-program}/affiliates/",
        "Add an affiliate to a program",
    )
    .body(
        r#"{"affiliate": {"id": "billmurray"}, "approved": true, "coupon": "JANE10OFF"}"#,
        &["affiliate"],
    )
    .one(PROGRAM_AFFILIATE),
    get(
        "/1.6/programs/{id=johns-affiliate-program}/affiliates/{affiliate_id=janejameson}/",
        "An affiliate in a program",
    )
    .one(PROGRAM_AFFILIATE),
    patch(
        "/1.6/programs/{id=johns-affiliate-program}/affiliates/{affiliate_id=janejameson}/",
        "Change an affiliate in a program",
    )
    .body(r#"{"coupon": "JANE20OFF"}"#, &["coupon"])
    .one(PROGRAM_AFFILIATE),
    put(
        "/1.6/programs/{id=johns-affiliate-program}/affiliates/{affiliate_id=janejameson}/approved/",
        "Approve an affiliate",
    )
    .one(PROGRAM_AFFILIATE),
    delete(
        "/1.6/programs/{id=johns-affiliate-program}/affiliates/{affiliate_id=janejameson}/approved/",
        "Disapprove an affiliate",
    )
    .one(PROGRAM_AFFILIATE),
    get(
        "/1.6/programs/{id=johns-affiliate-program}/commission-types/",
        "List commission types",
    )
    .list(include_str!("../../examples/commission_type.json")),
    get(
        "/1.6/programs/{id=johns-affiliate-program}/levels/",
        "List levels",
    )
    .list(include_str!("../../examples/level.json")),
    get(
        "/1.6/programs/{id=johns-affiliate-program}/bonuses/",
        "List bonuses",
    )
    .list(include_str!("../../examples/bonus.json")),
    get("/1.6/balances/", "List balances")
        .query(&[PAGE])
        .list(r#"{"affiliate_id": "janejameson", "balances": {"USD": 5, "EUR": 35}}"#),
    get("/1.6/payments/", "List payments")
        .query(&[PAGE])
        .list(PAYMENT),
    post("/1.6/payments/", "Record a payment, or a list of them")
        .body(
            r#"{"affiliate_id": "janejameson", "amount": 30.55, "currency": "USD"}"#,
            &["affiliate_id", "amount", "currency"],
        )
        .list(PAYMENT),
    get("/1.6/payments/{id=pa_eXampl3}/", "A payment").one(PAYMENT),
    delete("/1.6/payments/{id=pa_eXampl3}/", "Cancel a payment"),
];
