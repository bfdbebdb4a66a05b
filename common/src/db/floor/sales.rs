//! Sales as the columns that are inserted: what differs from sale to sale comes from outside, as it does to the product; the rest are
//! literals.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::SystemTime,
};

use uuid::{Builder, Uuid};

use crate::db::{Connection, DbError};

/// Affiliates that the sales are spread over.
const AFFILIATES: i64 = 100;
/// Of five sales four are of a new customer.
const OF_CUSTOMERS: usize = 5;
/// What the product keeps of an order of Yaplet's example: the event's body, and its outcome.
const BODY: &str = include_str!("body.json");
const OUTCOME: &str = include_str!("outcome.json");
const ORDER: &str = "ORDER";

/// Numbers of this process, as sequences give them; above those of any stored rows.
static NEXT: AtomicI64 = AtomicI64::new(1_000_000_000);

/// The columns that differ.
#[derive(Debug)]
pub(super) struct Sales {
    numbers: Vec<i64>,
    event_ids: Vec<Uuid>,
    orders: Vec<String>,
    affiliates: Vec<i64>,
    bodies: Vec<String>,
    outcomes: Vec<String>,
    /// Those of the sales that have a new customer.
    new_customers: Vec<i64>,
    new_identities: Vec<String>,
}

impl Sales {
    /// With random order ids, and event ids that ascend by time as those of the product do.
    pub(super) fn random(count: usize) -> Self {
        let first = NEXT.fetch_add(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed);
        let numbers: Vec<i64> = (first..).take(count).collect();
        let orders: Vec<String> = (0..count)
            .map(|_| format!("order-{:016x}", rand::random::<u64>()))
            .collect();
        let new = numbers.iter().zip(&orders).enumerate();
        let new = new.filter(|(place, _)| place % OF_CUSTOMERS != 0);
        let (new_customers, new_identities) = new
            .map(|(_, (number, order))| (*number, format!("email:{order}@example.com")))
            .unzip();
        Self {
            event_ids: (0..count).map(|_| event_id()).collect(),
            affiliates: numbers.iter().map(|number| number * 7919 % AFFILIATES).collect(),
            bodies: orders.iter().map(|order| BODY.replace(ORDER, order)).collect(),
            outcomes: orders.iter().map(|order| OUTCOME.replace(ORDER, order)).collect(),
            numbers,
            orders,
            new_customers,
            new_identities,
        }
    }
}

fn event_id() -> Uuid {
    #[expect(
        clippy::disallowed_methods,
        reason = "the ids are thrown away with their rows"
    )]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = now.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or_default());
    Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

/// Inserts all rows of `new`, each table by one statement, balances last.
pub(super) async fn insert(connection: &mut Connection, new: &Sales) -> Result<(), DbError> {
    let failed = |error| DbError::new("floor.insert", error);
    sqlx::query(
        "INSERT INTO floor.customers (org_id, customer_id, identity, external_id, email, name, program_id, affiliate_id, status, track, counted,
             first_sale_at, meta_data, trusted, event_id, created_at)
         SELECT 1, number, identity, 'cust-' || number, substr(identity, 7), 'Jane Smith', 1, 1, 'active', 'new', 1, now(), '{\"source\": \"website\"}', true,
             gen_random_uuid(), now()
         FROM unnest($1::bigint[], $2::text[]) new (number, identity)",
    )
    .bind(&new.new_customers)
    .bind(&new.new_identities)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "INSERT INTO floor.conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect,
             trusted, attributed_by, base_amount, amount, currency, refunded, meta_data, details, created_at, counted, trace)
         SELECT 1, number, external_id, 1, affiliate, number, event, 'yaplet', true, 'coupon', 100, 100, 'USD', 0,
             '{\"utm_source\": \"newsletter\"}',
             '{\"notes\": \"Summer sale order\", \"product\": {\"id\": \"prod_123\", \"name\": \"Pro Plan\", \"category\": \"subscription\"}}',
             now(), 1,
             '{\"rules\": [{\"exact\": \"10\", \"source\": \"type\", \"percent\": \"10\", \"commission_type\": \"standard\"}],
               \"candidates\": [{\"rank\": \"coupon\", \"sent\": \"BENCH042\", \"verdict\": \"chosen\", \"affiliate\": \"affiliate042\"}]}'
         FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[]) new (number, external_id, affiliate, event)",
    )
    .bind(&new.numbers)
    .bind(&new.orders)
    .bind(&new.affiliates)
    .bind(&new.event_ids)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "INSERT INTO floor.commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name,
             rate, sub_amount, part, settled_on, gross, amount, currency, pending, payable, created_at)
         SELECT 1, number, number, affiliate, 'regular', 'standard', 'standard', 10, 100, 100, 100, 10, 10, 'USD', 10, 0, now()
         FROM unnest($1::bigint[], $2::bigint[]) new (number, affiliate)",
    )
    .bind(&new.numbers)
    .bind(&new.affiliates)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    insert_books(connection, new).await
}

async fn insert_books(connection: &mut Connection, new: &Sales) -> Result<(), DbError> {
    let failed = |error| DbError::new("floor.insert_books", error);
    sqlx::query(
        "INSERT INTO floor.transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id,
             event_id, recorded_at)
         SELECT 1, affiliate, 'expense', 'pending', 10, 'USD', 'accrue', number, event, now()
         FROM unnest($1::bigint[], $2::bigint[], $3::uuid[]) new (number, affiliate, event)",
    )
    .bind(&new.numbers)
    .bind(&new.affiliates)
    .bind(&new.event_ids)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "INSERT INTO floor.events (event_id, org_id, kind, dialect, status, order_key, received_at, applied_at, trusted, body, outcome, request_id)
         SELECT event, 1, 'create_conversion', 'yaplet', 'applied', external_id, now(), now(), true, body::json, outcome::json,
             'ae632821-888c-41df-bd55-c0a8257fbbd9'
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) new (event, external_id, body, outcome)",
    )
    .bind(&new.event_ids)
    .bind(&new.orders)
    .bind(&new.bodies)
    .bind(&new.outcomes)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "INSERT INTO floor.balances AS b (org_id, affiliate_id, currency, pending)
         SELECT 1, affiliate, 'USD', 10 * count(*) FROM unnest($1::bigint[]) new (affiliate) GROUP BY affiliate ORDER BY affiliate
         ON CONFLICT (org_id, affiliate_id, currency) DO UPDATE SET pending = b.pending + excluded.pending",
    )
    .bind(&new.affiliates)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
