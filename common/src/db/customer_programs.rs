//! Where customers stand with programs beside their own. What a customer is in its own program stands in `customers`; whoever
//! reads or writes a row here holds the lock of the customer's row there.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Connection, DbError, columns::columns};
use crate::domain::{
    AffiliateId, ClickId, CustomerId, EventId, OrgId, ProgramId,
    entities::{Change, Customer, Elsewhere, Standing},
};

/// Completes customers, in the order of their keys, whose rows are locked and say that there is more. In a statement of its own: that which waits for the
/// locks sees what others have written here meanwhile no more than it sees new rows.
pub(super) async fn load(
    connection: &mut Connection,
    customers: &mut [&mut Customer],
) -> Result<(), DbError> {
    let (orgs, numbers): (Vec<i64>, Vec<i64>) = customers
        .iter()
        .map(|customer| (customer.org.0, customer.id.0))
        .unzip();
    let rows = sqlx::query!(
        r#"SELECT p.org_id AS "org: OrgId", p.customer_id AS "customer: CustomerId", p.program_id AS "program: ProgramId",
                p.affiliate_id AS "affiliate: AffiliateId", p.click_id AS "click: ClickId", p.trusted AS authenticated,
                p.counted, p.first_sale_at, p.capped, p.event_id AS "event: EventId", p.created_at
           FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, customer_id)
           JOIN customer_programs p ON (p.org_id, p.customer_id) = (sent.org_id, sent.customer_id)
          ORDER BY p.org_id, p.customer_id, p.program_id"#,
        &orgs,
        &numbers,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("customer_programs.load", error))?;
    for row in rows {
        let of = (row.org, row.customer);
        let found = customers.binary_search_by_key(&of, |customer| (customer.org, customer.id));
        let Some(customer) = found.ok().and_then(|at| customers.get_mut(at)) else {
            continue;
        };
        // It has become the customer's own since: what counts is in its own row.
        if customer.own.program == row.program {
            continue;
        }
        customer.elsewhere.push(Elsewhere {
            change: Change::None,
            standing: Standing {
                program: row.program,
                affiliate: row.affiliate,
                click: row.click,
                authenticated: row.authenticated,
                counted_towards_cap: row.counted,
                first_sale_at: row.first_sale_at,
                capped: row.capped,
            },
            event: row.event,
            created_at: row.created_at,
        });
    }
    Ok(())
}

columns! {
    /// Where customers stand elsewhere, column by column.
    Columns<'a> of (customer, Elsewhere {
        change: _, standing: Standing { program, affiliate, click, authenticated, counted_towards_cap, first_sale_at, capped },
        event, created_at,
    }) in (&'a Customer, &'a Elsewhere) {
        org_id: i64 = customer.org.0,
        customer_id: i64 = customer.id.0,
        program_id: i64 = program.0,
        affiliate_id: i64 = affiliate.0,
        click_id: Option<i64> = click.map(|id| id.0),
        trusted: bool = *authenticated,
        counted: i64 = *counted_towards_cap,
        first_sale_at: Option<DateTime<Utc>> = *first_sale_at,
        capped: bool = *capped,
        event_id: &'a Uuid = &event.0,
        created_at: DateTime<Utc> = *created_at,
    }
}

/// Writes what deciding has marked. A row may be there of a time before the program was the customer's own.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write(connection: &mut Connection, sorted: &[&Customer]) -> Result<(), DbError> {
    let all = sorted.iter().copied();
    let all = all.flat_map(|customer| {
        customer
            .elsewhere
            .iter()
            .map(move |elsewhere| (customer, elsewhere))
    });
    let Some(changed) = Columns::of(all.filter(|(_, elsewhere)| elsewhere.change != Change::None)) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO customer_programs AS p (org_id, customer_id, program_id, affiliate_id, click_id, trusted, counted,
             first_sale_at, capped, event_id, created_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[],
             $7::bigint[], $8::timestamptz[], $9::boolean[], $10::uuid[], $11::timestamptz[])
         ON CONFLICT ON CONSTRAINT customer_programs_pkey DO UPDATE
         SET affiliate_id = excluded.affiliate_id, click_id = excluded.click_id, trusted = excluded.trusted,
             counted = excluded.counted, first_sale_at = excluded.first_sale_at, capped = excluded.capped,
             event_id = excluded.event_id, created_at = excluded.created_at",
        &changed.org_id,
        &changed.customer_id,
        &changed.program_id,
        &changed.affiliate_id,
        &changed.click_id as _,
        &changed.trusted,
        &changed.counted,
        &changed.first_sale_at as _,
        &changed.capped,
        &changed.event_id as _,
        &changed.created_at,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("customer_programs.write", error))?;
    Ok(())
}
