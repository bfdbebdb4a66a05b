//! Who a customer is, and the one text under which that is stored.

use serde::{Deserialize, Serialize};

use crate::domain::{ClickId, CustomerId};

/// By what a customer is known within the organisation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The merchant's own id.
    Id(String),
    /// The folded e-mail address: an identity only for Yaplet (seed: Yaplet, deduplication).
    Email(String),
    /// A visitor who has told no id yet (seed: Affitor and AFFY leads without a customer's id).
    Click(ClickId),
    /// Forgotten: the identity it had is free again.
    Deleted(CustomerId),
}

impl Identity {
    /// An address identifies without its case and surrounding spaces.
    pub fn email(address: &str) -> Self {
        Self::Email(address.trim().to_lowercase())
    }

    /// The one text under which it is stored.
    pub fn key(&self) -> String {
        match self {
            Self::Id(id) => format!("id:{id}"),
            Self::Email(address) => format!("email:{address}"),
            Self::Click(click) => format!("click:{click}"),
            Self::Deleted(customer) => format!("deleted:{customer}"),
        }
    }

    /// The reverse of [`Identity::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once(':')? {
            ("id", id) => Some(Self::Id(id.to_owned())),
            ("email", address) => Some(Self::Email(address.to_owned())),
            ("click", click) => Some(Self::Click(ClickId(click.parse().ok()?))),
            ("deleted", customer) => Some(Self::Deleted(CustomerId(customer.parse().ok()?))),
            _ => None,
        }
    }
}
