//! Customers recorded and changed without a sale.

use super::{
    Context, Stop,
    change::change_meta_data,
    customer_record::{bind, change_customer, follow_status, leave_on_click, new_customer, put_customer},
    limits::is_beyond_limits,
    view,
};
use crate::domain::{
    Applied, CreateCustomer, CustomerAction, CustomerId, CustomerRef, CustomerTarget, Event, First, Identity,
    Outcome, Reason, Refusal, UpdateCustomer, World,
    attribution::{Attribution, AttributionQuery, attribute, customer_methods},
    entities::Customer,
    writer::Writer,
};

pub(super) fn create_customer(
    context: &Context<'_>,
    create: &CreateCustomer,
    world: &mut World,
) -> Result<Applied, Stop> {
    let event = context.event;
    let identity = Identity::Id(create.customer_id.clone());
    let known = world.living_customer(context.org, &identity);
    // An unauthenticated customer gives way to an authenticated one.
    if let Some(known) = known.filter(|known| known.is_authenticated() || !event.authenticated) {
        return Err(repeated(context, &create.customer_id, known, world).into());
    }
    let known = known.map(|known| known.id);
    let query = AttributionQuery {
        org: context.org,
        dialect: event.dialect,
        methods: customer_methods(event.dialect),
        sent: &create.attribution,
        scope: event.program_scope,
        customer: None,
        customer_name: None,
        at: event.received_at,
        any_age: create.override_max_cookie_time,
        authenticated: event.authenticated,
    };
    let (found, _) = attribute(&query, world, context.catalog)?;
    let id = match known {
        Some(known) => known,
        None => new_customer(context, named(create, identity), &found, create.lifecycle, world)?,
    };
    change_customer(world, context.org, id, |customer| {
        describe(event, customer, create, &found);
    });
    if let Some(click) = found.click {
        leave_on_click(context, click, id, world);
    }
    let customer = world.customer(context.org, id);
    let record = customer.and_then(|customer| view::customer_record(customer, world, context.catalog));
    let record = record.ok_or_else(|| unknown(&CustomerTarget::Number(id)))?;
    Ok(Applied::Customer(Box::new(record)))
}

fn named(create: &CreateCustomer, identity: Identity) -> CustomerRef {
    CustomerRef {
        identity,
        external_id: Some(create.customer_id.clone()),
        email: None,
        name: None,
        meta_data: create.meta_data.clone(),
    }
}

/// All that the request tells of the customer, over what an unauthenticated one told before.
fn describe(event: &Event, customer: &mut Customer, create: &CreateCustomer, found: &Attribution<'_>) {
    bind(event, customer, found, |_| true);
    customer.lifecycle = create.lifecycle;
    customer.meta_data.clone_from(&create.meta_data);
    customer.details.clone_from(&create.details);
}

/// Who may not see the customer learns only that the id is taken.
fn repeated(context: &Context<'_>, name: &str, known: &Customer, world: &World) -> Refusal {
    let known = Some(known).filter(|known| context.event.sees(known.own.program));
    let first = known.and_then(|known| {
        let record = view::customer_record(known, world, context.catalog);
        let outcome = record.map(|record| Outcome::Applied(Applied::Customer(Box::new(record))));
        Some(Box::new(First::new(known.event?, outcome)))
    });
    Refusal {
        first,
        ..duplicate(name)
    }
}

/// Changes a copy and puts it back: a refusal half-way leaves nothing behind.
pub(super) fn update_customer(
    context: &Context<'_>,
    update: &UpdateCustomer,
    world: &mut World,
) -> Result<Applied, Stop> {
    let before = target(context, &update.customer, world)?.clone();
    let mut after = before.clone();
    let writer = Writer::new(context.event, update.occurred_at);
    let meta_data = update.meta_data.as_ref();
    if let Some(meta_data) = meta_data.filter(|_| writer.is_after(after.meta_by)) {
        after.meta_data.clone_from(meta_data);
        after.meta_by = Some(writer);
    }
    if let Some(change) = &update.meta_change {
        change_meta_data(&mut after.meta_data, change)?;
        after.meta_by = after.meta_by.max(Some(writer));
    }
    if let Some(name) = &update.customer_id {
        rename(context, &mut after, name, world)?;
    }
    act(context, &mut after, writer, update.action);
    follow_status(&mut after);
    let record = view::customer_record(&after, world, context.catalog).ok_or_else(|| {
        let detail = "the customer's program or affiliate has been removed";
        Refusal::new(Reason::NotAttributed, detail)
    })?;
    put_customer(world, &before, after);
    Ok(Applied::Customer(Box::new(record)))
}

/// Of an end and a return the later counts.
fn act(context: &Context<'_>, customer: &mut Customer, writer: Writer, action: Option<CustomerAction>) {
    let turns = matches!(action, Some(CustomerAction::Cancel | CustomerAction::Resume));
    if turns && !writer.is_after(customer.canceled_by) {
        return;
    }
    match action {
        Some(CustomerAction::Cancel) => {
            customer.canceled = true;
            customer.canceled_by = Some(writer);
        }
        Some(CustomerAction::Resume) => {
            customer.canceled = false;
            customer.canceled_by = Some(writer);
            for standing in customer.standings_mut() {
                let program = context.catalog.program(standing.program);
                standing.capped = program
                    .is_some_and(|program| is_beyond_limits(standing, program, context.event.received_at));
            }
        }
        Some(CustomerAction::Delete) => {
            customer.deleted_at = Some(context.now);
            customer.identity = Identity::Deleted(customer.id);
        }
        None => {}
    }
}

/// The living customer who is meant, unless the key sees another program only.
///
/// # Errors
/// [`Reason::UnknownCustomer`]
pub(super) fn target<'w>(
    context: &Context<'_>,
    target: &CustomerTarget,
    world: &'w World,
) -> Result<&'w Customer, Refusal> {
    let customer = match target {
        CustomerTarget::Id(id) => world.living_customer(context.org, &Identity::Id(id.clone())),
        CustomerTarget::Number(id) => world.customer(context.org, *id),
    };
    customer
        .filter(|customer| customer.deleted_at.is_none() && context.event.sees(customer.own.program))
        .ok_or_else(|| unknown(target))
}

fn rename(context: &Context<'_>, customer: &mut Customer, name: &str, world: &World) -> Result<(), Refusal> {
    customer.external_id = Some(name.to_owned());
    // Who is known by an address stays known by it (seed: Yaplet): the merchant's id is a cross-reference there.
    if matches!(customer.identity, Identity::Email(_)) {
        return Ok(());
    }
    let identity = Identity::Id(name.to_owned());
    let holder = world.living_customer(context.org, &identity);
    if holder.is_some_and(|holder| holder.id != customer.id) {
        return Err(duplicate(name));
    }
    customer.identity = identity;
    Ok(())
}

fn duplicate(name: &str) -> Refusal {
    Refusal::new(
        Reason::DuplicateCustomer,
        format!("a customer with customer_id {name:?} already exists"),
    )
}

fn unknown(target: &CustomerTarget) -> Refusal {
    let detail = match target {
        CustomerTarget::Id(id) => format!("no customer is known by customer_id {id:?}"),
        CustomerTarget::Number(CustomerId(number)) => format!("no customer has the number {number}"),
    };
    Refusal::new(Reason::UnknownCustomer, detail)
}
