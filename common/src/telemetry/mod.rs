//! Logs, metrics and traces: how failures are printed, where numbers are counted, and how spans leave the process.

mod args;
mod collector;
mod labels;
mod logs;
pub mod metrics;
mod ranked;
pub mod traces;

pub use args::{LogFormat, TelemetryArgs};
pub use logs::init;
pub use traces::{Traces, TracesError};

/// The error and its causes in one line, outermost first. A cause whose text the line has already (lapin and sqlx
/// repeat their sources in their own messages) is left out.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = inner.source();
    }
    line
}
