//! Postback 1.7: conversions and customers created and changed by GET or POST.

mod effect;
pub(crate) mod request;
mod route;

pub use route::routes;
