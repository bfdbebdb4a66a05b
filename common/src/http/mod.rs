//! HTTP, as both planes speak it: the server loop, and calls from browsers. Nothing here knows a dialect's answers.

mod cors;
mod serve;

pub use cors::cors;
pub use serve::{ServeError, serve};
