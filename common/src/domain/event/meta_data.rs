//! Data that clients attach for themselves.

/// Free data that a client attaches; values are JSON.
pub type MetaData = serde_json::Map<String, serde_json::Value>;
