//! What Affitor's calls turn away, in the documented words.

use common::{domain::Reason, http::request::MAX_BODY_BYTES};
use serde_json::{Value, json};

use super::{BEARER, URL, error, keyed, keyless, sale, with};
use crate::tests::{Service, refusal, request};

const TXN: &str = "transaction_id is required and must be a string";
const CENTS: &str = "amount_cents is required and must be a positive integer";

/// Each body is answered with 400 and its text, and nothing is submitted.
async fn refused(call: &str, cases: impl IntoIterator<Item = (Value, &str)>) {
    let mut service = Service::new();
    for (body, text) in cases {
        let reply = service
            .refused(keyed(&format!("/api/v1/track/{call}"), &body), 400)
            .await;
        assert_eq!(error(&reply), text, "{call} {body}");
    }
}

fn sale_with(name: &str, value: Value) -> Value {
    with(sale(), name, value)
}

fn link(url: &str) -> Value {
    json!({"affiliate_url": url})
}

#[tokio::test]
async fn a_click_names_a_link() {
    let no_aff = "No aff parameter found in affiliate_url";
    let long = "x".repeat(4_000);
    refused(
        "click",
        [
            (json!({}), "affiliate_url is required"),
            (link(" "), "affiliate_url is required"),
            (link("not a url"), "Invalid affiliate_url"),
            (link("/?aff=a"), "Invalid affiliate_url"),
            (link("ftp://shop.example/?aff=a"), "Invalid affiliate_url"),
            (link("https:///?aff"), "Invalid affiliate_url"),
            (link("https://shop.example/"), no_aff),
            (link("https://shop.example/?aff=&x=1"), no_aff),
            (link("https://shop.example/?ref=a"), no_aff),
            (link("https://shop.example/#?aff=a"), no_aff),
            (link("{affiliate_url}"), "affiliate_url is an unresolved macro"),
            (link("https://shop.example/?aff={code}"), no_aff),
            (
                link("https://shop.example/?aff=a%00b"),
                "aff contains a NUL character",
            ),
            (
                link(&format!("https://shop.example/?aff={}", &long[..256])),
                "aff is longer than 255 characters",
            ),
            (
                link(&format!("{URL}&{long}")),
                "affiliate_url is longer than 4000 characters",
            ),
            (
                json!({"affiliate_url": ["x", "y"]}),
                "affiliate_url must be a string",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_lead_names_somebody() {
    let nobody = "click_id or customer_key is required";
    let not_a_list = "click_ids must be a list of strings";
    let clicks = |number: usize| (0..number).map(|index| format!("k{index}")).collect::<Vec<_>>();
    refused(
        "lead",
        [
            (json!({}), nobody),
            (
                json!({"click_ids": [], "customer_code": "k", "user_id": "u"}),
                nobody,
            ),
            (json!({"click_id": "{click_id}"}), nobody),
            (json!({"click_ids": ["${click}", "undefined"]}), nobody),
            (json!({"click_ids": {"a": 1}}), not_a_list),
            (json!({"click_ids": [["a"]]}), not_a_list),
            (
                json!({"click_ids": clicks(21)}),
                "click_ids names more than 20 clicks",
            ),
        ],
    )
    .await;
    let most = keyed("/api/v1/track/lead", &json!({"click_ids": clicks(20)}));
    let mut service = Service::new();
    service.accepted(most).await;
    // A browser has one, and each is looked for.
    let strangers = |number| keyless("/api/v1/track/lead", &json!({"click_ids": clicks(number)}));
    service.accepted(strangers(5)).await;
    let reply = service.refused(strangers(6), 400).await;
    assert_eq!(error(&reply), "click_ids names more than 5 clicks");
}

#[tokio::test]
async fn a_sale_names_its_transaction_its_amount_and_its_customer() {
    let nobody = "Customer not found. Provide customer_key or click_id.";
    refused(
        "sale",
        [
            (json!({}), TXN),
            (sale_with("transaction_id", json!(5)), TXN),
            (sale_with("transaction_id", json!(["t"])), TXN),
            (sale_with("transaction_id", json!("")), TXN),
            (json!({"transaction_id": "t"}), CENTS),
            (sale_with("amount_cents", json!(0)), CENTS),
            (sale_with("amount_cents", json!(-5)), CENTS),
            (sale_with("amount_cents", json!(1.5)), CENTS),
            (sale_with("amount_cents", json!("lots")), CENTS),
            (sale_with("amount_cents", json!(true)), CENTS),
            (sale_with("amount_cents", json!([1])), CENTS),
            (sale_with("amount_cents", json!("${amount}")), CENTS),
            (sale_with("amount_cents", json!(1_000_000_000_001_i64)), CENTS),
            (sale_with("amount_cents", json!("0.9999999")), CENTS),
            (sale_with("amount_cents", json!("100.0000001")), CENTS),
            (sale_with("amount_cents", json!(1e30)), CENTS),
            (json!({"transaction_id": "t", "amount_cents": 1}), nobody),
        ],
    )
    .await;
}

#[tokio::test]
async fn other_wrong_fields_of_a_sale_are_named() {
    let long = "x".repeat(8_192);
    let more = |value| sale_with("additional_data", value);
    refused(
        "sale",
        [
            (
                sale_with("transaction_id", json!("{order_id}")),
                "transaction_id is an unresolved macro",
            ),
            (
                sale_with("transaction_id", json!(long[..256])),
                "transaction_id is longer than 255 characters",
            ),
            (
                sale_with("currency", json!("XXXX")),
                "currency must be an ISO 4217 code",
            ),
            (
                more(json!({"test_mode": "maybe"})),
                "additional_data.test_mode must be true or false",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_refund_names_its_sale_and_a_part_of_it() {
    let part = |value: Value| json!({"transaction_id": "t", "refund_amount_cents": value});
    let not_a_part = "refund_amount_cents must be a positive integer";
    refused(
        "refund",
        [
            (json!({}), "transaction_id is required"),
            (
                json!({"transaction_id": ["t"]}),
                "transaction_id must be a string",
            ),
            (
                json!({"transaction_id": "{order_id}"}),
                "transaction_id is an unresolved macro",
            ),
            (part(json!(-1)), not_a_part),
            (part(json!(1.5)), not_a_part),
            (part(json!("all")), not_a_part),
            (part(json!([])), not_a_part),
            (part(json!("")), not_a_part),
            (part(json!("0.0000001")), not_a_part),
        ],
    )
    .await;
}

/// Each reason is answered with its status and text.
async fn answered(call: &str, body: Value, cases: impl IntoIterator<Item = (Reason, u16, &str)>) {
    let mut service = Service::new();
    for (reason, status, text) in cases {
        let call = keyed(&format!("/api/v1/track/{call}"), &body);
        let (reply, _) = service.exchange(call, refusal(reason, None)).await;
        assert_eq!(
            (reply.status.as_u16(), error(&reply).as_str()),
            (status, text),
            "{reason:?}"
        );
    }
}

#[tokio::test]
async fn refusals_of_clicks_and_leads_have_their_words() {
    answered(
        "click",
        link(URL),
        [
            (Reason::NotAttributed, 400, "Referral link not found"),
            (Reason::IdempotencyConflict, 422, "the detail"),
        ],
    )
    .await;
    let unknown = "Customer not found. Provide a valid click_id or customer_key.";
    let converted = "Customer status cannot be updated to lead. Current status: conversion";
    answered(
        "lead",
        json!({"click_id": "cust_0_0"}),
        [
            (Reason::UnknownCustomer, 400, unknown),
            (Reason::UnknownClick, 400, unknown),
            (
                Reason::CustomerElsewhere,
                400,
                "Customer does not belong to this program",
            ),
            (Reason::CustomerConverted, 400, converted),
            (Reason::WindowExpired, 400, "the detail"),
        ],
    )
    .await;
}

#[tokio::test]
async fn refusals_of_sales_and_refunds_have_their_words() {
    let unknown = "Customer not found. Provide customer_key or click_id.";
    let elsewhere = "No affiliate attribution found for this customer in this program";
    let duplicate = "Duplicate transaction_id. This sale has already been recorded.";
    let not_approved = "No partner-program relationship found for this customer";
    answered(
        "sale",
        sale(),
        [
            (Reason::UnknownCustomer, 400, unknown),
            (Reason::UnknownClick, 400, unknown),
            (Reason::CustomerElsewhere, 400, elsewhere),
            (Reason::NotAttributed, 400, elsewhere),
            (Reason::AffiliateNotApproved, 400, not_approved),
            (Reason::DuplicateOrder, 409, duplicate),
            (Reason::IdempotencyConflict, 422, "the detail"),
            (Reason::AmountOutOfRange, 400, "the detail"),
        ],
    )
    .await;
    answered(
        "refund",
        json!({"transaction_id": "t"}),
        [
            (Reason::UnknownOrder, 404, "Sale not found for transaction_id"),
            (Reason::ParkingFull, 404, "Sale not found for transaction_id"),
            (Reason::IdempotencyConflict, 422, "the detail"),
        ],
    )
    .await;
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let mut service = Service::new();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    for body in [
        "{",
        "[]",
        "\"x\"",
        "{\"amount_cents\": 1e999}",
        "\0",
        &deep,
        "x=%FF",
    ] {
        for path in [
            "/api/v1/track/click",
            "/api/v1/track/lead",
            "/api/v1/track/sale",
            "/api/v1/track/refund",
        ] {
            let reply = service
                .refused(request("POST", path, &[BEARER], body.to_owned()), 400)
                .await;
            error(&reply);
        }
    }
    let large = request("POST", "/api/v1/track/click", &[], "x".repeat(MAX_BODY_BYTES + 1));
    error(&service.refused(large, 413).await);
}
