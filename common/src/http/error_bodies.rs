//! The bodies of errors in each dialect, for descriptions: [`DialectErrors`] prints them.

use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use super::{DialectErrors, openapi::schemas_of};

/// Yaplet's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = yaplet::Error)]
pub struct YapletError {
    pub message: String,
    /// False.
    pub success: bool,
}

/// Tapfiliate's: newer clients read `message`, older ones `errors`.
#[derive(Debug, ToSchema)]
#[schema(as = tapfiliate::Error)]
pub struct TapfiliateError {
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    pub errors: Vec<TapfiliateMessage>,
}

#[derive(Debug, ToSchema)]
#[schema(as = tapfiliate::Message)]
pub struct TapfiliateMessage {
    pub message: String,
}

/// Affitor's.
#[derive(Debug, ToSchema)]
#[schema(as = affitor::Error)]
pub struct AffitorError {
    pub error: String,
}

/// AFFY's.
#[derive(Debug, ToSchema)]
#[schema(as = affy::Error)]
pub struct AffyError {
    /// The HTTP status in words.
    pub error: String,
    pub message: String,
}

/// Commissary's own: one of two shapes, with the request's id.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[schema(as = native::Error)]
pub enum PlainError {
    Plain {
        error: String,
        request_id: String,
    },
    Tapfiliate {
        #[serde(flatten)]
        error: TapfiliateError,
        request_id: String,
    },
}

impl DialectErrors {
    /// The named schemas of its errors: first that of the body, then those that it refers to. None, where errors are pictures.
    pub fn schemas(self) -> Vec<(String, RefOr<Schema>)> {
        match self {
            Self::Yaplet => schemas_of::<YapletError>(),
            Self::Tapfiliate => schemas_of::<TapfiliateError>(),
            Self::Affitor => schemas_of::<AffitorError>(),
            Self::Affy => schemas_of::<AffyError>(),
            Self::Pixel => Vec::new(),
            Self::Plain => schemas_of::<PlainError>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::Value;

    use super::*;

    #[test]
    fn errors_are_printed_as_described() {
        for errors in [
            DialectErrors::Yaplet,
            DialectErrors::Tapfiliate,
            DialectErrors::Affitor,
            DialectErrors::Affy,
        ] {
            let Value::Object(printed) = errors.body(StatusCode::NOT_FOUND, "no") else {
                panic!("{errors:?} is no object");
            };
            let (_, schema) = &errors.schemas()[0];
            let Value::Object(described) = serde_json::to_value(schema).unwrap()["properties"].clone() else {
                panic!("{errors:?} has no properties");
            };
            let names = |fields: serde_json::Map<String, Value>| fields.into_iter().map(|(name, _)| name);
            assert!(names(printed).eq(names(described)), "{errors:?}");
        }
    }
}
