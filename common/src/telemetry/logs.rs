//! Log lines on standard error: for people, or one JSON object each.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Starts logging. `filter` is in the syntax of `RUST_LOG`, such as `info,common=debug`. A second call changes nothing.
pub fn init(filter: &str, format: LogFormat) {
    // lapin logs returned messages whole, payload included, and its errors reach us anyway. The caller's filter comes
    // later and may ask for it all the same.
    let quiet = "lapin=off,async_rs=off";
    let filter = EnvFilter::try_new(format!("{quiet},{filter}"))
        .unwrap_or_else(|_invalid| EnvFilter::new(format!("{quiet},info")));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            registry.with(layer.with_ansi(ansi).with_target(false)).try_init()
        }
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
