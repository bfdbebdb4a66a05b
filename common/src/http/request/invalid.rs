//! What a request is refused for.

/// What is wrong with a request, in words that name the field, and the field. Always 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String, Option<String>);

impl Invalid {
    /// Something about the request as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into(), None)
    }

    /// Something about one field, by its full name.
    pub fn of_field(field: String, what: &str) -> Self {
        Self(format!("{field} {what}"), Some(field))
    }

    /// The field that it is about, with the names of the objects around it.
    pub fn field(&self) -> Option<&str> {
        self.1.as_deref()
    }
}
