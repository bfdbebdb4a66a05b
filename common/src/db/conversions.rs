//! Conversions: loaded with their rows locked, written set-based.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns, commissions, copy, copy::copy_in, refunds};
use crate::domain::{
    AffiliateId, ClickId, CommissionId, ConversionId, Currency, CustomerId, Dialect, EventId, MetaData,
    OrgId, ProgramId,
    entities::{Change, Conversion},
    trace::Trace,
    writer::ToldTimes,
};

/// What leads to conversions.
#[derive(Debug, Default)]
pub struct Lookup<'a> {
    /// External ids of living conversions.
    pub orders: Vec<(OrgId, &'a str)>,
    pub conversions: Vec<(OrgId, ConversionId)>,
    pub commissions: Vec<(OrgId, CommissionId)>,
}

/// Living conversions with their commissions and refunds. Their rows are locked: one that is found by its number may be
/// changed at the same time by an event that knows its external id.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn lock(connection: &mut Connection, lookup: &Lookup<'_>) -> Result<Vec<Conversion>, DbError> {
    let mut conversions = lock_rows(connection, lookup).await?;
    if !conversions.is_empty() {
        // In later statements: whoever held the rows may have written these.
        commissions::load_into(connection, &mut conversions).await?;
        refunds::load_into(connection, &mut conversions).await?;
    }
    Ok(conversions)
}

/// Organisations and numbers as two columns.
fn numbers<Id: Copy>(ids: &[(OrgId, Id)], number: fn(Id) -> i64) -> (Vec<i64>, Vec<i64>) {
    ids.iter().map(|(org, id)| (org.0, number(*id))).unzip()
}

async fn lock_rows(connection: &mut Connection, lookup: &Lookup<'_>) -> Result<Vec<Conversion>, DbError> {
    let (order_orgs, orders): (Vec<i64>, Vec<&str>) =
        lookup.orders.iter().map(|(org, id)| (org.0, *id)).unzip();
    let (conversion_orgs, conversions) = numbers(&lookup.conversions, |id| id.0);
    let (commission_orgs, commissions) = numbers(&lookup.commissions, |id| id.0);
    let rows = sqlx::query!(
        r#"WITH found AS (
             SELECT c.org_id, c.conversion_id FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, external_id)
             JOIN conversions c ON (c.org_id, c.external_id) = (sent.org_id, sent.external_id) AND c.deleted_at IS NULL
             UNION
             SELECT * FROM unnest($3::bigint[], $4::bigint[])
             UNION
             SELECT m.org_id, m.conversion_id FROM unnest($5::bigint[], $6::bigint[]) AS sent (org_id, commission_id)
             JOIN commissions m ON (m.org_id, m.commission_id) = (sent.org_id, sent.commission_id))
         SELECT c.org_id AS "org: OrgId", c.conversion_id AS "id: ConversionId", c.external_id,
                c.program_id AS "program: ProgramId", c.affiliate_id AS "affiliate: AffiliateId",
                c.customer_id AS "customer: CustomerId", c.event_id AS "event: EventId", c.dialect AS "dialect: Dialect",
                c.trusted AS authenticated, c.attributed_by, c.click_id AS "click: ClickId",
                coalesce(c.base_amount, c.amount) AS "original_amount!", c.amount, c.currency AS "currency: Currency",
                c.refunded, c.fully_refunded, c.meta_data AS "meta_data: Json<MetaData>",
                c.details AS "details: Json<MetaData>", c.created_at, c.amount_by AS "amount_by: EventId",
                c.approved_by_status AS status, c.status_by AS "status_by: EventId", c.meta_by AS "meta_by: EventId", c.charged_back,
                c.chargeback_by AS "chargeback_by: EventId", c.counted, c.warnings, c.trace AS "trace: Json<Trace>",
                c.deleted_at, c.superseded_by AS "superseded_by: ConversionId", c.told_times AS "told_times: Json<ToldTimes>"
         FROM found JOIN conversions c ON (c.org_id, c.conversion_id) = (found.org_id, found.conversion_id)
         ORDER BY c.org_id, c.conversion_id FOR UPDATE OF c"#,
        &order_orgs,
        &orders as _,
        &conversion_orgs,
        &conversions,
        &commission_orgs,
        &commissions,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("conversions.lock", error))?;
    // Not in the query: without statistics the planner would take a partial index for it, and read half an organisation.
    let living = rows.into_iter().filter(|row| row.deleted_at.is_none());
    Ok(living
        .map(|row| {
            let told = row.told_times.as_deref();
            let writer = |field, event| ToldTimes::writer_of(told, field, event);
            Conversion {
                change: Change::None,
                org: row.org,
                id: row.id,
                external_id: row.external_id,
                program: row.program,
                affiliate: row.affiliate,
                customer: row.customer,
                event: row.event,
                dialect: row.dialect,
                authenticated: row.authenticated,
                attributed_by: row.attributed_by,
                click: row.click,
                original_amount: row.original_amount.normalize(),
                amount: row.amount.normalize(),
                currency: row.currency,
                refunded: row.refunded.normalize(),
                fully_refunded: row.fully_refunded,
                meta_data: row.meta_data.0,
                details: row.details.0,
                created_at: row.created_at,
                amount_by: writer("amount", row.amount_by),
                status: row.status,
                status_by: writer("status", row.status_by),
                meta_by: writer("meta_data", row.meta_by),
                charged_back: row.charged_back,
                chargeback_by: writer("chargeback", row.chargeback_by),
                counts_towards_cap: row.counted,
                warnings: row.warnings,
                trace: row.trace.0,
                deleted_at: row.deleted_at,
                superseded_by: row.superseded_by,
                commissions: Vec::new(),
                refunds: Vec::new(),
            }
        })
        .collect())
}

