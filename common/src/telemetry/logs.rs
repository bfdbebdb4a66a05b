//! Log lines on standard error: for people, or one JSON object each. What outsiders have sent moves no cursor and begins no line.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

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
    let ansi = io::stderr().is_terminal() && format == LogFormat::Text;
    let layer = tracing_subscriber::fmt::layer().with_writer(move || CleanStderr { ansi });
    match format {
        LogFormat::Text => layer.with_ansi(ansi).with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// Takes one line at a time, as the layer writes them.
struct CleanStderr {
    /// Colours are the layer's own; it lets nobody else's pass.
    ansi: bool,
}

impl Write for CleanStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr()
            .lock()
            .write_all(clean(&text, self.ansi).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// A line whose control characters are escaped, but for its end. JSON has none that are not, up to ASCII's last.
fn clean(line: &str, ansi: bool) -> Cow<'_, str> {
    let is_foreign = |c: char| c.is_control() && !(ansi && c == '\u{1b}');
    let (within, end) = match line.strip_suffix('\n') {
        Some(within) => (within, "\n"),
        None => (line, ""),
    };
    if !within.contains(is_foreign) {
        return line.into();
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in within.chars() {
        if is_foreign(c) {
            // Writing to a text cannot fail.
            write!(escaped, "\\u{:04x}", u32::from(c)).unwrap_or_default();
        } else {
            escaped.push(c);
        }
    }
    escaped.push_str(end);
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_moves_no_cursor() {
        assert_eq!(clean("fine\n", false), "fine\n");
        assert_eq!(
            clean("a\u{1b}[2Jb\u{9b}c\u{7f}\nfake line\r\n", false),
            "a\\u001b[2Jb\\u009bc\\u007f\\u000afake line\\u000d\n"
        );
        assert_eq!(
            clean("\u{1b}[32mINFO\u{1b}[0m a\u{9b}\n", true),
            "\u{1b}[32mINFO\u{1b}[0m a\\u009b\n"
        );
        assert_eq!(clean("{\"a\":\"\u{9b}\"}\n", false), "{\"a\":\"\\u009b\"}\n");
    }
}
