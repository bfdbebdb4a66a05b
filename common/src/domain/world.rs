//! The state that a batch is decided on: loaded under the batch's locks, changed by deciding, then written back.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::{
    ClickId, CommissionId, ConversionId, CreateConversion, CustomerId, Dependency, Event, EventId, Identity,
    OrgId, Outcome, PaymentId,
    catalog::OrgCatalog,
    click_name::ClickName,
    entities::{Click, Commission, Conversion, Customer, MonthlySales, Payment},
};

/// Everything that the events of a batch may touch. Whoever loads it has locked the keys of the batch before.
#[derive(Clone, Debug)]
pub struct World {
    pub now: DateTime<Utc>,
    /// What operators have declared, by organisation. Only read while deciding.
    pub catalogs: HashMap<OrgId, Arc<OrgCatalog>>,
    /// Outcomes of events of the batch that have a row already.
    pub events: HashMap<EventId, Outcome>,
    pub idempotency: HashMap<(OrgId, String), IdempotencyRecord>,
    /// What the events asked for that recorded orders which are sent again, where the repetition may be answered as they were.
    pub first_sales: HashMap<EventId, CreateConversion>,
    /// Living conversions by external id; those without one, and those whose name is free again, by
    /// [`unnamed_key`].
    pub conversions: HashMap<(OrgId, String), Conversion>,
    /// Under which key a conversion of [`World::conversions`] is.
    pub conversion_keys: HashMap<ConversionId, String>,
    /// To which conversion a commission belongs.
    pub commission_owners: HashMap<CommissionId, ConversionId>,
    /// Commissions without a conversion: bonuses.
    pub bonuses: HashMap<CommissionId, (OrgId, Commission)>,
    pub clicks: HashMap<ClickId, Click>,
    /// Clicks by the client's own id.
    pub click_names: HashMap<(OrgId, String), ClickId>,
    /// The latest click of a session.
    pub sessions: HashMap<(OrgId, String), ClickId>,
    pub payments: HashMap<PaymentId, Payment>,
    /// What bonus events are decided by.
    pub monthly_sales: HashMap<EventId, MonthlySales>,
    pub customers: HashMap<(OrgId, Identity), Customer>,
    /// Under which identity a customer of [`World::customers`] is.
    pub customer_identities: HashMap<CustomerId, Identity>,
    /// Events that are parked, by what they wait for.
    pub parked: HashMap<(OrgId, Dependency), Vec<Event>>,
    /// Events of the batch that are looked at for the last time, and before which nothing that was accepted is under way any more.
    pub earlier_are_through: HashSet<EventId>,
    /// Events without an organisation that name what several have.
    pub ambiguous: HashSet<EventId>,
    pub ids: IdPool,
}

impl World {
    pub fn empty(now: DateTime<Utc>) -> Self {
        Self {
            now,
            catalogs: HashMap::new(),
            events: HashMap::new(),
            idempotency: HashMap::new(),
            first_sales: HashMap::new(),
            conversions: HashMap::new(),
            conversion_keys: HashMap::new(),
            commission_owners: HashMap::new(),
            bonuses: HashMap::new(),
            clicks: HashMap::new(),
            click_names: HashMap::new(),
            sessions: HashMap::new(),
            payments: HashMap::new(),
            monthly_sales: HashMap::new(),
            customers: HashMap::new(),
            customer_identities: HashMap::new(),
            parked: HashMap::new(),
            earlier_are_through: HashSet::new(),
            ambiguous: HashSet::new(),
            ids: IdPool::default(),
        }
    }

    pub fn add_customer(&mut self, customer: Customer) {
        self.customer_identities
            .insert(customer.id, customer.identity.clone());
        self.customers
            .insert((customer.org, customer.identity.clone()), customer);
    }

    /// Adds a conversion under its external id, or under its number where it has no living name.
    pub fn add_conversion(&mut self, conversion: Conversion) {
        let key = match (&conversion.external_id, conversion.deleted_at) {
            (Some(name), None) => name.clone(),
            _ => unnamed_key(conversion.id),
        };
        for commission in &conversion.commissions {
            self.commission_owners.insert(commission.id, conversion.id);
        }
        if let Some(before) = self.conversion_keys.insert(conversion.id, key.clone())
            && before != key
        {
            self.conversions.remove(&(conversion.org, before));
        }
        self.conversions.insert((conversion.org, key), conversion);
    }

