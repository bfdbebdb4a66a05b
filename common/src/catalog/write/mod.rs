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
mod target;

use chrono::{DateTime, Utc};

pub use error::SyncError;

use self::target::Target;
use super::{
    change,
    file::CatalogFile,
    report::{SyncReport, Thing},
};
use crate::{
    db::{self, Connection, DbError, Pool, keys},
    domain::OrgId,
};

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
        change::lock(connection, OrgId(*org_id)).await?;
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
