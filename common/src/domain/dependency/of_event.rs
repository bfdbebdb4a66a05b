//! What an event names, and what it may wait for.

use super::Dependency;
use crate::domain::{
    AttributionFields, Body, CustomerRef, CustomerTarget, Event, Identity,
    attribution::{AttributionMethod, customer_methods, methods},
    click_name::ClickName,
};

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
            names.retain(Dependency::tells_org);
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
        | Body::RecalculateCommissions(_)
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
