//! What events name and may wait for: orders, customers, clicks and sessions that are not there yet. Whatever brings one has
//! the same name, and so the same lock.

use std::borrow::Cow;

use super::{
    AttributionFields, Body, CustomerRef, CustomerTarget, Event, EventKind, Identity,
    attribution::{AttributionMethod, customer_methods, methods},
    click_name::ClickName,
};

/// Something with a name, within an organisation (orders, customers) or in all (clicks, sessions).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// A conversion, by its external id.
    Order(String),
    Customer(Identity),
    /// A click, by the client's own id. Our own names of clicks hold their number, which nobody knows before the click is there.
    Click(String),
    Session(String),
}

impl Dependency {
    /// As it is stored and locked, with [`Dependency::name`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Customer(_) => "customer",
            Self::Click(_) => "click",
            Self::Session(_) => "session",
        }
    }

    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Order(name) | Self::Click(name) | Self::Session(name) => name.into(),
            Self::Customer(identity) => identity.key().into(),
        }
    }

    /// The reverse of both.
    pub fn parse(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "order" => Some(Self::Order(name.to_owned())),
            "customer" => Identity::from_key(name).map(Self::Customer),
            "click" => Some(Self::Click(name.to_owned())),
            "session" => Some(Self::Session(name.to_owned())),
            _ => None,
        }
    }

    /// Whether its name is one in all organisations.
    pub fn is_global(&self) -> bool {
        matches!(self, Self::Click(_) | Self::Session(_))
    }

    /// The name as it stands in the bodies of the events that bring it.
    pub fn sent(&self) -> Cow<'_, str> {
        match self {
            Self::Customer(Identity::Id(name) | Identity::Email(name)) => name.into(),
            other => other.name(),
        }
    }

    /// The kinds of events that may bring it.
    pub fn brought_by(&self) -> &'static [EventKind] {
        match self {
            Self::Order(_) => &[EventKind::CreateConversion],
            Self::Customer(_) => &[
                EventKind::CreateConversion,
                EventKind::CreateCustomer,
                EventKind::UpdateCustomer,
                EventKind::Lead,
            ],
            Self::Click(_) | Self::Session(_) => &[EventKind::Click],
        }
    }
}

/// All that the event names: it may bring it, or need it.
pub fn named(event: &Event) -> Vec<Dependency> {
    let needs = event.needs();
    let mut named = Vec::new();
    let orders = needs.order.into_iter().chain(needs.new_order);
    named.extend(orders.map(|order| Dependency::Order(order.to_owned())));
    named.extend(needs.customers.into_iter().map(Dependency::Customer));
    named.extend(needs.clicks.into_iter().filter_map(click));
    let session = needs.session.map(ToOwned::to_owned);
    named.extend(session.map(Dependency::Session));
    named
}

/// What the event may have to wait for: where nothing of it is known the event is refused, though what brings it may have
/// been accepted before. Rows that are named by our number are not among them: whoever knows the number has been told it
/// after their commit. Nor are affiliates, codes and types, which operators declare.
pub fn needed(event: &Event) -> Vec<Dependency> {
    match &event.body {
        Body::UpdateCustomer(update) => match &update.customer {
            CustomerTarget::Id(id) => vec![Dependency::Customer(Identity::Id(id.clone()))],
            CustomerTarget::Number(_) => Vec::new(),
        },
        // Whose customer it is is not known before the click is.
        Body::Lead(_) if event.org.is_none() => {
            let mut names = named(event);
            names.retain(Dependency::is_global);
            names
        }
        Body::Lead(_) | Body::UpdateConversion(_) | Body::Refund(_) | Body::Chargeback(_) => named(event),
        Body::CreateConversion(create) => by_methods(
            methods(event.dialect),
            &create.attribution,
            create.customer.as_ref(),
        ),
        Body::CreateCustomer(create) => {
            by_methods(customer_methods(event.dialect), &create.attribution, None)
        }
        Body::EditConversion(_)
        | Body::AddCommissions(_)
        | Body::EditCommission(_)
        | Body::Click(_)
        | Body::Pay(_)
        | Body::CancelPayment(_)
        | Body::Scheduled(_)
        | Body::Test(_) => Vec::new(),
    }
}

/// What was sent to find the affiliate by.
fn by_methods(
    methods: &[AttributionMethod],
    sent: &AttributionFields,
    customer: Option<&CustomerRef>,
) -> Vec<Dependency> {
    let key = |method: &AttributionMethod| match method {
        AttributionMethod::Customer => {
            customer.map(|customer| Dependency::Customer(customer.identity.clone()))
        }
        AttributionMethod::Click => click(sent.click_id.as_deref()?),
        AttributionMethod::Tracking => click(sent.tracking_id.as_deref()?),
        AttributionMethod::Session => sent.session.clone().map(Dependency::Session),
        AttributionMethod::Coupon | AttributionMethod::ReferralCode | AttributionMethod::Source => None,
    };
    methods.iter().filter_map(key).collect()
}

fn click(name: &str) -> Option<Dependency> {
    match ClickName::parse(name) {
        ClickName::Theirs(name) => Some(Dependency::Click(name)),
        ClickName::Ours { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClickId;

    #[test]
    fn a_stored_key_reads_back() {
        for key in [
            Dependency::Order("o:1".to_owned()),
            Dependency::Customer(Identity::Id("c:1".to_owned())),
            Dependency::Customer(Identity::email("a@b.c")),
            Dependency::Customer(Identity::Click(ClickId(7))),
            Dependency::Click("x".to_owned()),
            Dependency::Session(String::new()),
        ] {
            assert_eq!(Dependency::parse(key.kind(), &key.name()), Some(key));
        }
        assert_eq!(Dependency::parse("affiliate", "x"), None);
        assert_eq!(Dependency::parse("customer", "x"), None);
    }
}
