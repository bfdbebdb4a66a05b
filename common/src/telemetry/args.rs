//! What every command takes about logs and traces.

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// What is logged and traced.
#[derive(Clone, Debug, clap::Args)]
pub struct TelemetryArgs {
    /// What is logged, in the syntax of tracing: `info`, `warn,common=debug`.
    #[arg(
        long,
        env = "COMMISSARY_LOG",
        default_value = "info",
        global = true,
        value_name = "FILTER"
    )]
    pub log: String,
    /// How log lines look.
    #[arg(
        long,
        env = "COMMISSARY_LOG_FORMAT",
        default_value = "text",
        global = true,
        value_enum
    )]
    pub log_format: LogFormat,
    /// Export traces to this OpenTelemetry collector by OTLP over HTTP, as `http://host:4318`: plain HTTP only. Without it
    /// there are no traces. Spans are of level `info`: what is not logged is not traced. The other variables of
    /// OpenTelemetry's SDK hold as well, such as `OTEL_SERVICE_NAME` and `OTEL_TRACES_SAMPLER`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}
