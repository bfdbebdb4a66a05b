//! Log lines on standard error: for people, or one JSON object each.

use std::io::IsTerminal;

use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};

use super::{LogFormat, TelemetryArgs, Traces, TracesError, traces};

/// Starts logging, and traces where a collector is configured; `role` is what they say this process is. `runtime` carries
/// what is exported. A second call changes nothing.
///
/// # Errors
/// When the collector's address cannot be used.
pub fn init(args: &TelemetryArgs, role: &str, runtime: &Handle) -> Result<Traces, TracesError> {
    let traces = Traces::start(args.otlp_endpoint.as_deref(), role, runtime)?;
    // One filter for both. With a filter for each, a question such as sqlx's, whether a statement would be logged, leaves its
    // answer to the next line or span (tracing-subscriber 0.3).
    let started = tracing_subscriber::registry()
        .with(filter(&args.log))
        .with(lines(args.log_format))
        .with(traces.tracer().map(traces::layer))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(traces)
}

/// In the syntax of `RUST_LOG`, such as `info,common=debug`.
fn filter(asked: &str) -> EnvFilter {
    // lapin logs returned messages whole, payload included, and its errors reach us anyway. The caller's filter comes
    // later and may ask for it all the same.
    let quiet = "lapin=off,async_rs=off";
    EnvFilter::try_new(format!("{quiet},{asked}"))
        .unwrap_or_else(|_invalid| EnvFilter::new(format!("{quiet},info")))
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            layer.with_ansi(ansi).with_target(false).boxed()
        }
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}
