//! What is being written and how: statements of one organisation on rows of a kind, and what became of the rows.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Map,
};

use super::error::SyncError;
use crate::{
    catalog::{
        file::Org,
        report::{SyncReport, Thing},
        versions::VersionRow,
    },
    db::Connection,
};

/// An organisation that is being written.
pub(super) struct Target<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) report: &'a mut SyncReport,
    pub(super) org: &'a Org,
    pub(super) org_id: i64,
    pub(super) now: DateTime<Utc>,
    /// From when on changed rules are to hold; `None`: from now on.
    pub(super) rules_from: Option<DateTime<Utc>>,
}

/// A row that a statement wrote.
pub(super) struct WrittenRow {
    pub(super) id: String,
    pub(super) is_new: bool,
}

/// Ids of the rows that a statement wrote, with whether they are new.
pub(super) type Written = BTreeMap<String, bool>;

impl Target<'_> {
    /// Runs a statement on so many rows of this organisation.
    pub(super) async fn run<F>(
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

    /// From when on changed rules hold.
    pub(super) fn rules_from(&self) -> DateTime<Utc> {
        self.rules_from.unwrap_or(self.now)
    }

    /// Takes the versions that a statement wrote, unless one holds from later than it was asked for: then there is a last version
    /// that holds from then or later.
    pub(super) fn versions(
        &mut self,
        operation: &'static str,
        thing: Thing,
        written: Result<Vec<VersionRow>, sqlx::Error>,
    ) -> Result<Written, SyncError> {
        let rows = written.map_err(|error| SyncError::of(operation, error, self.org))?;
        tracing::debug!(operation, written = rows.len(), "catalog versions written");
        let asked = self.rules_from();
        for row in &rows {
            let Some(from) = row.valid_from.filter(|from| *from > asked) else {
                continue;
            };
            let id = format!("{} {}/{}", thing.name(), self.org.id.get_ref(), row.id);
            let last = from - STEP;
            if self.rules_from.is_some() {
                return Err(SyncError::NotLater { id, asked, last });
            }
            let note = format!("{id}: its last version holds from {last} on, and the new one right after it");
            self.report.notes.push(note);
        }
        Ok(rows.into_iter().map(|row| (row.id, row.is_new)).collect())
    }

    /// Notes what became of `declared` things.
    pub(super) fn add(&mut self, thing: Thing, declared: usize, written: Written) {
        let path = |(id, is_new)| (format!("{}/{id}", self.org.id.get_ref()), is_new);
        let written = written.into_iter().map(path).collect();
        self.report.add(thing, declared, written);
    }
}

/// Between versions that follow each other.
const STEP: TimeDelta = TimeDelta::microseconds(1);

/// Runs a statement on so many rows; of none it is not run.
pub(super) async fn fetch<F>(
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
pub(super) struct Of<'a, T> {
    owner: &'a str,
    #[serde(flatten)]
    thing: &'a T,
}

/// Things with their owner's id beside them.
pub(super) fn owned<'a, O, T>(
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
