//! Loads the world of a batch, after its keys are locked: every statement sees what was committed before.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::{
    db::{
        Connection, DbError, affiliations, affiliations::Leads, conversions, customers, events, idempotency,
        ids, programs,
    },
    domain::{
        Body, CreateConversion, CustomerId, Event, EventId, Incoming, OrgId, World, catalog::OrgCatalog,
        fold_coupon,
    },
};

pub(super) async fn world(
    connection: &mut Connection,
    incoming: &[Incoming],
    now: DateTime<Utc>,
) -> Result<World, DbError> {
    let mut world = World::empty(now);
    let all: Vec<&Event> = incoming.iter().map(|one| &one.event).collect();
    load_known(connection, &all, &mut world).await?;
    // What has been decided already is only answered again: it needs nothing of the world.
    let new: Vec<&Event> = incoming
        .iter()
        .filter(|one| one.queued || !world.events.contains_key(&one.event.id))
        .map(|one| &one.event)
        .collect();
    if new.is_empty() {
        return Ok(world);
    }
    load_orders(connection, &new, &mut world).await?;
    load_customers(connection, &new, &mut world).await?;
    load_catalog(connection, &new, &mut world).await?;
    let creates = || new.iter().filter_map(|event| creates(event));
    let lines: usize = creates().map(|create| create.lines.len().max(1)).sum();
    let per_line = world.catalog.values().map(OrgCatalog::commissions_per_line).max();
    let named = creates().filter(|create| create.customer.is_some()).count();
    world.ids = ids::draw(
        connection,
        named,
        creates().count(),
        lines * per_line.unwrap_or(1),
    )
    .await?;
    Ok(world)
}

fn creates(event: &Event) -> Option<&CreateConversion> {
    match &event.body {
        Body::CreateConversion(create) => Some(create),
        _ => None,
    }
}

/// Outcomes of events that have rows, and of those that used an idempotency key first.
async fn load_known(connection: &mut Connection, all: &[&Event], world: &mut World) -> Result<(), DbError> {
    let keys: BTreeSet<(OrgId, &str)> = all
        .iter()
        .filter_map(|event| Some((event.org, event.idempotency.as_ref()?.key.as_str())))
        .collect();
    if !keys.is_empty() {
        let keys: Vec<_> = keys.into_iter().collect();
        world.idempotency = idempotency::load(connection, &keys).await?.into_iter().collect();
    }
    let ids: BTreeSet<EventId> = all.iter().map(|event| event.id).collect();
    let first = world.idempotency.values().map(|record| record.event);
    let ids: Vec<EventId> = ids.into_iter().chain(first).collect();
    world.events = events::known(connection, &ids).await?.into_iter().collect();
    Ok(())
}

async fn load_orders(connection: &mut Connection, new: &[&Event], world: &mut World) -> Result<(), DbError> {
    let orders: BTreeSet<(OrgId, &str)> = new
        .iter()
        .filter_map(|event| Some((event.org, event.order()?)))
        .collect();
    if orders.is_empty() {
        return Ok(());
    }
    let orders: Vec<_> = orders.into_iter().collect();
    for conversion in conversions::load(connection, &orders).await? {
        world.add_conversion(conversion);
    }
    for event in events::parked(connection, &orders).await? {
        let Some(order) = event.order().map(ToOwned::to_owned) else {
            continue;
        };
        world.parked.entry((event.org, order)).or_default().push(event);
    }
    Ok(())
}

async fn load_customers(
    connection: &mut Connection,
    new: &[&Event],
    world: &mut World,
) -> Result<(), DbError> {
    let named: BTreeSet<(OrgId, String)> = new
        .iter()
        .flat_map(|event| {
            event
                .customers()
                .into_iter()
                .map(|customer| (event.org, customer.key()))
        })
        .collect();
    let owners: BTreeSet<(OrgId, CustomerId)> = world
        .conversions
        .values()
        .filter_map(|one| Some((one.org, one.customer?)))
        .collect();
    if named.is_empty() && owners.is_empty() {
        return Ok(());
    }
    let (named, owners): (Vec<_>, Vec<_>) = (named.into_iter().collect(), owners.into_iter().collect());
    for customer in customers::load(connection, &named, &owners).await? {
        world.add_customer(customer);
    }
    Ok(())
}

async fn load_catalog(connection: &mut Connection, new: &[&Event], world: &mut World) -> Result<(), DbError> {
    let orgs: BTreeSet<OrgId> = new.iter().map(|event| event.org).collect();
    let sent: Vec<(OrgId, &CreateConversion)> = new
        .iter()
        .filter_map(|event| Some((event.org, creates(event)?)))
        .collect();
    let by = |pick: fn(&CreateConversion) -> Option<String>| -> Vec<(OrgId, String)> {
        let values = sent
            .iter()
            .filter_map(|(org, create)| Some((*org, pick(create)?)));
        values.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let sources: BTreeSet<(OrgId, String, String)> = sent
        .iter()
        .filter_map(|(org, create)| {
            let (asset, source) = (
                create.attribution.asset_id.clone()?,
                create.attribution.source_id.clone()?,
            );
            Some((*org, asset, source))
        })
        .collect();
    let affiliates = world.conversions.values().flat_map(|one| {
        let earners = one.commissions.iter().map(|commission| commission.affiliate);
        earners
            .chain([one.affiliate])
            .map(|affiliate| (one.org, affiliate))
    });
    let customers = world
        .customers
        .values()
        .map(|customer| (customer.org, customer.affiliate));
    let leads = Leads {
        coupons: by(|create| create.attribution.coupon.as_deref().map(fold_coupon)),
        referral_codes: by(|create| create.attribution.referral_code.clone()),
        sources: sources.into_iter().collect(),
        affiliates: affiliates
            .chain(customers)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    let mut catalog = std::mem::take(&mut world.catalog);
    programs::load_into(connection, &orgs.into_iter().collect::<Vec<_>>(), &mut catalog).await?;
    affiliations::load_into(connection, &leads, &mut catalog).await?;
    world.catalog = catalog;
    Ok(())
}
