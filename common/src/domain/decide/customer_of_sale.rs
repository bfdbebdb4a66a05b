//! The customer of a sale: found, created, bound to another affiliate.

use super::{
    Context,
    customer_record::{bind, change_customer, leave_on_click, may_tell_id, new_customer},
};
use crate::domain::{
    AttributionFields, CreateConversion, CustomerId, CustomerLifecycle, CustomerRef, Dialect, Event,
    Identity, MetaData, World,
    attribution::Attribution,
    entities::{Click, Customer},
    world::PoolExhausted,
};

/// The customer that a sale names, or that a lead has bound to the click which it names.
pub(super) fn customer_of_sale<'w>(
    context: &Context<'_>,
    create: &CreateConversion,
    world: &'w World,
) -> Option<&'w Customer> {
    let named = create.customer.as_ref().map(|named| &named.identity);
    let click = click_of(context, &create.attribution, world);
    visitor(context, named, click, world)
}

/// The customer of this identity, else the one who came by this click: unless that is somebody else, who has told another
/// id (one browser, two people).
pub(super) fn visitor<'w>(
    context: &Context<'_>,
    named: Option<&Identity>,
    click: Option<&Click>,
    world: &'w World,
) -> Option<&'w Customer> {
    let event = context.event;
    let by_id = named.and_then(|named| world.living_customer(context.org, named));
    let by_click = || {
        let click = click?;
        let customer = world.customer(context.org, click.customer?)?;
        let is_same = named.is_none() || may_tell_id(event, customer);
        // Anybody can send an unauthenticated event that leaves a customer on a click: it must not divert authenticated
        // sales.
        let is_meant = !event.authenticated
            || click.customer_authenticated
            || matches!(customer.identity, Identity::Click(_))
            || customer
                .standings()
                .any(|standing| standing.authenticated && standing.click == Some(click.id));
        (customer.deleted_at.is_none() && is_same && is_meant).then_some(customer)
    };
    by_id.or_else(by_click)
}

/// The click of a sale in the dialects where clicks lead to customers.
fn click_of<'w>(context: &Context<'_>, sent: &AttributionFields, world: &'w World) -> Option<&'w Click> {
    if !matches!(context.event.dialect, Dialect::Affitor | Dialect::Affy) {
        return None;
    }
    let by_id = sent
        .click_id
        .as_deref()
        .and_then(|name| world.click(context.org, name));
    by_id.or_else(|| world.session(context.org, sent.session.as_deref()?))
}

/// Creates or updates the customer of a recorded sale. In the dialects of clicks a visitor who told no id is one too.
pub(super) fn upsert_customer(
    context: &Context<'_>,
    create: &CreateConversion,
    found: &Attribution<'_>,
    known: Option<CustomerId>,
    world: &mut World,
) -> Result<Option<CustomerId>, PoolExhausted> {
    if let Some(id) = known {
        change_customer(world, context.org, id, |customer| {
            update(context.event, customer, create.customer.as_ref(), found);
        });
        return Ok(Some(id));
    }
    let click = click_of(context, &create.attribution, world).map(|click| click.id);
    let visitor = click.map(|click| CustomerRef {
        identity: Identity::Click(click),
        external_id: None,
        email: None,
        name: None,
        meta_data: MetaData::new(),
    });
    let Some(mut named) = create.customer.clone().or(visitor) else {
        return Ok(None);
    };
    named.name = named.name.take().or_else(|| default_name(context.event, &named));
    let id = new_customer(context, named, found, CustomerLifecycle::New, world)?;
    if let Some(click) = click {
        leave_on_click(context, click, id, world);
    }
    Ok(Some(id))
}

/// What an unauthenticated sale says writes nothing over what an authenticated event said.
fn update(event: &Event, customer: &mut Customer, named: Option<&CustomerRef>, found: &Attribution<'_>) {
    if let Some(named) = named {
        if event.authenticated || !customer.is_authenticated() {
            overwrite(customer, named);
            customer.name = customer.name.take().or_else(|| default_name(event, named));
        }
        if may_tell_id(event, customer) {
            customer.identity = named.identity.clone();
        }
    }
    bind(event, customer, found, |standing| {
        found.authenticated && !standing.authenticated
    });
}

/// Last writer wins for what is sent; what is not sent stays.
fn overwrite(customer: &mut Customer, named: &CustomerRef) {
    customer.external_id = named.external_id.clone().or(customer.external_id.take());
    customer.email = named.email.clone().or(customer.email.take());
    customer.name = named.name.clone().or(customer.name.take());
    customer.meta_data.extend(named.meta_data.clone());
}

/// What Yaplet calls a customer whose name nobody has sent yet: the e-mail's prefix. Never over a name that was sent.
fn default_name(event: &Event, named: &CustomerRef) -> Option<String> {
    let email = named
        .email
        .as_deref()
        .filter(|_| event.dialect == Dialect::Yaplet)?;
    email.rsplit_once('@').map(|(prefix, _)| prefix.to_owned())
}
