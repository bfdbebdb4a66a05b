//! Data that clients attach for themselves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Free data that a client attaches; values are JSON.
pub type MetaData = serde_json::Map<String, Value>;
/// Properties of an object at most that is changed one by one (seed: REST 1.6, meta data). What comes with a sale may have more.
pub const MAX_META_PROPERTIES: usize = 100;

/// A change of one property (seed: REST 1.6, meta data by key). Two of them at once both take effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetaChange {
    Set {
        key: String,
        value: Value,
    },
    /// What is not there is removed already.
    Remove {
        key: String,
    },
}