    /// The living conversion with this external id.
    pub fn conversion_of(&self, org: OrgId, order: &str) -> Option<&Conversion> {
        self.conversions.get(&(org, order.to_owned()))
    }

    pub fn conversion(&self, org: OrgId, id: ConversionId) -> Option<&Conversion> {
        self.conversions
            .get(&(org, self.conversion_keys.get(&id)?.clone()))
    }

    /// Deleted ones too: what they bought remains theirs.
    pub fn customer(&self, org: OrgId, id: CustomerId) -> Option<&Customer> {
        self.customers
            .get(&(org, self.customer_identities.get(&id)?.clone()))
    }

    /// The customer of this identity, who was not deleted.
    pub fn living_customer(&self, org: OrgId, identity: &Identity) -> Option<&Customer> {
        self.customers
            .get(&(org, identity.clone()))
            .filter(|customer| customer.deleted_at.is_none())
    }

    pub fn add_click(&mut self, click: Click) {
        if let Some(name) = &click.name {
            self.click_names.insert((click.org, name.clone()), click.id);
        }
        self.clicks.insert(click.id, click);
    }

    /// The click of `org` that `name` names, in any of its names.
    pub fn click(&self, org: OrgId, name: &str) -> Option<&Click> {
        let click = match ClickName::parse(name) {
            ClickName::Ours { id, millis } => {
                let click = self.clicks.get(&id)?;
                (click.created_at.timestamp_millis() == millis).then_some(click)?
            }
            ClickName::Theirs(name) => self.clicks.get(self.click_names.get(&(org, name))?)?,
        };
        (click.org == org).then_some(click)
    }

    /// The latest click of a session of `org`.
    pub fn session(&self, org: OrgId, session: &str) -> Option<&Click> {
        self.clicks.get(self.sessions.get(&(org, session.to_owned()))?)
    }
}

/// No external id begins with NUL: requests with one are turned away.
pub fn unnamed_key(id: ConversionId) -> String {
    format!("\0{id}")
}

/// The first use of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    pub event: EventId,
    pub hash: String,
}

/// Numbers drawn from the sequences before deciding, handed out from the end. Those left over are lost: sequences have
/// gaps.
#[derive(Clone, Debug, Default)]
pub struct IdPool {
    pub conversions: Vec<i64>,
    pub commissions: Vec<i64>,
    pub customers: Vec<i64>,
    pub clicks: Vec<i64>,
    pub payments: Vec<i64>,
}

/// The loader drew fewer ids than the batch needs: a bug, which fails the batch and changes nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the id pool of the batch is exhausted")]
pub struct PoolExhausted;

/// Each hands out the next number. An empty pool fails the batch: no row gets a number that was not drawn for it.
impl IdPool {
    pub(super) fn conversion(&mut self) -> Result<ConversionId, PoolExhausted> {
        self.conversions.pop().map(ConversionId).ok_or(PoolExhausted)
    }

    /// The number that [`IdPool::conversion`] hands out next.
    pub(super) fn next_conversion(&self) -> Option<ConversionId> {
        self.conversions.last().copied().map(ConversionId)
    }

    pub(super) fn commission(&mut self) -> Result<CommissionId, PoolExhausted> {
        self.commissions.pop().map(CommissionId).ok_or(PoolExhausted)
    }

    pub(super) fn customer(&mut self) -> Result<CustomerId, PoolExhausted> {
        self.customers.pop().map(CustomerId).ok_or(PoolExhausted)
    }

    pub(super) fn click(&mut self) -> Result<ClickId, PoolExhausted> {
        self.clicks.pop().map(ClickId).ok_or(PoolExhausted)
    }

    pub(super) fn payment(&mut self) -> Result<PaymentId, PoolExhausted> {
        self.payments.pop().map(PaymentId).ok_or(PoolExhausted)
    }
}
