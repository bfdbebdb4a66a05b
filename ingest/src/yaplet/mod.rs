//! Yaplet's affiliates track API: one call that records a sale by the coupon code in its path.

mod answer;
mod request;
mod route;

pub use route::routes;

use common::http::DialectErrors;

const ERRORS: DialectErrors = DialectErrors::Yaplet;
