//! Customers: who they are, how they come, and how they leave.

use serde::{Deserialize, Serialize};

use super::{AttributionFields, MetaData, Needs, NewRows, OrgClue};
use crate::domain::{ClickId, CustomerId, CustomerLifecycle};

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

/// The customer of a sale, as far as the request tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerRef {
    pub identity: Identity,
    /// The merchant's id for cross-reference, where the identity is another.
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    #[serde(default)]
    pub meta_data: MetaData,
}

/// A customer to record before any sale (seed: Postback 1.7 and REST 1.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateCustomer {
    /// The merchant's id.
    pub customer_id: String,
    pub attribution: AttributionFields,
    /// Envelopes and rows call it a track.
    #[serde(rename = "track")]
    pub lifecycle: CustomerLifecycle,
    pub meta_data: MetaData,
    /// User agent, ip: kept for reports.
    pub details: MetaData,
    /// A click counts whatever its age (seed: REST 1.6).
    pub override_max_cookie_time: bool,
}

impl CreateCustomer {
    pub(super) fn needs(&self) -> Needs<'_> {
        Needs {
            customers: vec![Identity::Id(self.customer_id.clone())],
            clicks: self.attribution.clicks().collect(),
            attribution: Some(&self.attribution),
            new_rows: NewRows {
                customers: 1,
                ..NewRows::default()
            },
            ..Needs::default()
        }
    }
}

/// Which customer is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerTarget {
    /// The merchant's id.
    Id(String),
    /// Our number, which the public ids name.
    Number(CustomerId),
}

/// What is to become of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerAction {
    /// Ends the relation: recurring commissions stop (seed: REST 1.6, cancel).
    Cancel,
    /// Back to where the customer's sales say (seed: REST 1.6, uncancel).
    Resume,
    /// Forgets the customer; conversions stay. The row is kept, its id is free again.
    Delete,
}

/// A change of a customer. Only what is given changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateCustomer {
    pub customer: CustomerTarget,
    /// Another id in the merchant's system.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// Replaces what is there.
    #[serde(default)]
    pub meta_data: Option<MetaData>,
    #[serde(default)]
    pub action: Option<CustomerAction>,
}

impl UpdateCustomer {
    pub(super) fn needs(&self) -> Needs<'_> {
        let (id, number) = match &self.customer {
            CustomerTarget::Id(id) => (Some(id), None),
            CustomerTarget::Number(number) => (None, Some(*number)),
        };
        let ids = id.into_iter().chain(&self.customer_id);
        Needs {
            customers: ids.cloned().map(Identity::Id).collect(),
            customer: number,
            ..Needs::default()
        }
    }
}

/// A visitor has signed up: binds the customer to the click (seed: Affitor, lead; AFFY, registration). The same again
/// changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lead {
    /// Clicks that prove the visit, the best first; the first known one counts.
    pub click_ids: Vec<String>,
    /// seed: AFFY, sessionId
    pub session: Option<String>,
    /// The merchant's id of the customer. Without one the customer is known by the click.
    pub customer_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub details: MetaData,
}

impl Lead {
    pub(super) fn needs(&self) -> Needs<'_> {
        let session = self.session.as_deref();
        Needs {
            customers: self.customer_id.iter().cloned().map(Identity::Id).collect(),
            clicks: self.click_ids.iter().map(String::as_str).collect(),
            session,
            org_clue: Some(OrgClue::Visit {
                clicks: &self.click_ids,
                session,
            }),
            new_rows: NewRows {
                customers: 1,
                ..NewRows::default()
            },
            ..Needs::default()
        }
    }
}
