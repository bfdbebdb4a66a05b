//! Makes the database say what a catalog file says: one transaction, set-based, idempotent. What the file does not
//! mention is left alone.
//!
//! Every statement takes the organisation as $1, rows as JSON in $2 and where it needs it a time in $3, writes only rows
//! that differ, and returns the id of each with whether it is new (in an upsert, a new row has no `xmax`).

mod affiliate;
mod error;
mod host;
mod key;
mod org;
mod program;
mod rule;
mod target;
mod trail;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

pub use error::SyncError;

use self::target::Target;
use super::{
    change,
    file::CatalogFile,
    known::{self, KnownOrgs, Pixels, Which},
    parse::{self, Declaration},
    problem::CatalogError,
    report::{SyncReport, Thing},
};
use crate::{
    db::{
        self, Connection, DbError, Pool,
        audit::{self, Actor, Author, Note},
        keys,
    },
    domain::OrgId,
};

/// The advisory lock of applies: two run one after the other. "catalog" in ASCII.
const APPLY_LOCK: i64 = 0x63_61_74_61_6c_6f_67;

/// Whom the audit trail names where nobody in particular applies a file.
const NOBODY: &str = "commissary";

/// How a file is applied.
#[derive(Clone, Copy, Debug)]
pub struct SyncOptions<'a> {
    /// Whom the audit trail names.
    pub actor: &'a str,
    pub now: DateTime<Utc>,
    /// From when on changed rules hold, and from when on what is retired is: earlier or later than now. `None`: from now on.
    pub rules_from: Option<DateTime<Utc>>,
}

/// Brings the database to what `file` says, or changes nothing. Changed rules hold from `now` on. What the file leaves out of a
/// thing that exists stays as it is.
///
/// # Errors
/// [`SyncError::Wrong`] where the file is wrong for what is in the database, [`SyncError::Taken`] where something that the file does
/// not declare is in the way, else what the database says.
pub async fn sync(pool: &Pool, file: &Declaration, now: DateTime<Utc>) -> Result<SyncReport, SyncError> {
    let options = SyncOptions {
        actor: NOBODY,
        now,
        rules_from: None,
    };
    sync_as(pool, file, options).await
}

/// [`sync`] on behalf of somebody, with rules that hold from another time than now.
///
/// # Errors
/// As [`sync`]; [`SyncError::NotLater`] where a rule that is to change has a version that holds from that time or later.
pub async fn sync_as(
    pool: &Pool,
    file: &Declaration,
    options: SyncOptions<'_>,
) -> Result<SyncReport, SyncError> {
    db::in_transaction(pool, async |connection| write(connection, file, options).await).await
}

/// What [`sync_as`] would do, found by doing it and rolling back.
///
/// # Errors
/// As [`sync_as`].
pub async fn dry_run(
    pool: &Pool,
    file: &Declaration,
    options: SyncOptions<'_>,
) -> Result<SyncReport, SyncError> {
    let mut transaction = db::begin(pool).await?;
    let report = write(&mut transaction, file, options).await?;
    db::rollback(transaction).await?;
    Ok(report)
}

/// Applies `file` in the caller's transaction, with rules that hold from `rules_from` on: to see what they would bring. The caller
/// rolls back.
///
/// # Errors
/// As [`sync`].
pub(crate) async fn suppose(
    connection: &mut Connection,
    file: &Declaration,
    rules_from: DateTime<Utc>,
) -> Result<(), SyncError> {
    lock(connection).await?;
    let known = known_orgs(connection, file).await?;
    let file = file.resolve(&known)?;
    let mut report = SyncReport::default();
    // Without entries in the trail: whoever appends to it waits for the others who do, and here money is locked after.
    write_all(connection, &file, (rules_from, Some(rules_from)), &mut report).await?;
    Ok(())
}

/// Everything that is wrong with a file, where the database is at hand; none, if it could be applied.
///
/// # Errors
/// When the database does not answer.
pub async fn mistakes(pool: &Pool, text: &str) -> Result<Option<CatalogError>, DbError> {
    let file = parse::read(text);
    let mut transaction = db::begin(pool).await?;
    let known = known_orgs(&mut transaction, &file).await?;
    db::rollback(transaction).await?;
    Ok(file.resolve(&known).err())
}

