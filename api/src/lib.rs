//! The control plane: receipts, REST 1.6, health and metrics. Money is changed through `common::apply` alone, and the catalog
//! through `common::catalog`.

mod affitor;
mod affy;
mod auth;
#[cfg(test)]
mod auth_tests;
mod docs;
mod geoip;
mod health;
mod in_dialect;
mod json;
mod keyless_permits;
mod openapi;
mod openapi_links;
mod path_id;
mod public_url;
mod rest;
mod router;
mod state;
#[cfg(test)]
mod testing;
mod v1;
mod write;

pub use geoip::{GeoIp, GeoIpError};
pub use health::{Health, Ready, health, metrics};
pub use public_url::{NoPublicUrl, PublicUrl};
pub use rest::error::Problem;
pub use router::{router, routes};
pub use state::Api;
