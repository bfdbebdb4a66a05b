//! What a path calls a resource by: a number, an id or a slug, as it was sent.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::Problem;

/// The one parameter of a path. What is not UTF-8 names nothing: 404, in the same shape as every other.
#[derive(Debug)]
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id))
            .map_err(|_not_utf8| Problem::not_found())
    }
}

/// The two parameters of a path: a resource, and the name of something that it has. As [`PathId`].
#[derive(Debug)]
pub(crate) struct PathIdAndKey(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathIdAndKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let both = Path::<(String, String)>::from_request_parts(parts, state).await;
        both.map(|Path((id, key))| Self(id, key))
            .map_err(|_not_utf8| Problem::not_found())
    }
}
