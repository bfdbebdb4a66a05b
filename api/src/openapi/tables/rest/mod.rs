//! Tapfiliate REST 1.6.

mod sales;

use crate::openapi::operation::{Key, Parameter, Table};

const PAGE: Parameter = ("page", "1");

pub(super) const TABLE: Table = Table {
    tag: "rest",
    about: "Tapfiliate's REST API 1.6. Lists come in pages of 25, with a Link header.",
    key: Key::Header("X-Api-Key"),
    failures: &[],
    operations: &[sales::SALES],
};
