//! Customers: loaded with their rows locked, written set-based.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Connection, DbError, text};
use crate::domain::{
    AffiliateId, ClickId, CustomerId, EventId, Identity, MetaData, OrgId, ProgramId, Track,
    entities::{Change, Customer},
};

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    customer_id: i64,
    identity: String,
    external_id: Option<String>,
    email: Option<String>,
    name: Option<String>,
    program_id: i64,
    affiliate_id: i64,
    status: String,
    track: String,
    canceled: bool,
    capped: bool,
    counted: i64,
    first_sale_at: Option<DateTime<Utc>>,
    click_id: Option<i64>,
    meta_data: sqlx::types::Json<MetaData>,
    details: sqlx::types::Json<MetaData>,
    event_id: Option<Uuid>,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl From<Row> for Customer {
    fn from(row: Row) -> Self {
        Self {
            change: Change::None,
            org: OrgId(row.org_id),
            id: CustomerId(row.customer_id),
            identity: Identity::from_key(&row.identity).unwrap_or(Identity::Id(row.identity)),
            external_id: row.external_id,
            email: row.email,
            name: row.name,
            program: ProgramId(row.program_id),
            affiliate: AffiliateId(row.affiliate_id),
            status: row.status,
            track: Track::parse(&row.track).unwrap_or_default(),
            canceled: row.canceled,
            capped: row.capped,
            counted: row.counted,
            first_sale_at: row.first_sale_at,
            click: row.click_id.map(ClickId),
            meta_data: row.meta_data.0,
            details: row.details.0,
            event: row.event_id.map(EventId),
            authenticated: row.authenticated,
            created_at: row.created_at,
            deleted_at: row.deleted_at,
        }
    }
}

/// Customers by identity, and those of the given numbers, with their rows locked: one who is found by a number may be
/// changed by an event that knows the identity.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(
    connection: &mut Connection,
    identities: &[(OrgId, String)],
    numbers: &[(OrgId, CustomerId)],
) -> Result<Vec<Customer>, DbError> {
    let (orgs, keys): (Vec<i64>, Vec<&str>) =
        identities.iter().map(|(org, key)| (org.0, key.as_str())).unzip();
    let (number_orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        "WITH found AS (
             SELECT c.org_id, c.customer_id FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, identity)
             JOIN customers c ON (c.org_id, c.identity) = (sent.org_id, sent.identity)
             UNION
             SELECT * FROM unnest($3::bigint[], $4::bigint[]))
         SELECT c.org_id, c.customer_id, c.identity, c.external_id, c.email, c.name, c.program_id,
                c.affiliate_id, c.status, c.track, c.canceled, c.capped, c.counted, c.first_sale_at,
                c.click_id, c.meta_data, c.trusted, c.created_at, c.deleted_at, c.details, c.event_id
         FROM found JOIN customers c ON (c.org_id, c.customer_id) = (found.org_id, found.customer_id)
         ORDER BY c.org_id, c.customer_id FOR UPDATE OF c",
    )
    .bind(orgs)
    .bind(keys)
    .bind(number_orgs)
    .bind(numbers)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("customers.lock", error))?;
    Ok(rows.into_iter().map(Customer::from).collect())
}

/// Writes the customers that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write<S: std::hash::BuildHasher>(
    connection: &mut Connection,
    customers: &HashMap<(OrgId, Identity), Customer, S>,
) -> Result<(), DbError> {
    // Updates first: a customer may give up the identity that a new one takes.
    for (change, sql) in [(Change::Update, UPDATE), (Change::Insert, INSERT)] {
        let mut marked: Vec<&Customer> = customers
            .values()
            .filter(|customer| customer.change == change)
            .collect();
        if marked.is_empty() {
            continue;
        }
        marked.sort_by_key(|customer| (customer.org, customer.id));
        sqlx::query(sql)
            .bind(marked.iter().map(|one| one.org.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.id.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.identity.key()).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.external_id.as_deref())
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.email.as_deref()).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.name.as_deref()).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.program.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.affiliate.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.status.as_str()).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| text(&one.meta_data)).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.authenticated).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.created_at).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.track.name()).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.canceled).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.capped).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.counted).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.first_sale_at).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.click.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.deleted_at).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| text(&one.details)).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.event.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| DbError::new("customers.write", error))?;
    }
    Ok(())
}

const INSERT: &str = "
    INSERT INTO customers (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status,
                           meta_data, trusted, created_at, track, canceled, capped, counted, first_sale_at, click_id,
                           deleted_at, details, event_id)
    SELECT org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status,
           meta_data::jsonb, trusted, created_at, track, canceled, capped, counted, first_sale_at, click_id, deleted_at,
           details::jsonb, event_id
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                $8::bigint[], $9::text[], $10::text[], $11::boolean[], $12::timestamptz[], $13::text[],
                $14::boolean[], $15::boolean[], $16::bigint[], $17::timestamptz[], $18::bigint[], $19::timestamptz[],
                $20::text[], $21::uuid[])
      AS new (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status,
              meta_data, trusted, created_at, track, canceled, capped, counted, first_sale_at, click_id, deleted_at,
              details, event_id)";

const UPDATE: &str = "
    UPDATE customers c
    SET (identity, external_id, email, name, program_id, affiliate_id, status, meta_data, trusted, canceled, capped,
         counted, first_sale_at, click_id, deleted_at, track, details)
      = (new.identity, new.external_id, new.email, new.name, new.program_id, new.affiliate_id, new.status,
         new.meta_data::jsonb, new.trusted, new.canceled, new.capped, new.counted, new.first_sale_at, new.click_id,
         new.deleted_at, new.track, new.details::jsonb)
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                $8::bigint[], $9::text[], $10::text[], $11::boolean[], $12::timestamptz[], $13::text[],
                $14::boolean[], $15::boolean[], $16::bigint[], $17::timestamptz[], $18::bigint[], $19::timestamptz[],
                $20::text[], $21::uuid[])
      AS new (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status,
              meta_data, trusted, created_at, track, canceled, capped, counted, first_sale_at, click_id, deleted_at,
              details, event_id)
    WHERE (c.org_id, c.customer_id) = (new.org_id, new.customer_id)";
