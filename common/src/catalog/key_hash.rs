//! By what the database knows an API key: its hash.

use toml::de::DeTable;

use crate::db::keys;

/// SHA-256 in hex.
pub(super) fn in_hex(key: &str) -> String {
    hex::encode(keys::hash_key(key))
}

/// The hash of the key that a table declares, in clear or as a hash; nothing if it does neither.
pub(super) fn of_table(table: &DeTable<'_>) -> Option<String> {
    let text = |name| table.get(name).and_then(|value| value.get_ref().as_str());
    let hashed = text("key_sha256").map(str::to_ascii_lowercase);
    hashed.or_else(|| text("key").map(in_hex))
}
