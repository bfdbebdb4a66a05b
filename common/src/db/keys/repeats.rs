//! How a key's repeated sales are answered.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// How a sale is answered whose order was recorded before.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UnknownRepeats, parse_err_fn = unknown)]
pub enum Repeats {
    /// With its dialect's documented error.
    #[default]
    Documented,
    /// The very same sale as it was first, with 200: for networks that switch a sender off after errors. One that says
    /// anything else has the documented error.
    First,
}

/// The text is not a way of answering.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown repeats {name:?}, known are {known}", name = .0, known = Repeats::VARIANTS.join(", "))]
pub struct UnknownRepeats(pub String);

fn unknown(name: &str) -> UnknownRepeats {
    UnknownRepeats(name.to_owned())
}

impl Repeats {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl std::fmt::Display for Repeats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
