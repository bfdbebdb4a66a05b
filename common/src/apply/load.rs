//! Loads the world of a batch, after its keys are locked: every statement sees what was committed before. Rows that may
//! change are locked as they are loaded. What no event of the batch needs costs no statement.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{catalog::Catalogs, id_demand, keys, new_event::NewEvent};
use crate::{
    db::{
        Connection, DbError, barriers, bonuses, clicks, commissions, conversions,
        conversions::Lookup,
        customers, events, idempotency, ids, parked_keys, payments,
        suppliers::{self, Need},
    },
    domain::{
        Body, BonusDue, ClickId, CommissionId, CustomerId, Event, EventId, Incoming, OrgId, World,
        click_name::ClickName, dependency, entities::MonthlySales,
    },
};

pub(super) async fn world(
    connection: &mut Connection,
    incoming: &[Incoming],
    now: DateTime<Utc>,
    catalogs: &mut Catalogs,
) -> Result<World, DbError> {
    let mut world = World::empty(now);
    let all: Vec<&Event> = incoming.iter().map(|incoming| &incoming.event).collect();
    load_known(connection, &all, &mut world).await?;
    // What has been decided already is only answered again: it needs nothing of the world.
    let new: Vec<NewEvent<'_>> = incoming
        .iter()
        .filter(|incoming| incoming.queued || !world.events.contains_key(&incoming.event.id))
        .map(|Incoming { event, .. }| NewEvent {
            event,
            needs: event.needs(),
        })
        .collect();
    if new.is_empty() {
        return Ok(world);
    }
    load_through(connection, incoming, &mut world).await?;
    load_clicks(connection, &new, &mut world).await?;
    load_conversions(connection, &new, &mut world).await?;
    load_first_sales(connection, &new, &mut world).await?;
    load_parked(connection, &new, &mut world).await?;
    load_customers(connection, &new, &mut world).await?;
    load_origins(connection, &mut world).await?;
    load_money(connection, &new, &mut world).await?;
    catalogs.load(connection, &new, &mut world).await?;
    world.ids = ids::draw(connection, id_demand::of_batch(&new, &world)).await?;
    Ok(world)
}

