//! The control plane: receipts, REST 1.6 reads, health and metrics. Everything here reads; nothing posts money.
//!
//! Without a fallback of its own, so that it can be merged with the ingest's router: a process of this role alone adds
//! [`with_fallbacks`].

mod affitor;
mod affy;
mod auth;
mod health;
mod json;
mod keyless_permits;
mod limits;
mod openapi;
mod rest;
mod router;
mod state;
#[cfg(test)]
mod testing;
mod v1;

pub use health::{Health, Ready, health};
pub use rest::error::Problem;
pub use router::{router, routes, with_fallbacks};
pub use state::Api;
