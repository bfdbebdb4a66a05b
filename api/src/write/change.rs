//! A change of the catalog by a request.
//!
//! ```text
//! let mut change = match begin(&api, &call).await? { Change::Fresh(change) => change, Change::Repeated(answer) => return Ok(answer) };
//! let affiliate = affiliates::create(&mut change, …).await?;
//! finish(change, StatusCode::OK, Some(&affiliate)).await
//! ```

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use common::catalog::change::{self, Answer, Begun, ChangeError, Changeset};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::Call;
use crate::{Api, Problem};

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Change {
    Fresh(Changeset),
    /// It came before: this is what it was answered.
    Repeated(Response),
}

/// Begins the change that `call` asks for.
///
/// # Errors
/// 422 for an `Idempotency-Key` of another request, 503.
pub(crate) async fn begin(api: &Api, call: &Call) -> Result<Change, Problem> {
    let begun = change::begin(&api.pool, call.author(), call.idempotency()).await?;
    Ok(match begun {
        Begun::Fresh(change) => Change::Fresh(change),
        Begun::Repeated(answer) => Change::Repeated(print(&answer)),
    })
}

/// Makes `change` hold and answers with `body`, now and when the request comes again. A secret that is shown once is none of it:
/// the handler adds that to its own answer.
///
/// # Errors
/// 503: then nothing holds.
pub(crate) async fn finish<T: Serialize>(
    change: Changeset,
    status: StatusCode,
    body: Option<&T>,
) -> Result<Response, Problem> {
    let body = body.map(to_raw_value).transpose();
    let body = body.map_err(|error| {
        tracing::error!(%error, "an answer cannot be printed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    })?;
    let answer = Answer {
        status: status.as_u16(),
        body: body.map(|body| body.get().to_owned()),
    };
    change.finish(&answer).await?;
    Ok(print(&answer))
}

fn print(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    match &answer.body {
        Some(body) => (status, [(CONTENT_TYPE, "application/json")], body.clone()).into_response(),
        None => status.into_response(),
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::not_found(),
            ChangeError::Invalid(message) => Self::bad_request(message),
            ChangeError::Exists(message) => Self::new(StatusCode::CONFLICT, message).about("id"),
            ChangeError::ReusedKey => Self::reused_key(),
            ChangeError::Db(error) => error.into(),
        }
    }
}

impl From<common::http::request::Invalid> for Problem {
    fn from(invalid: common::http::request::Invalid) -> Self {
        let problem = Self::bad_request(invalid.to_string());
        match invalid.field() {
            Some(field) => problem.about(field),
            None => problem,
        }
    }
}