/// Outcomes of events that have rows, and of those that used an idempotency key first.
async fn load_known(connection: &mut Connection, all: &[&Event], world: &mut World) -> Result<(), DbError> {
    let keys: BTreeSet<(OrgId, &str)> = all
        .iter()
        .filter_map(|event| Some((event.org?, event.idempotency.as_ref()?.key.as_str())))
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

/// Of the queued events that may be refused for want of something: before which of them nothing is under way any more.
async fn load_through(
    connection: &mut Connection,
    incoming: &[Incoming],
    world: &mut World,
) -> Result<(), DbError> {
    let now = world.now;
    let is_last_look =
        |event: &&Event| !event.is_change() || (event.is_awaited(now) && event.is_last_look(now));
    let needs = |event: &Event| {
        let (event, org) = (event.id, event.org);
        move |of| Need { event, org, of }
    };
    let needs: Vec<Need> = incoming
        .iter()
        .filter(|incoming| incoming.queued)
        .map(|incoming| &incoming.event)
        .filter(is_last_look)
        .flat_map(|event| dependency::needed(event).into_iter().map(needs(event)))
        .collect();
    let ids: BTreeSet<EventId> = needs.iter().map(|need| need.event).collect();
    let passed = barriers::passed(connection, &Vec::from_iter(ids)).await?;
    let mut through: HashSet<EventId> = passed.into_iter().collect();
    let needs: Vec<Need> = needs
        .into_iter()
        .filter(|need| through.contains(&need.event))
        .collect();
    for waits in suppliers::find(connection, &needs, now).await? {
        through.remove(&waits);
    }
    world.earlier_are_through = through;
    Ok(())
}

/// Clicks and sessions that events name, of their organisations.
pub(super) async fn load_clicks(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut sessions = BTreeSet::new();
    for (org, needs) in new.iter().filter_map(NewEvent::in_org) {
        for name in &needs.clicks {
            match ClickName::parse(name) {
                ClickName::Ours { id, .. } => _ = numbers.insert((org, id)),
                ClickName::Theirs(name) => _ = names.insert((org, name)),
            }
        }
        sessions.extend(needs.session.map(|session| (org, session.to_owned())));
    }
    if !sessions.is_empty() {
        for (session, org, click) in clicks::sessions(connection, &Vec::from_iter(sessions)).await? {
            numbers.insert((org, click));
            world.sessions.insert((org, session), click);
        }
    }
    if !numbers.is_empty() || !names.is_empty() {
        let (numbers, names) = (Vec::from_iter(numbers), Vec::from_iter(names));
        for click in clicks::lock(connection, &numbers, &names).await? {
            world.add_click(click);
        }
    }
    Ok(())
}

async fn load_conversions(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let orders: BTreeSet<(OrgId, &str)> = new
        .iter()
        .filter_map(NewEvent::in_org)
        .flat_map(|(org, needs)| {
            let orders = needs.order.into_iter().chain(needs.new_order);
            orders.map(move |order| (org, order))
        })
        .collect();
    let mut lookup = Lookup {
        orders: orders.into_iter().collect(),
        ..Lookup::default()
    };
    for (org, needs) in new.iter().filter_map(NewEvent::in_org) {
        lookup.conversions.extend(needs.conversion.map(|id| (org, id)));
        lookup.commissions.extend(needs.commission.map(|id| (org, id)));
    }
    if !(lookup.orders.is_empty() && lookup.conversions.is_empty() && lookup.commissions.is_empty()) {
        for conversion in conversions::lock(connection, &lookup).await? {
            world.add_conversion(conversion);
        }
    }
    Ok(())
}

/// The events that recorded the orders of those that are to be answered as these were, with their outcomes. Whatever else takes an
/// order that is taken costs nothing here.
async fn load_first_sales(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let first = new.iter().filter_map(|NewEvent { event, .. }| {
        let Body::CreateConversion(create) = &event.body else {
            return None;
        };
        let order = create.external_id.as_deref().filter(|_| create.answers_first)?;
        let conversion = world.conversion_of(event.org?, order)?;
        event.sees(conversion.program).then_some(conversion.event)
    });
    let first: BTreeSet<EventId> = first.collect();
    if first.is_empty() {
        return Ok(());
    }
    for sale in events::sales(connection, &Vec::from_iter(first)).await? {
        world.events.entry(sale.event).or_insert(sale.outcome);
        world.first_sales.insert(sale.event, sale.create);
    }
    Ok(())
}

/// Events that are parked for what the batch names.
async fn load_parked(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let keys = keys::of_parking(new);
    if keys.is_empty() {
        return Ok(());
    }
    let parked = parked_keys::load(connection, &keys).await?;
    if parked.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<EventId> = parked.iter().map(|parked| parked.event).collect();
    let events = events::parked(connection, &Vec::from_iter(ids)).await?;
    let events: HashMap<EventId, Event> = events.into_iter().map(|event| (event.id, event)).collect();
    for parked in parked {
        if let Some(event) = events.get(&parked.event) {
            let waiting = world.parked.entry((parked.org, parked.waits_for)).or_default();
            waiting.push(event.clone());
        }
    }
    Ok(())
}

/// Customers that events name, and those of the conversions and clicks at hand.
pub(super) async fn load_customers(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let named: BTreeSet<(OrgId, String)> = new
        .iter()
        .filter_map(NewEvent::in_org)
        .flat_map(|(org, needs)| {
            let customers = needs.customers.iter();
            customers.map(move |customer| (org, customer.key()))
        })
        .collect();
    let by_number = new
        .iter()
        .filter_map(NewEvent::in_org)
        .filter_map(|(org, needs)| Some((org, needs.customer?)));
    let of_conversions = world
        .conversions
        .values()
        .filter_map(|row| Some((row.org, row.customer?)));
    let of_clicks = world
        .clicks
        .values()
        .filter_map(|row| Some((row.org, row.customer?)));
    let numbers: BTreeSet<(OrgId, CustomerId)> = by_number.chain(of_conversions).chain(of_clicks).collect();
    if named.is_empty() && numbers.is_empty() {
        return Ok(());
    }
    let (named, numbers) = (Vec::from_iter(named), Vec::from_iter(numbers));
    for customer in customers::lock(connection, &named, &numbers).await? {
        world.add_customer(customer);
    }
    Ok(())
}

/// The clicks by which customers and conversions came: for their age, and to be shown.
pub(super) async fn load_origins(connection: &mut Connection, world: &mut World) -> Result<(), DbError> {
    let customers = world.customers.values();
    let customers = customers.flat_map(|row| row.standings().map(|standing| (row.org, standing.click)));
    let conversions = world.conversions.values().map(|row| (row.org, row.click));
    let missing: BTreeSet<(OrgId, ClickId)> = customers
        .chain(conversions)
        .filter_map(|(org, click)| Some((org, click?)))
        .filter(|(_, click)| !world.clicks.contains_key(click))
        .collect();
    if !missing.is_empty() {
        for click in clicks::load(connection, &Vec::from_iter(missing)).await? {
            world.add_click(click);
        }
    }
    Ok(())
}

/// Bonuses and payments by their numbers, and what bonuses are decided by.
async fn load_money(
    connection: &mut Connection,
    new: &[NewEvent<'_>],
    world: &mut World,
) -> Result<(), DbError> {
    let (mut commissions, mut payments, mut bonuses) = (Vec::new(), Vec::new(), Vec::new());
    for NewEvent { event, needs } in new {
        let Some(org) = event.org else { continue };
        // A commission that no conversion has may be a bonus.
        let bonus = needs.commission;
        let bonus = bonus.filter(|id| !world.commission_owners.contains_key(id));
        commissions.extend(bonus.map(|id| (org, id)));
        payments.extend(needs.payment.map(|id| (org, id)));
        bonuses.extend(needs.bonus.map(|due| (event.id, (org, due))));
    }
    if !commissions.is_empty() {
        for (org, bonus) in commissions::lock_bonuses(connection, &commissions).await? {
            world.bonuses.insert(bonus.id, (org, bonus));
        }
    }
    if !payments.is_empty() {
        for payment in payments::lock(connection, &payments).await? {
            world.payments.insert(payment.id, payment);
        }
    }
    if !bonuses.is_empty() {
        load_bonuses(connection, bonuses, world).await?;
    }
    Ok(())
}

/// What bonuses are decided by, and those that were given already, with their rows locked: whoever changes a sale of the month
/// after that notes it again.
async fn load_bonuses(
    connection: &mut Connection,
    bonuses: Vec<(EventId, (OrgId, &BonusDue))>,
    world: &mut World,
) -> Result<(), DbError> {
    let (events, candidates): (Vec<EventId>, Vec<_>) = bonuses.into_iter().unzip();
    let given = bonuses::given(connection, &candidates).await?;
    let commissions: Vec<(OrgId, CommissionId)> = candidates
        .iter()
        .zip(&given)
        .flat_map(|((org, _), given)| {
            let ids = given.iter().flat_map(|given| &given.commissions);
            ids.map(|id| (*org, *id))
        })
        .collect();
    if !commissions.is_empty() {
        for (org, bonus) in commissions::lock_bonuses(connection, &commissions).await? {
            world.bonuses.insert(bonus.id, (org, bonus));
        }
    }
    let sales = bonuses::monthly_sales(connection, &candidates).await?;
    let sales = sales
        .into_iter()
        .zip(given)
        .map(|(sales, given)| MonthlySales { given, ..sales });
    world.monthly_sales = events.into_iter().zip(sales).collect();
    Ok(())
}
