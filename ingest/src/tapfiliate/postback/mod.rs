//! Postback 1.7: conversions created and changed by GET or POST.

mod answer;
mod conversion;
pub(crate) mod request;
mod route;

pub use route::routes;
