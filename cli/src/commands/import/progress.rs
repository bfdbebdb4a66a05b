//! Waiting until the events of a file are decided, and reporting what was not applied.

use std::time::Duration;

use anyhow::Context as _;
use common::{
    db::Pool,
    ops::import::{self, Import, ImportKey, Line},
    runtime::Clock,
};
use tokio_util::sync::CancellationToken;

use super::{bar::Bar, report::Report};

/// Between two looks at lines that are not decided yet.
const POLL: Duration = Duration::from_millis(500);
/// Lines of one look.
const PAGE: i64 = 1_000;

/// What became of the lines that an import had queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    /// Decided, but not applied, those of earlier runs among them.
    pub(super) unapplied: i64,
    /// They wait for their orders still.
    pub(super) parked: i64,
    /// Whether this run followed anything: of a file that was followed to its end, the lines are forgotten.
    pub(super) is_any_new: bool,
}

/// What is followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Following<'a> {
    pub(super) pool: &'a Pool,
    pub(super) clock: &'a Clock,
    pub(super) key: ImportKey<'a>,
    pub(super) import: &'a Import,
    /// Where the file's last record is, as far as it is known.
    pub(super) last: u64,
}

/// Follows the lines in their order, in which they are due, too: however long the file is, each look is at one page of it.
/// What has been reported is forgotten, so that an interrupted run goes on. `None` when stopped.
///
/// # Errors
/// When the database or the report fails.
pub(super) async fn follow(
    following: Following<'_>,
    report: &mut Report,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Followed>> {
    let Following {
        pool, key, import, ..
    } = following;
    let mut bar = Bar::new("applying", report.place());
    let (mut after, mut unapplied, mut is_any_new) = (0, import.unapplied, false);
    loop {
        let page = page(pool, key, after).await?;
        let Some(last) = page.last() else {
            break;
        };
        is_any_new = true;
        if let Some(waiting) = page.iter().find(|line| line.is_queued()) {
            let reached = u64::try_from(waiting.line)?.saturating_sub(1);
            let least = (import.due_until - following.clock.now())
                .to_std()
                .unwrap_or_default();
            bar.show(reached, reached, following.last, least)?;
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = tokio::time::sleep(POLL) => continue,
            }
        }
        after = last.line;
        // A later line of the file may bring the order of a parked one.
        unapplied += report_decided(pool, key, report, &page).await?;
    }
    drop(bar);
    let (mut after, mut parked) = (0, 0);
    loop {
        let page = page(pool, key, after).await?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.line;
        unapplied += report_decided(pool, key, report, &page).await?;
        for line in page.iter().filter(|line| !is_decided(line)) {
            report.waiting(line)?;
            parked += 1;
        }
    }
    report.flush()?;
    Ok(Some(Followed {
        unapplied,
        parked,
        is_any_new,
    }))
}

/// Reports what was decided but not applied or had no effect, and forgets all that is decided. Returns how many were not
/// applied.
async fn report_decided(
    pool: &Pool,
    key: ImportKey<'_>,
    report: &mut Report,
    page: &[Line],
) -> anyhow::Result<i64> {
    let decided = || page.iter().filter(|line| is_decided(line));
    let mut unapplied = 0;
    for line in decided().filter(|line| !line.is_applied() || line.reason.is_some()) {
        if line.is_there() {
            report.there(line)?;
            continue;
        }
        report.decided(line)?;
        unapplied += i64::from(!line.is_applied());
    }
    // Reported twice rather than not at all.
    report.flush()?;
    let lines: Vec<i64> = decided().map(|line| line.line).collect();
    let mut connection = pool.acquire().await.context("connecting")?;
    import::forget_lines(&mut connection, key, &lines, unapplied).await?;
    Ok(unapplied)
}

fn is_decided(line: &Line) -> bool {
    !line.is_queued() && !line.is_parked()
}

async fn page(pool: &Pool, key: ImportKey<'_>, after: i64) -> anyhow::Result<Vec<Line>> {
    let mut connection = pool.acquire().await.context("connecting")?;
    Ok(import::lines(&mut connection, key, after, PAGE).await?)
}
