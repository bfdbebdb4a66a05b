//! `commissary import`: the events of a file, at a rate that leaves live traffic alone.

mod args;
mod bar;
mod dry_run;
mod file;
mod format;
#[cfg(test)]
mod fuzz_tests;
mod groups;
mod header;
mod lines;
mod outcome_report;
mod progress;
mod queue;
mod raw;
mod reading;
mod records;
mod report;
#[cfg(test)]
mod report_tests;
mod rows;
mod source;
mod swallowed;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod words;

use std::time::Duration;

use anyhow::{Context as _, bail};
use common::{
    db::{self, Pool, orgs, programs},
    domain::{OrgId, ProgramId},
    ops::import::{self, Import, ImportKey},
    runtime::Clock,
};
use tokio_util::sync::CancellationToken;

use crate::roles;
pub(crate) use args::Args;
use bar::Bar;
use dry_run::Owner;
use format::Format;
use outcome_report::Ended;
use progress::Following;
use queue::{Job, Queued};
use reading::Reading;
use report::Report;

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let reading = Reading {
        format: Format::of(&args.file, args.format, args.encoding)?,
        path: args.file.clone(),
        ignore_unknown: args.ignore_unknown,
        timezone: args.timezone,
        encoding: args.encoding,
    };
    let mut report = Report::of(&args.file, args.report.as_deref(), reading.format.place())?;
    records::check(&reading)?;
    if args.dry_run {
        let pool = db::connect(&args.db.database_url, 2, "commissary import").await?;
        let (org, program) = owner(&pool, &args).await?;
        let ids = roles::event_ids(&pool).await?;
        let owner = Owner {
            pool: &pool,
            ids: &ids,
            org,
            program,
        };
        return dry_run::run(&args, &reading, owner, clock).await;
    }
    let stop = roles::supervisor("the records at hand are queued first")?.stop();
    let pool = db::connect(&args.db.database_url, 2, "commissary import").await?;
    let (org, program) = owner(&pool, &args).await?;
    let fingerprint = file::fingerprint(&reading, args.program.as_deref())?;
    let key = ImportKey {
        org,
        fingerprint: &fingerprint,
    };
    let before = begin(&pool, key, &args, clock).await?;
    if before.records_done == 0 {
        report.start_anew()?;
    }
    let ids = roles::event_ids(&pool).await?;
    let job = Job {
        pool: &pool,
        clock,
        ids: &ids,
        key,
        reading: &reading,
        program,
        rate: args.rate,
    };
    let queued = queue_with_bar(&job, &mut report, &stop).await?;
    let import = &queued.import;
    let followed = if args.no_wait || !import.is_finished {
        None
    } else {
        let following = Following {
            pool: &pool,
            clock,
            key,
            import,
            last: queued.last.unwrap_or(u64::try_from(import.records_done)?),
        };
        progress::follow(following, &mut report, &stop).await?
    };
    // Nothing to follow is no success where an earlier run has reported what failed.
    let ended = Ended {
        before: &before,
        import,
        followed: followed.filter(|followed| !before.is_finished || followed.is_any_new),
        left_out: &queued.left_out,
    };
    outcome_report::print_outcome(&args, &ended, &report)
}

/// The organisation of the events, and the only program that they may see.
async fn owner(pool: &Pool, args: &Args) -> anyhow::Result<(OrgId, Option<ProgramId>)> {
    let mut connection = pool.acquire().await.context("connecting")?;
    let Some(org) = orgs::by_slug(&mut connection, &args.org).await? else {
        bail!("there is no organisation {}", args.org);
    };
    let Some(slug) = &args.program else {
        return Ok((org, None));
    };
    match programs::by_slug(&mut connection, org, slug).await? {
        None => bail!("organisation {} has no program {slug}", args.org),
        found => Ok((org, found)),
    }
}

async fn begin(pool: &Pool, key: ImportKey<'_>, args: &Args, clock: &Clock) -> anyhow::Result<Import> {
    let mut connection = pool.acquire().await.context("connecting")?;
    if args.again {
        import::forget(&mut connection, key).await?;
    }
    let name = args.file.display().to_string();
    Ok(import::begin(&mut connection, key, &name, clock.now()).await?)
}

async fn queue_with_bar(
    job: &Job<'_>,
    report: &mut Report,
    stop: &CancellationToken,
) -> anyhow::Result<Queued> {
    let size = std::fs::metadata(&job.reading.path).map_or(0, |file| file.len());
    let mut bar = Bar::new("reading", report.place());
    let shown = |bytes, place| bar.show(place, bytes, size, Duration::ZERO);
    queue::run(job, report, stop, shown).await
}
