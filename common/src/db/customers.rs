//! Customers: loaded with their rows locked, written set-based. Those who have been in one program only cost one statement.

use std::{collections::HashMap, hash::BuildHasher};

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns, copy, copy::copy_in, customer_programs};
use crate::domain::{
    AffiliateId, ClickId, CustomerId, CustomerLifecycle, EventId, Identity, MetaData, OrgId, ProgramId,
    entities::{Change, Customer, Standing},
    writer::ToldTimes,
};

/// Customers by identity, and those of the given numbers, with their rows locked: one that is found by its number may be
/// changed at the same time by an event that knows its identity.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(
    connection: &mut Connection,
    identities: &[(OrgId, String)],
    numbers: &[(OrgId, CustomerId)],
) -> Result<Vec<Customer>, DbError> {
    let (identity_orgs, identities): (Vec<i64>, Vec<&str>) =
        identities.iter().map(|(org, key)| (org.0, key.as_str())).unzip();
    let (number_orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows = sqlx::query!(
        r#"WITH found AS (
             SELECT c.org_id, c.customer_id FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, identity)
             JOIN customers c ON (c.org_id, c.identity) = (sent.org_id, sent.identity)
             UNION
             SELECT * FROM unnest($3::bigint[], $4::bigint[]))
         SELECT c.org_id AS "org: OrgId", c.customer_id AS "id: CustomerId", c.identity, c.external_id, c.email, c.name,
                c.program_id AS "program: ProgramId", c.affiliate_id AS "affiliate: AffiliateId", c.status, c.track,
                c.canceled, c.capped, c.counted, c.first_sale_at, c.click_id AS "click: ClickId",
                c.meta_data AS "meta_data: Json<MetaData>", c.details AS "details: Json<MetaData>",
                c.trusted AS authenticated, c.several_programs, c.event_id AS "event: EventId", c.created_at, c.deleted_at,
                c.told_times AS "told_times: Json<ToldTimes>"
         FROM found JOIN customers c ON (c.org_id, c.customer_id) = (found.org_id, found.customer_id)
         ORDER BY c.org_id, c.customer_id FOR UPDATE OF c"#,
        &identity_orgs,
        &identities as _,
        &number_orgs,
        &numbers,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| DbError::new("customers.lock", error))?;
    let several: Vec<bool> = rows.iter().map(|row| row.several_programs).collect();
    let customers = rows.into_iter().map(|row| Customer {
        change: Change::None,
        org: row.org,
        id: row.id,
        identity: Identity::from_key(&row.identity).unwrap_or(Identity::Id(row.identity)),
        external_id: row.external_id,
        email: row.email,
        name: row.name,
        own: Standing {
            program: row.program,
            affiliate: row.affiliate,
            click: row.click,
            authenticated: row.authenticated,
            counted_towards_cap: row.counted,
            first_sale_at: row.first_sale_at,
            capped: row.capped,
        },
        elsewhere: Vec::new(),
        status: row.status,
        lifecycle: CustomerLifecycle::parse(&row.track).unwrap_or_default(),
        canceled: row.canceled,
        canceled_by: row.told_times.as_deref().and_then(|told| told.writer("canceled")),
        meta_by: row
            .told_times
            .as_deref()
            .and_then(|told| told.writer("meta_data")),
        meta_data: row.meta_data.0,
        details: row.details.0,
        event: row.event,
        created_at: row.created_at,
        deleted_at: row.deleted_at,
    });
    let mut customers: Vec<Customer> = customers.collect();
    let with_more = customers.iter_mut().zip(several);
    let mut with_more: Vec<&mut Customer> = with_more
        .filter_map(|(customer, several)| several.then_some(customer))
        .collect();
    if !with_more.is_empty() {
        customer_programs::load(connection, &mut with_more).await?;
    }
    Ok(customers)
}

columns! {
    /// Customers, column by column.
    Columns<'a> of Customer {
        change: _, org, id, identity, external_id, email, name,
        own: Standing { program, affiliate, click, authenticated, counted_towards_cap, first_sale_at, capped },
        elsewhere, status, lifecycle, canceled, canceled_by, meta_by, meta_data, details, event, created_at, deleted_at,
    } in &'a Customer {
        org_id: i64 = org.0,
        customer_id: i64 = id.0,
        identity: String = identity.key(),
        external_id: Option<&'a str> = external_id.as_deref(),
        email: Option<&'a str> = email.as_deref(),
        name: Option<&'a str> = name.as_deref(),
        program_id: i64 = program.0,
        affiliate_id: i64 = affiliate.0,
        status: &'a str = status,
        track: &'a str = lifecycle.name(),
        canceled: bool = *canceled,
        told_times: Option<Json<ToldTimes>> =
            ToldTimes::of_all([("canceled", *canceled_by), ("meta_data", *meta_by)]).map(Json),
        capped: bool = *capped,
        counted: i64 = *counted_towards_cap,
        first_sale_at: Option<DateTime<Utc>> = *first_sale_at,
        click_id: Option<i64> = click.map(|id| id.0),
        meta_data: Json<&'a MetaData> = Json(meta_data),
        details: Json<&'a MetaData> = Json(details),
        trusted: bool = *authenticated,
        several_programs: bool = !elsewhere.is_empty(),
        event_id: Option<Uuid> = event.map(|id| id.0),
        created_at: DateTime<Utc> = *created_at,
        deleted_at: Option<DateTime<Utc>> = *deleted_at,
    }
}

