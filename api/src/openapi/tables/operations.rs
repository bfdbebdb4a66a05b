//! For those who run the service.

use crate::openapi::operation::{Key, Table, get};

const TEXT: &str = "text/plain";

pub(super) const TABLE: Table = Table {
    tag: "operations",
    about: "Health, metrics and this description.",
    key: Key::None,
    failures: &[],
    operations: &[&[
        get("/healthz", "The process lives").media(TEXT),
        get("/readyz", "Events can be accepted durably by some path").media(TEXT),
        get("/metrics", "Metrics for Prometheus").media(TEXT),
        get("/openapi.json", "This description for programs").one(r#"{"openapi": "3.1.0"}"#),
        get("/docs", "This description for people").media("text/html"),
    ]],
};
