//! Customers: how they come, and how they leave.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    attribution_fields::AttributionFields,
    identity::Identity,
    meta_data::{MetaChange, MetaData},
    needs::{Needs, NewRows, OrgClue},
};
use crate::domain::{CustomerId, CustomerLifecycle};

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
    /// One property of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_change: Option<MetaChange>,
    #[serde(default)]
    pub action: Option<CustomerAction>,
    /// When it was, where the client tells: of two changes of a field the later counts, in whatever order they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
}

impl UpdateCustomer {
    /// A change of nothing yet.
    pub fn of(customer: CustomerTarget) -> Self {
        Self {
            customer,
            customer_id: None,
            meta_data: None,
            meta_change: None,
            action: None,
            occurred_at: None,
        }
    }

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