/// Writes the customers that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write<S: BuildHasher>(
    connection: &mut Connection,
    customers: &HashMap<(OrgId, Identity), Customer, S>,
) -> Result<(), DbError> {
    let mut sorted: Vec<&Customer> = customers.values().collect();
    sorted.sort_by_key(|customer| (customer.org, customer.id));
    let marked = |change| {
        let customers = sorted.iter().copied();
        customers.filter(move |customer| customer.change == change)
    };
    // Updates first: a customer may give up the identity that a new one takes.
    if let Some(changed) = Columns::of(marked(Change::Update)) {
        update(connection, &changed).await?;
    }
    if let Some(new) = Columns::of(marked(Change::Insert)) {
        insert(connection, &new).await?;
    }
    Ok(())
}

async fn insert_many(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    copy_in!(
        connection,
        "COPY customers",
        "customers.copy",
        new,
        [
            org_id,
            customer_id,
            identity,
            external_id,
            email,
            name,
            program_id,
            affiliate_id,
            status,
            track,
            canceled,
            capped,
            counted,
            first_sale_at,
            click_id,
            meta_data,
            details,
            trusted,
            several_programs,
            event_id,
            created_at,
            deleted_at,
            told_times
        ]
    )
}

async fn insert(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    if new.customer_id.len() >= copy::MANY {
        return insert_many(connection, new).await;
    }
    sqlx::query!(
        "INSERT INTO customers (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id,
             status, track, canceled, capped, counted, first_sale_at, click_id, meta_data, details, trusted,
             several_programs, event_id, created_at, deleted_at, told_times)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
             $8::bigint[], $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::bigint[], $14::timestamptz[],
             $15::bigint[], $16::jsonb[], $17::jsonb[], $18::boolean[], $19::boolean[], $20::uuid[],
             $21::timestamptz[], $22::timestamptz[], $23::jsonb[])",
        &new.org_id,
        &new.customer_id,
        &new.identity,
        &new.external_id as _,
        &new.email as _,
        &new.name as _,
        &new.program_id,
        &new.affiliate_id,
        &new.status as _,
        &new.track as _,
        &new.canceled,
        &new.capped,
        &new.counted,
        &new.first_sale_at as _,
        &new.click_id as _,
        &new.meta_data as _,
        &new.details as _,
        &new.trusted,
        &new.several_programs,
        &new.event_id as _,
        &new.created_at,
        &new.deleted_at as _,
        &new.told_times as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("customers.insert", error))?;
    Ok(())
}

/// The event that recorded a customer and its time stay.
async fn update(connection: &mut Connection, changed: &Columns<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE customers c
         SET identity = new.identity, external_id = new.external_id, email = new.email, name = new.name,
             program_id = new.program_id, affiliate_id = new.affiliate_id, status = new.status, track = new.track,
             canceled = new.canceled, capped = new.capped, counted = new.counted, first_sale_at = new.first_sale_at,
             click_id = new.click_id, meta_data = new.meta_data, details = new.details, trusted = new.trusted,
             several_programs = new.several_programs, deleted_at = new.deleted_at, told_times = new.told_times
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                 $8::bigint[], $9::text[], $10::text[], $11::boolean[], $12::boolean[], $13::bigint[],
                 $14::timestamptz[], $15::bigint[], $16::jsonb[], $17::jsonb[], $18::boolean[], $19::boolean[],
                 $20::timestamptz[], $21::jsonb[])
           AS new (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status, track,
                 canceled, capped, counted, first_sale_at, click_id, meta_data, details, trusted,
                 several_programs, deleted_at, told_times)
         WHERE (c.org_id, c.customer_id) = (new.org_id, new.customer_id)",
        &changed.org_id,
        &changed.customer_id,
        &changed.identity,
        &changed.external_id as _,
        &changed.email as _,
        &changed.name as _,
        &changed.program_id,
        &changed.affiliate_id,
        &changed.status as _,
        &changed.track as _,
        &changed.canceled,
        &changed.capped,
        &changed.counted,
        &changed.first_sale_at as _,
        &changed.click_id as _,
        &changed.meta_data as _,
        &changed.details as _,
        &changed.trusted,
        &changed.several_programs,
        &changed.deleted_at as _,
        &changed.told_times as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("customers.update", error))?;
    Ok(())
}
