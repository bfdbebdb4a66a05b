//! Makes the database say what a catalog file says: one transaction, set-based, idempotent. What the file does not
//! mention is left alone.
//!
//! Every statement takes the organisation as $1, rows as JSON in $2 and where it needs it the time in $3, writes only rows
//! that differ, and returns the id of each with whether it is new (in an upsert, a new row has no `xmax`).

mod affiliate;
mod error;
mod host;
mod key;
mod org;
mod program;
mod rule;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Map,
};

pub use error::SyncError;

use super::{
    file::{CatalogFile, Org},
    report::{SyncReport, Thing},
};
use crate::db::{self, Connection, DbError, Pool, keys};

/// The advisory lock of applies: two run one after the other. "catalog" in ASCII.
const APPLY_LOCK: i64 = 0x63_61_74_61_6c_6f_67;

/// Brings the database to what `file` says, or changes nothing. Changed rules hold from `now` on.
///
/// # Errors
/// [`SyncError::Taken`] where something that the file does not declare is in the way, else what the database says.
pub async fn sync(pool: &Pool, file: &CatalogFile, now: DateTime<Utc>) -> Result<SyncReport, SyncError> {
    db::in_transaction(pool, async |connection| write(connection, file, now).await).await
}

/// What [`sync`] would do, found by doing it and rolling back.
///
/// # Errors
/// As [`sync`].
pub async fn dry_run(pool: &Pool, file: &CatalogFile, now: DateTime<Utc>) -> Result<SyncReport, SyncError> {
    let mut transaction = db::begin(pool).await?;
    let report = write(&mut transaction, file, now).await?;
    db::rollback(transaction).await?;
    Ok(report)
}

async fn write(
    connection: &mut Connection,
    file: &CatalogFile,
    now: DateTime<Utc>,
) -> Result<SyncReport, SyncError> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", APPLY_LOCK)
        .execute(&mut *connection)
        .await
        .map_err(|error| DbError::new("catalog.lock", error))?;
    let mut report = SyncReport::default();
    let org_ids = org::write(connection, file, now, &mut report).await?;
    for org in &file.orgs {
        let Some(org_id) = org_ids.get(org.id.get_ref()) else {
            continue;
        };
        let mut target = Target {
            connection: &mut *connection,
            report: &mut report,
            org,
            org_id: *org_id,
            now,
        };
        org::write_own(&mut target).await?;
        program::write(&mut target).await?;
        affiliate::write(&mut target).await?;
        key::write(&mut target).await?;
    }
    if [Thing::Org, Thing::Key, Thing::PixelKey]
        .into_iter()
        .any(|thing| report.touched(thing))
    {
        keys::notify(connection).await?;
    }
    Ok(report)
}

/// An organisation that is being written.
struct Target<'a> {
    connection: &'a mut Connection,
    report: &'a mut SyncReport,
    org: &'a Org,
    org_id: i64,
    now: DateTime<Utc>,
}

/// A row that a statement wrote.
struct WrittenRow {
    id: String,
    is_new: bool,
}

/// Ids of the rows that a statement wrote, with whether they are new.
type Written = BTreeMap<String, bool>;

impl Target<'_> {
    /// Runs a statement on so many rows of this organisation.
    async fn run<F>(
        &mut self,
        operation: &'static str,
        rows: usize,
        query: Map<'_, Postgres, F, PgArguments>,
    ) -> Result<Written, SyncError>
    where
        F: FnMut(PgRow) -> Result<WrittenRow, sqlx::Error> + Send,
    {
        let written = fetch(self.connection, operation, rows, query).await;
        written.map_err(|error| SyncError::of(operation, error, self.org))
    }

    /// Notes what became of `declared` things.
    fn add(&mut self, thing: Thing, declared: usize, written: Written) {
        let path = |(id, is_new)| (format!("{}/{id}", self.org.id.get_ref()), is_new);
        let written = written.into_iter().map(path).collect();
        self.report.add(thing, declared, written);
    }
}

async fn fetch<F>(
    connection: &mut Connection,
    operation: &'static str,
    rows: usize,
    query: Map<'_, Postgres, F, PgArguments>,
) -> Result<Written, sqlx::Error>
where
    F: FnMut(PgRow) -> Result<WrittenRow, sqlx::Error> + Send,
{
    if rows == 0 {
        return Ok(Written::new());
    }
    let written = query.fetch_all(connection).await?;
    tracing::debug!(operation, rows, written = written.len(), "catalog rows written");
    Ok(written.into_iter().map(|row| (row.id, row.is_new)).collect())
}

/// A thing of a program, as a row.
#[derive(Serialize)]
struct Of<'a, T> {
    owner: &'a str,
    #[serde(flatten)]
    thing: &'a T,
}

/// Things with their owner's id beside them.
fn owned<'a, O, T>(
    owners: &'a [O],
    id: impl Fn(&'a O) -> &'a str,
    things: impl Fn(&'a O) -> &'a [T],
) -> Vec<Of<'a, T>> {
    let rows = owners.iter().flat_map(|owner| {
        let id = id(owner);
        things(owner).iter().map(move |thing| Of { owner: id, thing })
    });
    rows.collect()
}
