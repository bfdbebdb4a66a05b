//! Whether events would find whom they pay in the catalog as it is. Orders, limits and repeats are not looked at: the events
//! may come from a file that brings its own orders and customers.

use chrono::{DateTime, Utc};

use super::{catalog::Catalogs, load, new_event::NewEvent};
use crate::{
    db::{self, DbError, Pool},
    domain::{
        Body, CreateConversion, CreateCustomer, Event, OrgId, Refusal, World,
        attribution::{AttributionQuery, attribute, customer_methods, methods},
        commission::lines,
    },
};

/// Of each event why it would be refused, if the catalog says so. Nothing is written; rows are locked for a moment.
///
/// # Errors
/// When the database does not answer.
pub async fn preview(
    pool: &Pool,
    events: &[Event],
    now: DateTime<Utc>,
) -> Result<Vec<Option<Refusal>>, DbError> {
    let new: Vec<NewEvent<'_>> = events
        .iter()
        .map(|event| NewEvent {
            event,
            needs: event.needs(),
        })
        .collect();
    let mut world = World::empty(now);
    let mut transaction = db::begin(pool).await?;
    load::load_clicks(&mut transaction, &new, &mut world).await?;
    load::load_customers(&mut transaction, &new, &mut world).await?;
    load::load_origins(&mut transaction, &mut world).await?;
    Catalogs::default()
        .load(&mut transaction, &new, &mut world)
        .await?;
    db::rollback(transaction).await?;
    Ok(events.iter().map(|event| refusal(event, &world).err()).collect())
}

fn refusal(event: &Event, world: &World) -> Result<(), Refusal> {
    let Some(org) = event.org else {
        return Ok(());
    };
    match &event.body {
        Body::CreateConversion(create) => of_sale(event, org, create, world),
        Body::CreateCustomer(create) => of_customer(event, org, create, world),
        _ => Ok(()),
    }
}

fn of_sale(event: &Event, org: OrgId, create: &CreateConversion, world: &World) -> Result<(), Refusal> {
    let Some(catalog) = world.catalogs.get(&org) else {
        return Ok(());
    };
    let customer = create.customer.as_ref();
    let at = create.occurred_at.unwrap_or(event.received_at);
    let query = AttributionQuery {
        org,
        dialect: event.dialect,
        methods: methods(event.dialect),
        sent: &create.attribution,
        scope: event.program_scope,
        customer: customer.and_then(|customer| world.living_customer(org, &customer.identity)),
        customer_name: create.customer_name(),
        at,
        any_age: create.override_max_cookie_time,
        authenticated: event.authenticated,
    };
    let (found, _) = attribute(&query, world, catalog)?;
    let currency = create.currency.unwrap_or(found.program.currency);
    lines(create, found.affiliation, found.program, catalog, at, currency)?;
    Ok(())
}

fn of_customer(event: &Event, org: OrgId, create: &CreateCustomer, world: &World) -> Result<(), Refusal> {
    let Some(catalog) = world.catalogs.get(&org) else {
        return Ok(());
    };
    let query = AttributionQuery {
        org,
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
    attribute(&query, world, catalog)?;
    Ok(())
}
