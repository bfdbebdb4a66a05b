//! Errors as a dialect prints them, of calls whose layers and handlers print them as REST 1.6 does.

use axum::{http::StatusCode, response::Response};
use common::http::{DialectErrors, PrintedError, Rejection};

/// `response`, and if it is an error, in the shape of `errors`; a wrong key in its words.
pub(crate) fn in_dialect(errors: DialectErrors, response: Response) -> Response {
    let Some(PrintedError { message, field, .. }) = response.extensions().get() else {
        return response;
    };
    let status = response.status();
    let mut again = match status {
        StatusCode::UNAUTHORIZED => errors.print(&Rejection::Unauthenticated),
        _ => errors.print_message(status, message),
    };
    if let Some(printed) = again.extensions_mut().get_mut::<PrintedError>() {
        printed.field.clone_from(field);
    }
    let (mut head, body) = again.into_parts();
    for (name, value) in response.headers() {
        if !head.headers.contains_key(name) {
            head.headers.append(name, value.clone());
        }
    }
    Response::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, response::IntoResponse};

    use super::*;
    use crate::Problem;

    async fn body(response: Response) -> String {
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn an_error_has_the_shape_of_its_dialect_and_keeps_its_headers() {
        let mut refused = Problem::bad_request("program_id is required").into_response();
        refused.headers_mut().insert("x-ratelimit-limit", 7.into());
        let flat = in_dialect(DialectErrors::Affitor, refused);
        assert_eq!(flat.status(), 400);
        assert_eq!(flat.headers()["x-ratelimit-limit"], "7");
        assert_eq!(flat.headers()["content-type"], "application/json");
        assert_eq!(body(flat).await, r#"{"error":"program_id is required"}"#);
        for (errors, want) in [
            (DialectErrors::Affitor, r#"{"error":"Invalid API token"}"#),
            (
                DialectErrors::Affy,
                r#"{"error":"Unauthorized","message":"Invalid or missing API key"}"#,
            ),
        ] {
            let unknown = in_dialect(errors, Problem::unauthenticated().into_response());
            assert_eq!(unknown.status(), 401);
            assert_eq!(body(unknown).await, want);
        }
        let fine = in_dialect(DialectErrors::Affy, "fine".into_response());
        assert_eq!(body(fine).await, "fine");
    }
}
