//! The control plane: receipts, REST 1.6 reads, health and metrics. Everything here reads; nothing posts money.

mod affitor;
mod affy;
mod auth;
#[cfg(test)]
mod auth_tests;
mod docs;
mod health;
mod json;
mod keyless_permits;
mod openapi;
mod path_id;
mod rest;
mod router;
mod state;
#[cfg(test)]
mod testing;
mod v1;

pub use health::{Health, Ready, health};
pub use rest::error::Problem;
pub use router::{router, routes};
pub use state::Api;
