//! What the calls about many commissions have in common.

use axum::{http::StatusCode, response::Response};
use common::{
    bulk::{Caller, SelectError},
    domain::Dialect,
};
use serde::Serialize;

use crate::{
    Api, Problem,
    write::{Call, Change, begin, finish},
};

/// Whoever holds the key.
pub(super) fn caller(call: &Call) -> Caller {
    Caller {
        author: call.author(),
        scope: call.key.program,
        dialect: Dialect::Native,
    }
}

/// Does `work` unless the same request was answered before, and keeps its answer. A transaction around all of it would be open for
/// too long: what came before is answered first, and the answer is kept in a transaction of its own.
pub(super) async fn once<T: Serialize>(
    api: &Api,
    call: &Call,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<Response, Problem> {
    if let Change::Repeated(answer) = begin(api, call).await? {
        return Ok(answer);
    }
    let shown = work.await?;
    match begin(api, call).await? {
        Change::Fresh(change) => finish(change, StatusCode::OK, Some(&shown)).await,
        Change::Repeated(answer) => Ok(answer),
    }
}

impl From<SelectError> for Problem {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Db(error) => error.into(),
            unknown => Self::bad_request(unknown.to_string()),
        }
    }
}
