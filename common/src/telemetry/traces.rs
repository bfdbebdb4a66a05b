//! Traces for OpenTelemetry: spans of this process, exported where a collector is configured. Without one nothing here does
//! anything, and nobody pays for it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry::{
    Context, Key, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt as _, TraceState, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, registry::LookupSpan};
use url::Url;

use super::collector::Collector;
use crate::domain::TraceParent;

/// How long the last spans may take to leave at the end of the process.
const FLUSH: Duration = Duration::from_secs(3);
/// The links of one span, at most: the default limit of OpenTelemetry, beyond which they would only be counted.
const MAX_LINKS: usize = 128;

/// Whether this process exports traces.
static ON: AtomicBool = AtomicBool::new(false);

/// The collector cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://localhost:4318, of plain HTTP")]
    Endpoint,
    #[error("the exporter of traces cannot be made")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// The exporter of this process, if it has one.
#[derive(Debug)]
#[must_use = "the last spans leave with flush"]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(super) fn start(endpoint: Option<&str>, role: &str, runtime: &Handle) -> Result<Self, TracesError> {
        // By OpenTelemetry's rules an empty variable is none.
        let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.is_empty()) else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces_url(endpoint)?)
            .with_http_client(Collector::new(runtime))
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource(role))
            .build();
        ON.store(true, Ordering::Relaxed);
        Ok(Self(Some(provider)))
    }

    pub(super) fn tracer(&self) -> Option<SdkTracer> {
        self.0.as_ref().map(|provider| provider.tracer("commissary"))
    }

    /// Exports what is left. It blocks, for a few seconds at most: to be called outside the runtime, before that ends.
    pub fn flush(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(FLUSH)
        {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

/// Where a collector takes traces, by the base of its URLs.
fn traces_url(endpoint: &str) -> Result<String, TracesError> {
    let base: Url = endpoint.parse().map_err(|_invalid| TracesError::Endpoint)?;
    if base.scheme() != "http" || !base.has_host() {
        return Err(TracesError::Endpoint);
    }
    Ok(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
}

/// What the spans say of this process. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come first.
fn resource(role: &str) -> Resource {
    let configured = Resource::builder().build();
    let name = configured.get(&Key::from_static_str("service.name"));
    let is_named = name.is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if is_named {
        resource.build()
    } else {
        resource.with_service_name(format!("commissary-{role}")).build()
    }
}

/// Turns spans into OpenTelemetry's, and what is logged in them into their events.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
}

/// Whether this process exports traces. Cheap.
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The place of the current span in its trace, for what leaves this process.
pub fn current() -> Option<TraceParent> {
    if !is_on() {
        return None;
    }
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| TraceParent {
        trace: span.trace_id().to_bytes(),
        span: span.span_id().to_bytes(),
        flags: span.trace_flags().to_u8(),
    })
}

/// Makes `span` a part of the trace that its caller has begun. To be called before anything happens in it.
pub fn continue_from(span: &Span, caller: TraceParent) {
    if is_on() {
        let caller = Context::new().with_remote_span_context(span_context(caller));
        if let Err(error) = span.set_parent(caller) {
            tracing::debug!(%error, "a caller's trace is not continued");
        }
    }
}

/// Links `span` to the traces of what it works on; they are many, and it is a child of none.
pub fn link(span: &Span, traces: impl Iterator<Item = TraceParent>) {
    if is_on() {
        for trace in traces.take(MAX_LINKS) {
            span.add_link(span_context(trace));
        }
    }
}

fn span_context(parent: TraceParent) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(parent.trace),
        SpanId::from_bytes(parent.span),
        TraceFlags::new(parent.flags),
        true,
        TraceState::NONE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_to_a_path_below_the_endpoint() {
        for endpoint in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/"] {
            assert_eq!(traces_url(endpoint).unwrap(), "http://127.0.0.1:4318/v1/traces");
        }
        assert_eq!(
            traces_url("http://collector/otlp").unwrap(),
            "http://collector/otlp/v1/traces"
        );
        for bad in ["https://collector:4318", "collector:4318", "4318", "http:"] {
            assert!(traces_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_an_endpoint_nothing_is_looked_at() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for endpoint in [None, Some("")] {
            let traces = Traces::start(endpoint, "ingest", runtime.handle()).unwrap();
            assert!(traces.tracer().is_none());
        }
        assert!(!is_on());
        assert_eq!(current(), None);
        let untouched = std::iter::from_fn(|| panic!("nobody asks for the traces of a batch"));
        link(&Span::current(), untouched);
    }
}
