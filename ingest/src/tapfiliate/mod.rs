//! Tapfiliate's dialects: Postback 1.7, and what REST 1.6 tracks. They share keys, headers, parameters and errors.

pub mod postback;
pub mod rest;

mod answer;
mod call;
pub(crate) mod params;
