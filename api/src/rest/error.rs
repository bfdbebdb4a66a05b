//! Errors as JSON: `message` and `code` as REST 1.6 prints them, and `errors`, which its clients read.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use common::{
    db::{DbError, FailureClass},
    http::{DialectErrors, PrintedError, Rejection, request::named_first},
};

/// Seconds after which a client may try again when the database could not answer.
const RETRY_AFTER_SECONDS: u16 = 2;

/// A failed request. The message names the field; it never shows internals.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    message: String,
    /// The field that is wrong, if it is one: for whoever looks at what was turned away.
    field: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let is_about_fields = matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT);
        let field = named_first(&message).filter(|_| is_about_fields);
        Self {
            status,
            field: field.map(ToOwned::to_owned),
            message,
        }
    }

    /// The same, about this field whatever its words.
    pub(crate) fn about(self, field: &str) -> Self {
        let field = Some(field.to_owned());
        Self { field, ..self }
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The `Idempotency-Key` came with another request before.
    pub(crate) fn reused_key() -> Self {
        let message = "the Idempotency-Key was used before for another request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message).about("Idempotency-Key")
    }

    /// No key, or a wrong one: the words are the original's.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Authentication Failed.")
    }
}

impl From<DbError> for Problem {
    /// 503 where waiting helps, 500 for what is a bug of ours. Logged here, once.
    fn from(error: DbError) -> Self {
        let cause: &(dyn std::error::Error + 'static) = &error;
        match error.class() {
            FailureClass::Transient | FailureClass::Contention | FailureClass::Race => {
                tracing::warn!(error = cause, "the database could not answer");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            FailureClass::Data | FailureClass::Deploy => {
                tracing::error!(error = cause, "a request failed in the database");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Invalid(invalid) => invalid.into(),
            other => Self::new(other.status(), other.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = DialectErrors::Tapfiliate.print_message(self.status, &self.message);
        if let Some(printed) = response.extensions_mut().get_mut::<PrintedError>() {
            printed.field = self.field;
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = HeaderValue::from(RETRY_AFTER_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
