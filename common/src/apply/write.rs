//! Writes what was decided, set-based and in one order for all: customers, clicks, conversions, their money, the calendar,
//! events, ledger and balances last. What a batch does not change costs no statement.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Utc};

use super::keys;
use crate::{
    db::{
        Connection, DbError, bonuses, clicks, commissions, conversions, customer_programs, customers,
        event_writes, idempotency, ledger, notify, parked_keys, payments, refunds, schedules,
    },
    domain::{
        ClickId, Decision, Decisions, OrgId, Outcome, Parked, RowWrite, World,
        entities::{Change, Click, Conversion, Customer, Payment},
    },
};

pub(super) async fn write(
    connection: &mut Connection,
    decided: &Decisions,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let world = &decided.world;
    customers::write(connection, &world.customers).await?;
    customer_programs::write(connection, &customers_elsewhere(world)).await?;
    clicks::write(connection, &sorted_clicks(world)).await?;
    let mut all: Vec<&Conversion> = world.conversions.values().collect();
    all.sort_by_key(|conversion| (conversion.org, conversion.id));
    conversions::write(connection, &all).await?;
    let of_conversions = all.iter().flat_map(|conversion| {
        let of = (conversion.org, Some(conversion.id));
        conversion
            .commissions
            .iter()
            .map(move |commission| (of.0, of.1, commission))
    });
    let bonuses = world.bonuses.values().map(|(org, bonus)| (*org, None, bonus));
    let commissions: Vec<_> = of_conversions.chain(bonuses).collect();
    commissions::write(connection, &commissions).await?;
    payments::write(connection, &sorted_payments(world)).await?;
    if !decided.effects.refunds.is_empty() {
        refunds::insert(connection, &decided.effects.refunds).await?;
    }
    write_calendar(connection, decided, &all, now).await?;
    if !decided.effects.idempotency.is_empty() {
        idempotency::insert(connection, &decided.effects.idempotency).await?;
    }
    event_writes::write(connection, &decided.decisions, now).await?;
    write_parked(connection, decided).await?;
    if decided
        .decisions
        .iter()
        .any(|decision| is_new_in_queue(decision, now))
    {
        notify::notify(connection, notify::EVENTS).await?;
    }
    if !decided.effects.transfers.is_empty() {
        ledger::post(connection, &decided.effects.transfers).await?;
    }
    Ok(())
}

/// Whether whoever applies queued events does not know of this one yet. What is only looked at again has a time for that.
fn is_new_in_queue(decision: &Decision, now: DateTime<Utc>) -> bool {
    let is_looked_at_again = decision.row_write == RowWrite::Update && decision.event.is_awaited(now);
    decision.outcome == Outcome::Queued && decision.row_write != RowWrite::Known && !is_looked_at_again
}

/// What the events wait for that remain parked.
async fn write_parked(connection: &mut Connection, decided: &Decisions) -> Result<(), DbError> {
    if decided.effects.parked.is_empty() {
        return Ok(());
    }
    let is_parked = |parked: &&Parked| decided.world.events.get(&parked.event) == Some(&Outcome::Parked);
    let parked = decided.effects.parked.iter().filter(is_parked);
    let parked: Vec<(i64, &Parked)> = parked
        .map(|parked| (keys::of_name(parked.org, &parked.waits_for), parked))
        .collect();
    parked_keys::write(connection, &parked).await
}

/// Customers of several programs, in the order of their keys.
fn customers_elsewhere(world: &World) -> Vec<&Customer> {
    let customers = world.customers.values();
    let mut customers: Vec<&Customer> = customers
        .filter(|customer| !customer.elsewhere.is_empty())
        .collect();
    customers.sort_by_key(|customer| (customer.org, customer.id));
    customers
}

fn sorted_clicks(world: &World) -> Vec<&Click> {
    let mut clicks: Vec<&Click> = world
        .clicks
        .values()
        .filter(|click| click.change != Change::None)
        .collect();
    clicks.sort_by_key(|click| click.id);
    clicks
}

fn sorted_payments(world: &World) -> Vec<&Payment> {
    let mut payments: Vec<&Payment> = world.payments.values().collect();
    payments.sort_by_key(|payment| (payment.org, payment.id));
    payments
}

/// Schedules, sessions and awards. What has gone is taken off the calendar after what was put on it.
async fn write_calendar(
    connection: &mut Connection,
    decided: &Decisions,
    conversions: &[&Conversion],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if !decided.effects.schedules.is_empty() {
        schedules::write(connection, &decided.effects.schedules).await?;
    }
    let is_gone =
        |conversion: &&Conversion| conversion.change != Change::None && conversion.deleted_at.is_some();
    let gone: Vec<&Conversion> = conversions.iter().copied().filter(is_gone).collect();
    if !gone.is_empty() {
        schedules::remove(connection, &gone).await?;
    }
    if !decided.effects.sessions.is_empty() {
        let latest: BTreeMap<(&str, OrgId), ClickId> = decided
            .effects
            .sessions
            .iter()
            .map(|(session, org, click)| ((session.as_str(), *org), *click))
            .collect();
        let latest: Vec<_> = latest
            .into_iter()
            .map(|((session, org), click)| (session, org, click))
            .collect();
        clicks::write_sessions(connection, &latest).await?;
    }
    if !decided.effects.bonus_awards.is_empty() {
        bonuses::write_awards(connection, &decided.effects.bonus_awards).await?;
    }
    note_bonuses(connection, decided, conversions, now).await
}

/// Bonuses that were given, and of which something has changed: a sale of their month, or a payment that covered them.
async fn note_bonuses(
    connection: &mut Connection,
    decided: &Decisions,
    conversions: &[&Conversion],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let month = |time: DateTime<Utc>| (time.year(), time.month());
    let has_ended = |conversion: &&Conversion| {
        conversion.change != Change::None && month(conversion.created_at) < month(now)
    };
    let changed: Vec<&Conversion> = conversions.iter().copied().filter(has_ended).collect();
    if !changed.is_empty() {
        bonuses::note_changed(connection, &changed).await?;
    }
    let payments = sorted_payments(&decided.world).into_iter();
    let canceled =
        payments.filter(|payment| payment.change == Change::Update && payment.canceled_at.is_some());
    let unpaid: Vec<_> = canceled.map(|payment| (payment.org, payment.affiliate)).collect();
    if !unpaid.is_empty() {
        bonuses::note_unpaid(connection, &unpaid).await?;
    }
    Ok(())
}
