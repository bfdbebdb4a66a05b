//! How customers are added and changed, for all rules that do so.

use crate::domain::{
    ClickId, CustomerId, CustomerLifecycle, CustomerRef, Event, Identity, MetaData, OrgId, World,
    attribution::Attribution,
    entities::{Change, Customer, Standing},
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
        own: new_standing(found),
        elsewhere: Vec::new(),
        status: String::new(),
        lifecycle,
        canceled: false,
        canceled_by: None,
        meta_by: None,
        meta_data: named.meta_data,
        details: MetaData::new(),
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

/// Puts back a customer that was changed, with the status that follows. Only what is different is written: its own row, and
/// those of other programs.
pub(super) fn put_customer(world: &mut World, before: &Customer, mut after: Customer) {
    follow_status(&mut after);
    if after == *before {
        return;
    }
    for elsewhere in &mut after.elsewhere {
        if !before.elsewhere.contains(elsewhere) {
            elsewhere.change.touch();
        }
    }
    let is_same_row = before.elsewhere.is_empty() == after.elsewhere.is_empty()
        && *before
            == Customer {
                elsewhere: before.elsewhere.clone(),
                ..after.clone()
            };
    if !is_same_row {
        after.change.touch();
    }
    if after.identity != before.identity {
        world.customers.remove(&(before.org, before.identity.clone()));
    }
    world.add_customer(after);
}

/// Brings the status up to date with the facts.
pub(super) fn follow_status(customer: &mut Customer) {
    customer.derived_status().clone_into(&mut customer.status);
}

/// Binds the customer in the program that was found: whoever was found there first keeps it, unless what is `replaced`. Where
/// that holds of its own program, too, the program that was found becomes its own.
pub(super) fn bind(
    event: &Event,
    customer: &mut Customer,
    found: &Attribution<'_>,
    replaced: impl Fn(&Standing) -> bool,
) {
    let program = found.program.id;
    let moves = replaced(&customer.own);
    match customer.in_program_mut(program) {
        Some(standing) if replaced(standing) => rebind(standing, found),
        Some(_) => {}
        None => customer.add_elsewhere(new_standing(found), event.id, event.received_at),
    }
    if moves {
        customer.move_to(program, event.id, event.received_at);
    }
}

/// Binds the customer to another affiliate in a program. The caller has seen that it may.
pub(super) fn rebind(standing: &mut Standing, found: &Attribution<'_>) {
    standing.affiliate = found.affiliation.affiliate;
    standing.click = found.click;
    standing.authenticated = found.authenticated;
}

/// Of somebody who has not bought in the program yet.
fn new_standing(found: &Attribution<'_>) -> Standing {
    Standing {
        program: found.program.id,
        affiliate: found.affiliation.affiliate,
        click: found.click,
        authenticated: found.authenticated,
        counted_towards_cap: 0,
        first_sale_at: None,
        capped: false,
    }
}

/// A customer who is known by a click alone may get an id later; an authenticated customer only by an authenticated event.
pub(super) fn may_tell_id(event: &Event, customer: &Customer) -> bool {
    matches!(customer.identity, Identity::Click(_)) && (event.authenticated || !customer.is_authenticated())
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
