//! What the descriptions of calls share, in both planes: examples that lie in files, and schemas that no type has.

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, SchemaType, Type},
    },
};

/// An example from a file beside its handler: `example = json!(example(include_str!("order.json")))`. Null if it is no JSON,
/// which a test of the whole document would find.
pub fn example(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The named schemas of `T`: first its own, then those that it refers to.
pub fn schemas_of<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}

/// An amount of a request.
#[derive(Debug)]
pub struct Amount;

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Number, Type::String]))
            .description(Some("Exact and not negative: a number, or the same as text."))
            .examples([100])
            .into()
    }
}

impl ToSchema for Amount {}

/// A time of a request.
#[derive(Debug)]
pub struct Moment;

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::String]))
            .description(Some(
                "Seconds or milliseconds since 1970, or a date or time as of ISO 8601, in UTC where it has no offset.",
            ))
            .examples(["2026-11-29T10:00:00+01:00"])
            .into()
    }
}

impl ToSchema for Moment {}

/// `meta_data` of a request.
#[derive(Debug)]
pub struct MetaData;

impl PartialSchema for MetaData {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "The caller's own data: any names and values, 32 KiB of them.",
            ))
            .into()
    }
}

impl ToSchema for MetaData {}
