//! What a database error asks of its caller: its class, by SQLSTATE.

use sqlx::postgres::PgDatabaseError;

/// A failed operation of the database.
#[derive(Debug, thiserror::Error)]
#[error("database operation {operation} failed")]
pub struct DbError {
    /// `aggregate.verb`, such as `events.insert`.
    pub operation: &'static str,
    #[source]
    source: sqlx::Error,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The database is gone, full or read-only: wait, nothing is anybody's fault.
    Transient,
    /// Others were in the way, or hold what is needed: run the same again, then later. Nobody's fault.
    Contention,
    /// Others wrote the same first: run the same again. Who still fails alone is at fault.
    Race,
    /// An event carries what the database refuses.
    Data,
    /// The code and the schema do not fit each other: every event would fail.
    Deploy,
}

impl DbError {
    pub fn new(operation: &'static str, source: sqlx::Error) -> Self {
        Self { operation, source }
    }

    fn database(&self) -> Option<&PgDatabaseError> {
        self.source
            .as_database_error()
            .and_then(|error| error.try_downcast_ref())
    }

    /// The five characters of SQLSTATE, where the server answered.
    pub fn code(&self) -> Option<&str> {
        self.database().map(PgDatabaseError::code)
    }

    /// The constraint that was violated.
    pub fn constraint(&self) -> Option<&str> {
        self.database().and_then(PgDatabaseError::constraint)
    }

    /// Whether the connection prepared the statement for an older schema: it must forget its statements.
    pub fn is_stale_plan(&self) -> bool {
        self.code() == Some("0A000")
    }

    /// Whether it waited as long as it may: waiting again at once is no use.
    pub fn is_timeout(&self) -> bool {
        matches!(self.code(), Some("55P03" | "57014"))
    }

    pub fn class(&self) -> FailureClass {
        match &self.source {
            sqlx::Error::Database(_) => class_of(self.code().unwrap_or_default()),
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::Migrate(_)
            | sqlx::Error::Configuration(_) => FailureClass::Deploy,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                FailureClass::Data
            }
            // A row that was there when it was looked for.
            sqlx::Error::RowNotFound => FailureClass::Race,
            _ => FailureClass::Transient,
        }
    }
}

/// The class of a SQLSTATE. What is unknown is looked at event by event, as data.
fn class_of(code: &str) -> FailureClass {
    match code {
        // Serialization, deadlock, lock and statement time-outs; no more room for locks.
        "40001" | "40P01" | "55P03" | "57014" | "25P03" | "53200" => FailureClass::Contention,
        // It can only be a race that the locks did not cover.
        "23505" => FailureClass::Race,
        // Shut down, starting, too many connections, read-only after a fail-over, resources, I/O.
        "57P01" | "57P02" | "57P03" | "57P05" | "25006" => FailureClass::Transient,
        _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("58") => {
            FailureClass::Transient
        }
        // A session left in a failed transaction, a plan older than the schema.
        "25P02" | "0A000" => FailureClass::Contention,
        "3D000" => FailureClass::Deploy,
        _ if code.starts_with("42") || code.starts_with("28") => FailureClass::Deploy,
        _ => FailureClass::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_fall_into_their_classes() {
        for (class, codes) in [
            (
                FailureClass::Contention,
                ["40001", "40P01", "55P03", "57014", "25P02", "53200", "0A000"].as_slice(),
            ),
            (
                FailureClass::Transient,
                &["57P01", "25006", "08006", "53100", "53300", "58030"],
            ),
            (FailureClass::Race, &["23505"]),
            (FailureClass::Deploy, &["42703", "42P01", "28P01", "3D000"]),
            (
                FailureClass::Data,
                &["22003", "22P05", "23514", "23502", "P0001", "XX999"],
            ),
        ] {
            for code in codes {
                assert_eq!(class_of(code), class, "{code}");
            }
        }
    }
}