columns! {
    /// Conversions, column by column.
    Columns<'a> of Conversion {
        change: _, org, id, external_id, program, affiliate, customer, event, dialect, authenticated, attributed_by, click,
        original_amount, amount, currency, refunded, fully_refunded, meta_data, details, created_at, amount_by, status, status_by,
        meta_by, charged_back, chargeback_by, counts_towards_cap, warnings, trace, deleted_at, superseded_by,
        // These have tables of their own.
        commissions: _, refunds: _,
    } in &'a Conversion {
        org_id: i64 = org.0,
        conversion_id: i64 = id.0,
        external_id: Option<&'a str> = external_id.as_deref(),
        program_id: i64 = program.0,
        affiliate_id: i64 = affiliate.0,
        customer_id: Option<i64> = customer.map(|id| id.0),
        event_id: Uuid = event.0,
        dialect: &'a str = dialect.name(),
        trusted: bool = *authenticated,
        attributed_by: &'a str = attributed_by,
        click_id: Option<i64> = click.map(|id| id.0),
        base_amount: Decimal = *original_amount,
        amount: Decimal = *amount,
        currency: &'a str = currency.code(),
        refunded: Decimal = *refunded,
        fully_refunded: bool = *fully_refunded,
        meta_data: Json<&'a MetaData> = Json(meta_data),
        details: Json<&'a MetaData> = Json(details),
        created_at: DateTime<Utc> = *created_at,
        amount_by: Option<Uuid> = amount_by.map(|writer| writer.event.0),
        approved_by_status: Option<bool> = *status,
        status_by: Option<Uuid> = status_by.map(|writer| writer.event.0),
        meta_by: Option<Uuid> = meta_by.map(|writer| writer.event.0),
        charged_back: bool = *charged_back,
        chargeback_by: Option<Uuid> = chargeback_by.map(|writer| writer.event.0),
        told_times: Option<Json<ToldTimes>> = ToldTimes::where_told([
            ("amount", *amount_by),
            ("status", *status_by),
            ("meta_data", *meta_by),
            ("chargeback", *chargeback_by),
        ]).map(Json),
        counted: i32 = *counts_towards_cap,
        trace: Json<&'a Trace> = Json(trace),
        deleted_at: Option<DateTime<Utc>> = *deleted_at,
        superseded_by: Option<i64> = superseded_by.map(|id| id.0),
        warnings: &'a [String] = warnings,
    }
}

/// Postgres unnests an array of arrays to its very elements, so the warnings of a row travel as an object.
#[derive(Serialize)]
struct Warnings<'a> {
    warnings: &'a [String],
}

fn warnings<'a>(columns: &Columns<'a>) -> Vec<Warnings<'a>> {
    let warnings = columns.warnings.iter();
    warnings.map(|warnings| Warnings { warnings }).collect()
}

/// Writes the conversions that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write(connection: &mut Connection, conversions: &[&Conversion]) -> Result<(), DbError> {
    let marked = |change| {
        let conversions = conversions.iter().copied();
        conversions.filter(move |conversion| conversion.change == change)
    };
    // Updates first: an unauthenticated conversion gives its external id up for the authenticated one that is inserted.
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
        "COPY conversions",
        "conversions.copy",
        new,
        [
            org_id,
            conversion_id,
            external_id,
            program_id,
            affiliate_id,
            customer_id,
            event_id,
            dialect,
            trusted,
            attributed_by,
            click_id,
            base_amount,
            amount,
            currency,
            refunded,
            fully_refunded,
            meta_data,
            details,
            created_at,
            amount_by,
            status_by,
            meta_by,
            charged_back,
            chargeback_by,
            counted,
            trace,
            deleted_at,
            superseded_by,
            approved_by_status,
            told_times,
            warnings,
        ]
    )
}

