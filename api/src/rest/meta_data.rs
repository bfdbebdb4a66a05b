//! Meta data as a resource of its own, of whatever has some (seed: REST 1.6).

use common::{
    domain::MetaData,
    http::request::{Invalid, Received, check_name},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::bodies::{fields_of, sent_fields_of};

/// For descriptions.
pub(super) const META_DATA_EXAMPLE: &str = include_str!("examples/meta_data.json");
/// What errors call it.
const NAME: &str = "meta_data";

/// All properties.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = rest::MetaData, value_type = Object)]
pub(super) struct All<'a>(pub(super) &'a MetaData);

/// One property.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::MetaDataValue)]
pub(super) struct Property<'a> {
    #[schema(value_type = Value)]
    pub(super) value: &'a Value,
}

/// The properties that the whole body is.
///
/// # Errors
/// When the body is none or no object. What is too large is cut, with a warning.
pub(super) fn all_of(received: &Received) -> Result<MetaData, Invalid> {
    let fields = sent_fields_of(received)?;
    for name in fields.values().keys() {
        // Sent twice with different values, it would be neither.
        fields.value(name)?;
    }
    Ok(fields.cleaned(NAME, fields.values().clone().into()))
}

/// The value of the property `name`: the body's field `value`.
///
/// # Errors
/// When there is none, or the name is reserved.
pub(super) fn property_of(name: &str, received: &Received) -> Result<Value, Invalid> {
    check_name(name)?;
    let fields = fields_of(received)?;
    let value = fields.value("value")?.ok_or_else(|| fields.required("value"))?;
    let one = Map::from_iter([(name.to_owned(), value.clone())]);
    let mut kept = fields.cleaned(NAME, one.into());
    // An unresolved macro: what was there stays.
    kept.remove(name)
        .ok_or_else(|| fields.wrong("value", "is an unresolved macro"))
}
