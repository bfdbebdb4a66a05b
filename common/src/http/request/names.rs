//! Names that no field may have.

use super::Invalid;

/// Names with which the JSON library marks its own values; an object with one would not be read back as it was sent.
const RESERVED_PREFIX: &str = "$serde_json::";

/// # Errors
/// When the name is reserved. Nobody sends that by a slip.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    if name.starts_with(RESERVED_PREFIX) {
        return Err(Invalid::new("a field's name is reserved"));
    }
    Ok(())
}