async fn insert(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    if new.conversion_id.len() >= copy::MANY {
        return insert_many(connection, new).await;
    }
    sqlx::query!(
        "INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id,
             dialect, trusted, attributed_by, click_id, base_amount, amount, currency, refunded, fully_refunded,
             meta_data, details, created_at, amount_by, status_by, meta_by, charged_back, chargeback_by, counted,
             trace, deleted_at, superseded_by, approved_by_status, told_times, warnings)
         SELECT * FROM ROWS FROM (
             unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[],
                 $8::text[], $9::boolean[], $10::text[], $11::bigint[], $12::numeric[], $13::numeric[], $14::text[],
                 $15::numeric[], $16::boolean[], $17::jsonb[], $18::jsonb[], $19::timestamptz[], $20::uuid[], $21::uuid[],
                 $22::uuid[], $23::boolean[], $24::uuid[], $25::integer[], $26::jsonb[], $27::timestamptz[], $28::bigint[],
                 $29::boolean[], $30::jsonb[]),
             jsonb_to_recordset($31) AS (warnings text[]))",
        &new.org_id,
        &new.conversion_id,
        &new.external_id as _,
        &new.program_id,
        &new.affiliate_id,
        &new.customer_id as _,
        &new.event_id,
        &new.dialect as _,
        &new.trusted,
        &new.attributed_by as _,
        &new.click_id as _,
        &new.base_amount,
        &new.amount,
        &new.currency as _,
        &new.refunded,
        &new.fully_refunded,
        &new.meta_data as _,
        &new.details as _,
        &new.created_at,
        &new.amount_by as _,
        &new.status_by as _,
        &new.meta_by as _,
        &new.charged_back,
        &new.chargeback_by as _,
        &new.counted,
        &new.trace as _,
        &new.deleted_at as _,
        &new.superseded_by as _,
        &new.approved_by_status as _,
        &new.told_times as _,
        Json(warnings(new)) as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("conversions.insert", error))?;
    Ok(())
}

/// Where a conversion came from (program, affiliate, event, click …) stays as it was recorded.
async fn update(connection: &mut Connection, changed: &Columns<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE conversions c
         SET external_id = new.external_id, customer_id = new.customer_id, base_amount = new.base_amount,
             amount = new.amount, refunded = new.refunded, fully_refunded = new.fully_refunded,
             meta_data = new.meta_data, amount_by = new.amount_by, approved_by_status = new.approved_by_status,
             status_by = new.status_by, meta_by = new.meta_by,
             charged_back = new.charged_back, chargeback_by = new.chargeback_by, counted = new.counted,
             trace = new.trace, deleted_at = new.deleted_at, superseded_by = new.superseded_by,
             told_times = new.told_times,
             warnings = ARRAY(SELECT jsonb_array_elements_text(new.warnings -> 'warnings'))
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::numeric[], $6::numeric[], $7::numeric[],
                 $8::boolean[], $9::jsonb[], $10::uuid[], $11::uuid[], $12::uuid[], $13::boolean[], $14::uuid[],
                 $15::integer[], $16::jsonb[], $17::timestamptz[], $18::bigint[], $19::jsonb[], $20::boolean[],
                 $21::jsonb[])
           AS new (org_id, conversion_id, external_id, customer_id, base_amount, amount, refunded, fully_refunded,
                 meta_data, amount_by, status_by, meta_by, charged_back, chargeback_by, counted, trace, deleted_at,
                 superseded_by, warnings, approved_by_status, told_times)
         WHERE (c.org_id, c.conversion_id) = (new.org_id, new.conversion_id)",
        &changed.org_id,
        &changed.conversion_id,
        &changed.external_id as _,
        &changed.customer_id as _,
        &changed.base_amount,
        &changed.amount,
        &changed.refunded,
        &changed.fully_refunded,
        &changed.meta_data as _,
        &changed.amount_by as _,
        &changed.status_by as _,
        &changed.meta_by as _,
        &changed.charged_back,
        &changed.chargeback_by as _,
        &changed.counted,
        &changed.trace as _,
        &changed.deleted_at as _,
        &changed.superseded_by as _,
        &warnings(changed).into_iter().map(Json).collect::<Vec<_>>() as _,
        &changed.approved_by_status as _,
        &changed.told_times as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("conversions.update", error))?;
    Ok(())
}
