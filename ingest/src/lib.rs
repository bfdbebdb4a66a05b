//! The data plane.
pub mod pipeline;
