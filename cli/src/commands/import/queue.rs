//! From the records of a file to queued events, chunk by chunk. Each chunk and how far the file has come are one
//! transaction, so that whoever stops it anywhere can go on.

use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use common::{
    db::{self, Pool, notify},
    domain::{Dialect, Event, ProgramId},
    message::EventIds,
    ops::import::{self, Chunk, Import, ImportKey},
    runtime::Clock,
};
use tokio_util::sync::CancellationToken;

use super::{
    format::Format,
    records::{Record, Records},
    report::Report,
};

/// Records of one transaction.
pub(super) const CHUNK: usize = 500;

/// What is imported, and how.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) pool: &'a Pool,
    pub(super) clock: &'a Clock,
    pub(super) ids: &'a EventIds,
    pub(super) key: ImportKey<'a>,
    pub(super) file: &'a Path,
    pub(super) format: Format,
    pub(super) program: Option<ProgramId>,
    /// Columns that are unknown are left out.
    pub(super) ignore_unknown: bool,
    /// Events that become due in a second.
    pub(super) rate: u32,
}

/// How far the file has come, and the names of fields that nobody knows in what was read of it.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) import: Import,
    pub(super) ignored: Vec<String>,
}

/// Queues what the file has left, until its end or until `stop`.
///
/// # Errors
/// When the file or the database fails, or another run imports the same file.
pub(super) async fn run(
    job: &Job<'_>,
    report: &mut Report,
    stop: &CancellationToken,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Queued> {
    let now = job.clock.now();
    let mut connection = job.pool.acquire().await.context("connecting")?;
    let name = job.file.display().to_string();
    let mut import = import::begin(&mut connection, job.key, &name, now).await?;
    drop(connection);
    if import.is_finished {
        let ignored = Vec::new();
        return Ok(Queued { import, ignored });
    }
    let mut records = Records::open(job.file, job.format, job.ignore_unknown)?;
    for _done in 0..import.records_done {
        let Some(record) = records.next(now)? else {
            bail!("{name} has fewer records than were imported from it");
        };
        progress(record.bytes);
    }
    loop {
        if stop.is_cancelled() {
            let ignored = records.ignored();
            return Ok(Queued { import, ignored });
        }
        let chunk = take(&mut records, job.clock.now())?;
        let Some(last) = chunk.last() else {
            break;
        };
        let bytes = last.bytes;
        import = queue(job, report, import, chunk).await?;
        progress(bytes);
    }
    let mut connection = job.pool.acquire().await.context("connecting")?;
    import::finish(&mut connection, job.key, job.clock.now()).await?;
    import.is_finished = true;
    let ignored = records.ignored();
    Ok(Queued { import, ignored })
}

fn take(records: &mut Records, now: DateTime<Utc>) -> anyhow::Result<Vec<Record>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    while chunk.len() < CHUNK {
        let Some(record) = records.next(now)? else {
            break;
        };
        chunk.push(record);
    }
    Ok(chunk)
}

async fn queue(
    job: &Job<'_>,
    report: &mut Report,
    import: Import,
    records: Vec<Record>,
) -> anyhow::Result<Import> {
    let now = job.clock.now();
    let records_taken = i64::try_from(records.len())?;
    let mut due = import.due_until.max(now);
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        match record.body {
            Ok(body) => {
                // The lines of a file follow each other: of two changes of one field the later line wins.
                let received_at = now + TimeDelta::microseconds(i64::try_from(events.len())?);
                due += TimeDelta::nanoseconds(1_000_000_000 / i64::from(job.rate.max(1)));
                let event = Event {
                    id: job.ids.issue(job.key.org, now),
                    org: Some(job.key.org),
                    dialect: Dialect::Native,
                    received_at,
                    authenticated: true,
                    program_scope: job.program,
                    idempotency: None,
                    wait_until: None,
                    request_id: None,
                    trace: None,
                    warnings: record.warnings,
                    body,
                };
                events.push((i64::try_from(record.line)?, event, due));
            }
            // Written before the chunk is committed: reported twice rather than not at all.
            Err(invalid) => report.invalid(record.line, &invalid.0, &record.original)?,
        }
    }
    report.flush()?;
    let invalid = records_taken - i64::try_from(events.len())?;
    let chunk = Chunk {
        events: &events,
        records_before: import.records_done,
        records: records_taken,
        invalid,
        due_until: due,
    };
    let mut transaction = db::begin(job.pool).await?;
    if !import::queue(&mut transaction, job.key, &chunk).await? {
        bail!("another run imports the same file at this moment");
    }
    notify::notify(&mut transaction, notify::EVENTS).await?;
    db::commit(transaction).await?;
    Ok(Import {
        records_done: import.records_done + records_taken,
        invalid: import.invalid + invalid,
        due_until: due,
        ..import
    })
}
