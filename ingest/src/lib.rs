//! The data plane: takes conversions in over HTTP in the wire formats of five systems, and answers with their outcome.
//!
//! A handler extracts, authorises, parses into domain types, submits to the [`pipeline`] and prints. It never talks to
//! the database: keys are in memory, and events leave through the pipeline.
//!
//! Reading order: `state`, `auth`, `quota`, `answer`, one folder per dialect, `pipeline`.

pub mod affitor;
pub mod affy;
pub mod auth;
pub mod native;
pub mod pipeline;
pub mod pixel;
pub mod receipt;
pub mod tapfiliate;
pub mod yaplet;

mod answer;
mod quota;
mod router;
mod state;
#[cfg(test)]
mod tests;
mod told_time;

pub use router::{openapi, router, routes};
pub use state::Ingest;
