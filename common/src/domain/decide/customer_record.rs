//! How customers are added and changed, for all rules that do so.

use crate::domain::{
    ClickId, CustomerId, CustomerLifecycle, CustomerRef, Event, Identity, MetaData, OrgId, World,
    attribution::Attribution,
    entities::{Change, Customer},
    world::PoolExhausted,
};

use super::Context;

/// Adds a customer bound to the affiliate that was found.
pub(super) fn new_customer(
    context: &Context<'_>,
    named: CustomerRef,
    found: &Attribution<'_>,
    lifecycle: CustomerLifecycle,
    world: &mut World,
) -> Result<CustomerId, PoolExhausted> {
    let event = context.event;
    let id = world.ids.customer()?;
    let mut customer = Customer {
        change: Change::Insert,
        org: context.org,
        id,
        identity: named.identity,
        external_id: named.external_id,
        email: named.email,
        name: named.name,
        program: found.program.id,
        affiliate: found.affiliation.affiliate,
        status: String::new(),
        lifecycle,
        canceled: false,
        canceled_by: None,
        meta_by: None,
        capped: false,
        counted_towards_cap: 0,
        first_sale_at: None,
        click: found.click,
        meta_data: named.meta_data,
        details: MetaData::new(),
        authenticated: found.authenticated,
        event: Some(event.id),
        created_at: event.received_at,
        deleted_at: None,
    };
    follow_status(&mut customer);
    world.add_customer(customer);
    Ok(id)
}

/// Changes a customer, brings its status up to date, and marks it if anything is different.
pub(super) fn change_customer(
    world: &mut World,
    org: OrgId,
    id: CustomerId,
    edit: impl FnOnce(&mut Customer),
) {
    let Some(before) = world.customer(org, id).cloned() else {
        return;
    };
    let mut after = before.clone();
    edit(&mut after);
    put_customer(world, &before, after);
}

/// Puts back a customer that was changed, with the status that follows.
pub(super) fn put_customer(world: &mut World, before: &Customer, mut after: Customer) {
    follow_status(&mut after);
    if after == *before {
        return;
    }
    after.change.touch();
    if after.identity != before.identity {
        world.customers.remove(&(before.org, before.identity.clone()));
    }
    world.add_customer(after);
}

/// Brings the status up to date with the facts.
pub(super) fn follow_status(customer: &mut Customer) {
    customer.derived_status().clone_into(&mut customer.status);
}

/// Binds the customer to another affiliate. The caller has seen that it may.
pub(super) fn rebind(customer: &mut Customer, found: &Attribution<'_>) {
    customer.program = found.program.id;
    customer.affiliate = found.affiliation.affiliate;
    customer.click = found.click;
    customer.authenticated = found.authenticated;
}

/// A customer who is known by a click alone may get an id later; an authenticated customer only by an authenticated event.
pub(super) fn may_tell_id(event: &Event, customer: &Customer) -> bool {
    matches!(customer.identity, Identity::Click(_)) && (event.authenticated || !customer.authenticated)
}

/// Notes on a click which customer came by it. The first one stays as long as the customer lives, but an authenticated
/// event replaces one whom an unauthenticated event noted: unless that is a visitor without a name, who is known by this
/// click alone.
pub(super) fn leave_on_click(context: &Context<'_>, click: ClickId, customer: CustomerId, world: &mut World) {
    let event = context.event;
    let Some(holder) = world.clicks.get(&click) else {
        return;
    };
    let may_replace = event.authenticated && !holder.customer_authenticated;
    let holder = holder.customer.and_then(|id| world.customer(context.org, id));
    let is_free = holder.is_none_or(|holder| {
        let is_named = !matches!(holder.identity, Identity::Click(_));
        holder.deleted_at.is_some() || (may_replace && is_named)
    });
    if let Some(click) = world.clicks.get_mut(&click).filter(|_| is_free) {
        (click.customer, click.customer_authenticated) = (Some(customer), event.authenticated);
        click.change.touch();
    }
}
