//! From the records of a file to queued events, chunk by chunk. Each chunk and how far the file has come are one
//! transaction, so that whoever stops it anywhere can go on.

use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use common::{
    db::{self, Pool, notify},
    domain::{Body, Dialect, Event, EventId, OrgId, ProgramId},
    message::EventIds,
    ops::import::{self, Chunk, Import, ImportKey},
    runtime::Clock,
};
use tokio_util::sync::CancellationToken;

use super::{
    reading::Reading,
    records::{LeftOut, Record, Records},
    report::Report,
};

/// Records of one transaction.
pub(super) const CHUNK: usize = 500;
/// Bytes of the records of one transaction, as they stand in the file: no more is in memory, however long they are.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// What is imported, and how.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) pool: &'a Pool,
    pub(super) clock: &'a Clock,
    pub(super) ids: &'a EventIds,
    pub(super) key: ImportKey<'a>,
    pub(super) reading: &'a Reading,
    pub(super) program: Option<ProgramId>,
    /// Events that become due in a second.
    pub(super) rate: u32,
}

/// How far the file has come, and what was left out of the records that were read.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) import: Import,
    pub(super) left_out: LeftOut,
    /// Where the last record is; `None` when none was read.
    pub(super) last: Option<u64>,
}

/// Queues what the file has left, until its end or until `stop`. `progress` is told how many bytes were read, and where the
/// last record is.
///
/// # Errors
/// When the file or the database fails, or another run imports the same file.
pub(super) async fn run(
    job: &Job<'_>,
    report: &mut Report,
    stop: &CancellationToken,
    mut progress: impl FnMut(u64, u64) -> anyhow::Result<()>,
) -> anyhow::Result<Queued> {
    let now = job.clock.now();
    let mut connection = job.pool.acquire().await.context("connecting")?;
    let name = job.reading.path.display().to_string();
    let mut import = import::begin(&mut connection, job.key, &name, now).await?;
    drop(connection);
    if import.is_finished {
        return Ok(Queued {
            import,
            left_out: LeftOut::default(),
            last: None,
        });
    }
    let mut records = Records::open(job.reading)?;
    let mut last = None;
    for _done in 0..import.records_done {
        let Some(record) = records.next(now)? else {
            bail!("{name} has fewer records than were imported from it");
        };
        last = Some(record.place);
        progress(records.bytes(), record.place)?;
    }
    while !stop.is_cancelled() {
        let chunk = take(&mut records, job.clock.now())?;
        let Some(place) = chunk.last().map(|record| record.place) else {
            import.is_finished = true;
            break;
        };
        import = queue(job, report, import, chunk).await?;
        last = Some(place);
        progress(records.bytes(), place)?;
    }
    let left_out = records.left_out();
    if !import.is_finished {
        return Ok(Queued {
            import,
            left_out,
            last,
        });
    }
    let mut connection = job.pool.acquire().await.context("connecting")?;
    import::finish(&mut connection, job.key, job.clock.now()).await?;
    Ok(Queued {
        import,
        left_out,
        last,
    })
}

/// The next records, none at the end.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn take(records: &mut Records, now: DateTime<Utc>) -> anyhow::Result<Vec<Record>> {
    let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK), 0);
    while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
        let Some(record) = records.next(now)? else {
            break;
        };
        bytes += record.original.len();
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
        if record.body.is_ok() {
            report.warnings(record.place, &record.warnings)?;
        }
        match record.body {
            Ok(body) => {
                // The lines of a file follow each other: of two changes of one field the later line wins.
                let received_at = now + TimeDelta::microseconds(i64::try_from(events.len())?);
                due += TimeDelta::nanoseconds(1_000_000_000 / i64::from(job.rate.max(1)));
                let event = event(
                    job.ids.issue(job.key.org, now),
                    job.key.org,
                    job.program,
                    received_at,
                    record.warnings,
                    body,
                );
                events.push((i64::try_from(record.place)?, event, due));
            }
            // Written before the chunk is committed: reported twice rather than not at all.
            Err(invalid) => report.invalid(record.place, &invalid.0, &record.original)?,
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

/// What a record asks for, as an event.
pub(super) fn event(
    id: EventId,
    org: OrgId,
    program: Option<ProgramId>,
    received_at: DateTime<Utc>,
    warnings: Vec<String>,
    mut body: Body,
) -> Event {
    // A file brings what is there already: an interrupted one, a mended one, one of a time when the shop sent its sales itself.
    if let Body::CreateConversion(sale) = &mut body {
        sale.answers_first = true;
    }
    Event {
        id,
        org: Some(org),
        dialect: Dialect::Native,
        received_at,
        authenticated: true,
        program_scope: program,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings,
        body,
    }
}
