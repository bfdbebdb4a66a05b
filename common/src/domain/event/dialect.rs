//! The wire formats in which events come.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::domain::names::named;

/// The wire format in which an event came.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[schema(as = explain::Dialect)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Dialect {
    Yaplet,
    Postback,
    Rest,
    Affitor,
    Affy,
    Pixel,
    Native,
    /// What falls due by itself: holds that end, recurring commissions, bonuses.
    Internal,
}

named! { Dialect }