/// What the database says of the organisations that `file` declares. Until the transaction ends nobody else changes them.
async fn known_orgs(connection: &mut Connection, file: &Declaration) -> Result<KnownOrgs, DbError> {
    let orgs = &file.outline().orgs;
    let slugs: Vec<String> = orgs.iter().map(|org| org.id.get_ref().clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id: OrgId", slug FROM orgs WHERE slug = ANY ($1) ORDER BY org_id"#,
        &slugs
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| DbError::new("catalog.known_orgs", error))?;
    let mut known = KnownOrgs::new();
    for row in rows {
        change::lock(connection, row.org_id).await?;
        let which = Which::Named(file.affiliates_named(&row.slug));
        let org = known::load(connection, row.org_id, &which, Pixels::WithSecrets).await?;
        known.insert(row.slug, org);
    }
    Ok(known)
}

/// One apply after the other.
async fn lock(connection: &mut Connection) -> Result<(), DbError> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", APPLY_LOCK)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("catalog.lock", error))?;
    Ok(())
}

async fn write(
    connection: &mut Connection,
    file: &Declaration,
    options: SyncOptions<'_>,
) -> Result<SyncReport, SyncError> {
    let SyncOptions {
        actor,
        now,
        rules_from,
    } = options;
    lock(connection).await?;
    let known = known_orgs(connection, file).await?;
    let file = &file.resolve(&known)?;
    let mut report = SyncReport::default();
    let notes = write_all(connection, file, (now, rules_from), &mut report).await?;
    // In the order of the organisations, as whoever appends to several trails.
    for (org, notes) in notes {
        let author = Author {
            org: OrgId(org),
            actor: Actor::Catalog(actor.to_owned()),
            request_id: None,
            now,
        };
        audit::append(connection, &author, &notes).await?;
    }
    Ok(report)
}

/// What a request says of its organisation `org`, which is the only one of `file`. Returns what the trail is to say of it.
///
/// # Errors
/// As [`sync`].
pub(super) async fn one_org(
    connection: &mut Connection,
    file: &CatalogFile,
    org: OrgId,
    now: DateTime<Utc>,
    rules_from: Option<DateTime<Utc>>,
) -> Result<Vec<Note>, SyncError> {
    let mut report = SyncReport::default();
    let mut notes = write_all(connection, file, (now, rules_from), &mut report).await?;
    Ok(notes.remove(&org.0).unwrap_or_default())
}

/// All of the file. Returns what the trails are to say, by organisation.
async fn write_all(
    connection: &mut Connection,
    file: &CatalogFile,
    (now, rules_from): (DateTime<Utc>, Option<DateTime<Utc>>),
    report: &mut SyncReport,
) -> Result<BTreeMap<i64, Vec<Note>>, SyncError> {
    let orgs_before = trail::orgs(connection, &file.orgs).await?;
    let org_ids = org::write(connection, file, now, report).await?;
    let mut notes = of_orgs(connection, file, &org_ids, orgs_before).await?;
    for org in &file.orgs {
        let Some(org_id) = org_ids.get(org.id.get_ref()) else {
            continue;
        };
        change::lock(connection, OrgId(*org_id)).await?;
        let before = trail::things(connection, *org_id, org).await?;
        let mut target = Target {
            connection: &mut *connection,
            report: &mut *report,
            org,
            org_id: *org_id,
            now,
            rules_from,
        };
        org::write_own(&mut target).await?;
        program::write(&mut target).await?;
        affiliate::write(&mut target).await?;
        key::write(&mut target).await?;
        let after = trail::things(connection, *org_id, org).await?;
        notes
            .entry(*org_id)
            .or_default()
            .extend(trail::notes(before, after));
    }
    if [Thing::Org, Thing::Key, Thing::PixelKey]
        .into_iter()
        .any(|thing| report.touched(thing))
    {
        keys::notify(connection).await?;
    }
    Ok(notes)
}

/// What the trail of each organisation says of the organisation itself.
async fn of_orgs(
    connection: &mut Connection,
    file: &CatalogFile,
    org_ids: &HashMap<String, i64>,
    mut before: trail::Things,
) -> Result<BTreeMap<i64, Vec<Note>>, DbError> {
    let after = trail::orgs(connection, &file.orgs).await?;
    let each = after.into_iter().filter_map(|(slug, after)| {
        let org_id = *org_ids.get(&slug)?;
        let before = before.remove(&slug);
        let subject = format!("org/{slug}");
        let before = before
            .map(|before| (subject.clone(), before))
            .into_iter()
            .collect();
        Some((org_id, trail::notes(before, [(subject, after)].into())))
    });
    Ok(each.collect())
}
