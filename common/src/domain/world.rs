//! The state that a batch is decided on: loaded under the batch's locks, changed by deciding, then written back.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    CommissionId, ConversionId, CustomerId, Event, EventId, Identity, OrgId, Outcome,
    catalog::Catalog,
    entities::{Conversion, Customer},
};

/// Everything that the events of a batch may touch. Whoever loads it has locked the keys of the batch before.
#[derive(Clone, Debug)]
pub struct World {
    pub now: DateTime<Utc>,
    pub catalog: Catalog,
    /// Outcomes of events of the batch that have a row already.
    pub events: HashMap<EventId, Outcome>,
    pub idempotency: HashMap<(OrgId, String), IdempotencyRecord>,
    /// Living conversions by external id.
    pub conversions: HashMap<(OrgId, String), Conversion>,
    pub customers: HashMap<(OrgId, Identity), Customer>,
    /// Under which identity a customer of [`World::customers`] is.
    pub customer_identities: HashMap<CustomerId, Identity>,
    /// Events that wait for an order, by its external id.
    pub parked: HashMap<(OrgId, String), Vec<Event>>,
    pub ids: IdPool,
}

impl World {
    pub fn empty(now: DateTime<Utc>) -> Self {
        Self {
            now,
            catalog: HashMap::new(),
            events: HashMap::new(),
            idempotency: HashMap::new(),
            conversions: HashMap::new(),
            customers: HashMap::new(),
            customer_identities: HashMap::new(),
            parked: HashMap::new(),
            ids: IdPool::default(),
        }
    }

    pub fn add_customer(&mut self, customer: Customer) {
        self.customer_identities
            .insert(customer.id, customer.identity.clone());
        self.customers
            .insert((customer.org, customer.identity.clone()), customer);
    }
}

/// The first use of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    pub event: EventId,
    pub hash: String,
}

/// Numbers drawn from the sequences before deciding. Those left over are lost: sequences have gaps.
#[derive(Clone, Debug, Default)]
pub struct IdPool {
    pub conversions: Vec<i64>,
    pub commissions: Vec<i64>,
    pub customers: Vec<i64>,
}

impl IdPool {
    /// The next conversion id; `None` when the pool was drawn too small, which fails the batch, never the money.
    pub(super) fn conversion(&mut self) -> Option<ConversionId> {
        self.conversions.pop().map(ConversionId)
    }

    pub(super) fn commission(&mut self) -> Option<CommissionId> {
        self.commissions.pop().map(CommissionId)
    }

    pub(super) fn customer(&mut self) -> Option<CustomerId> {
        self.customers.pop().map(CustomerId)
    }
}
