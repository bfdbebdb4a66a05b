//! Every text with which Affitor's calls say no, word for word (seed: Affitor, error reference).

use axum::http::StatusCode;
use common::{domain::Reason, http::DialectErrors};

use super::kind::Call;

pub(super) const ERRORS: DialectErrors = DialectErrors::Affitor;
pub(super) const AFFILIATE_URL_REQUIRED: &str = "affiliate_url is required";
pub(super) const AFFILIATE_URL_INVALID: &str = "Invalid affiliate_url";
pub(super) const NO_AFF: &str = "No aff parameter found in affiliate_url";
/// Said with a 200.
pub(super) const LINK_INACTIVE: &str = "Referral link is inactive";
pub(super) const LEAD_NAMES_NOBODY: &str = "click_id or customer_key is required";
pub(super) const TRANSACTION_ID: &str = "transaction_id is required and must be a string";
pub(super) const AMOUNT_CENTS: &str = "amount_cents is required and must be a positive integer";
pub(super) const SALE_NAMES_NOBODY: &str = "Customer not found. Provide customer_key or click_id.";

/// The documented words for a refusal, where there are any.
pub(super) fn of(call: Call, reason: Reason) -> Option<(StatusCode, &'static str)> {
    let text = match (call, reason) {
        (Call::Click, Reason::NotAttributed) => "Referral link not found",
        (Call::Lead, Reason::UnknownCustomer | Reason::UnknownClick | Reason::NotAttributed) => {
            "Customer not found. Provide a valid click_id or customer_key."
        }
        (Call::Lead, Reason::CustomerElsewhere) => "Customer does not belong to this program",
        (Call::Lead, Reason::CustomerConverted) => {
            "Customer status cannot be updated to lead. Current status: conversion"
        }
        (Call::Sale, Reason::UnknownCustomer | Reason::UnknownClick) => SALE_NAMES_NOBODY,
        (Call::Sale, Reason::NotAttributed | Reason::CustomerElsewhere) => {
            "No affiliate attribution found for this customer in this program"
        }
        (Call::Sale, Reason::AffiliateNotApproved | Reason::ProgramRetired) => {
            "No partner-program relationship found for this customer"
        }
        (Call::Sale, Reason::DuplicateOrder) => {
            "Duplicate transaction_id. This sale has already been recorded."
        }
        // Refused for want of room to wait: to this caller the sale is unknown all the same.
        (Call::Refund, Reason::UnknownOrder | Reason::ParkingFull) => "Sale not found for transaction_id",
        _ => return None,
    };
    let status = match (call, reason) {
        (Call::Sale, Reason::DuplicateOrder) => StatusCode::CONFLICT,
        (Call::Refund, _) => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    Some((status, text))
}
