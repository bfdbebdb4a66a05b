//! What keys may do.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoEnumIterator as _, IntoStaticStr, VariantNames};

/// What a key may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UnknownScope, parse_err_fn = unknown)]
pub enum Scope {
    /// Send events.
    Ingest,
    /// Read everything of the organisation but its keys.
    Read,
    /// Change affiliates, conversions, commissions, payments.
    Manage,
    /// Edit, replay and discard events.
    Replay,
    /// Pause and resume the organisation, and manage keys.
    Admin,
}

/// The text is not the name of a scope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown scope {name:?}, known are {known}", name = .0, known = Scope::VARIANTS.join(", "))]
pub struct UnknownScope(pub String);

fn unknown(name: &str) -> UnknownScope {
    UnknownScope(name.to_owned())
}

impl Scope {
    /// What "all" stands for.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}
