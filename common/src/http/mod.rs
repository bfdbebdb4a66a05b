//! HTTP, as both planes speak it: reading requests, keys and allowances, refusals in each dialect's shape, calls from
//! browsers, the server loop. Nothing here knows what a call is about.

mod address;
mod cors;
mod credentials;
mod dialect_errors;
mod layers;
mod path;
mod picture;
mod rate;
mod rejection;
pub mod request;
mod serve;

pub use address::{AddressRate, KEYLESS_BURST, KEYLESS_PER_SECOND, peer};
pub use credentials::{
    AFFITOR_KEYS, AFFY_KEYS, KeySource, NATIVE_KEYS, TAPFILIATE_KEYS, YAPLET_KEYS, presented, sends_bearer,
};
pub use dialect_errors::{DialectErrors, whole_seconds};
pub use layers::with_layers;
pub use picture::{GIF, picture};
pub use rate::{Rate, RateLimit};
pub use rejection::Rejection;
pub use serve::{DRAIN_TIMEOUT, ServeError, serve};
