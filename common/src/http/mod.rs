//! HTTP, as both planes speak it: reading requests, keys and allowances, refusals in each dialect's shape, calls from
//! browsers, the server loop. Nothing here knows what a call is about.

mod address;
mod asker;
mod browsers;
mod cors;
mod credentials;
mod dialect_errors;
mod error_bodies;
mod host;
mod layers;
mod noted;
pub mod openapi;
mod origin;
mod panics;
mod path;
mod picture;
mod rate;
mod rejection;
pub mod request;
mod request_id;
mod request_span;
mod server;
mod turned_away;
mod warnings;

pub use address::{AddressRate, KEYLESS_BURST, KEYLESS_PER_SECOND, client, stranger};
pub use asker::Asker;
pub use credentials::{
    AFFITOR_KEYS, AFFY_KEYS, CONTROL_KEYS, KeySource, NATIVE_KEYS, TAPFILIATE_KEYS, YAPLET_KEYS, presented,
    sends_bearer, sends_key,
};
pub use dialect_errors::{DialectErrors, PrintedError, whole_seconds};
pub use error_bodies::{
    AffitorError, AffyError, PlainError, TapfiliateError, TapfiliateMessage, YapletError,
};
pub use host::host;
pub use layers::with_layers;
pub use noted::{carry, forget_body, note_invalid_part, note_warning};
pub use origin::Origin;
pub use picture::{GIF, picture};
pub use rate::{Rate, RateLimit, RateLimits};
pub use rejection::Rejection;
pub use request_id::{MAX_REQUEST_ID, RequestId, X_REQUEST_ID};
pub use request_span::{X_EVENT_ID, note_durable, note_event, note_org};
pub use server::{
    CROWDED_IDLE_TIMEOUT, Connection, DRAIN_TIMEOUT, HEADER_TIMEOUT, HttpArgs, IDLE_TIMEOUT, Limits,
    MAX_BODIES_BYTES, MAX_CLIENT_CONNECTIONS, MAX_CONNECTIONS, MAX_HEAD_BYTES, NoNetwork, SLOWEST_READER,
    ServeError, TrustedProxies, WRITE_TIMEOUT, bind, serve,
};
pub use turned_away::{AllTurnedAway, TurnedAway};
pub use warnings::{MAX_WARNINGS, Warnings};
