//! A payout method, as it is printed, and what its id may be.

use common::{domain::MetaData, reads::rest::payout_methods::PayoutMethod};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) const METHOD_EXAMPLE: &str = include_str!("../examples/payout_method.json");

const MAX_ID: usize = 64;

#[derive(Serialize, ToSchema)]
#[schema(as = rest::PayoutMethod)]
pub(super) struct Method<'a> {
    title: String,
    id: &'a str,
    /// As they were sent.
    #[schema(value_type = Object)]
    details: &'a MetaData,
    primary: bool,
}

impl<'a> From<&'a PayoutMethod> for Method<'a> {
    fn from(method: &'a PayoutMethod) -> Self {
        Self {
            title: title(&method.id),
            id: &method.id,
            details: &method.details,
            primary: method.is_primary,
        }
    }
}

/// `paypal` is called Paypal, and `bank_transfer` Bank transfer.
fn title(id: &str) -> String {
    let words = id.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Whether it may name a payout method at all.
pub(super) fn is_method(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_made_of_ids() {
        assert_eq!(title("paypal"), "Paypal");
        assert_eq!(title("bank_transfer"), "Bank transfer");
        assert!(is_method("bank-transfer") && !is_method("") && !is_method("a\0") && !is_method("ä"));
    }
}
