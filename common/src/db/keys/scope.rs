//! What keys may do.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[error("unknown scope {0:?}, known are ingest, read, manage, replay, admin")]
pub struct UnknownScope(pub String);

impl Scope {
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Read, Self::Manage, Self::Replay, Self::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Manage => "manage",
            Self::Replay => "replay",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| UnknownScope(name.to_owned()))
    }
}
