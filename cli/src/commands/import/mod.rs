//! `commissary import`: the events of a file, at a rate that leaves live traffic alone.

mod args;
mod dry_run;
mod file;
mod format;
mod header;
mod outcome_report;
mod progress;
mod queue;
mod records;
mod refund_ids;
mod report;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, bail};
use common::{
    db::{self, orgs, programs},
    ops::import::{self, ImportKey},
    runtime::Clock,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::roles;
pub(crate) use args::Args;
use format::Format;
use outcome_report::Ended;
use queue::Job;
use report::Report;

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let name = args.file.display();
    let Some(format) = args.format.or_else(|| Format::of(&args.file)) else {
        bail!("{name} ends neither with .csv nor with .ndjson: say --format csv or --format ndjson");
    };
    if args.dry_run {
        return dry_run::run(&args, format, clock);
    }
    let mut report = Report::of(&args.file, args.report.as_deref())?;
    records::check(&args.file, format, args.ignore_unknown)?;
    let stop = roles::supervisor("the records at hand are queued first")?.stop();
    let pool = db::connect(&args.db.database_url, 2, "commissary import").await?;
    let mut connection = pool.acquire().await.context("connecting")?;
    let Some(org) = orgs::by_slug(&mut connection, &args.org).await? else {
        bail!("there is no organisation {}", args.org);
    };
    let program = match &args.program {
        None => None,
        Some(slug) => match programs::by_slug(&mut connection, org, slug).await? {
            None => bail!("organisation {} has no program {slug}", args.org),
            found => found,
        },
    };
    let fingerprint = file::fingerprint(&args.file, format, args.program.as_deref())?;
    let key = ImportKey {
        org,
        fingerprint: &fingerprint,
    };
    if args.again {
        import::forget(&mut connection, key).await?;
    }
    let before = import::begin(&mut connection, key, &name.to_string(), clock.now()).await?;
    drop(connection);
    if before.records_done == 0 {
        report.start_anew()?;
    }
    let ids = roles::event_ids(&pool).await?;
    let job = Job {
        pool: &pool,
        clock,
        ids: &ids,
        key,
        file: &args.file,
        format,
        program,
        ignore_unknown: args.ignore_unknown,
        rate: args.rate,
    };
    let bar = bytes_bar(std::fs::metadata(&args.file).map_or(0, |file| file.len()));
    let queued = queue::run(&job, &mut report, &stop, |bytes| bar.set_position(bytes)).await;
    bar.finish_and_clear();
    let queued = queued?;
    let import = &queued.import;
    let followed = if args.no_wait || !import.is_finished {
        None
    } else {
        progress::follow(&pool, key, import.unapplied, &mut report, &stop).await?
    };
    // Nothing to follow is no success where an earlier run has reported what failed.
    let ended = Ended {
        before: &before,
        import,
        followed: followed.filter(|followed| !before.is_finished || followed.is_any_new),
        ignored: &queued.ignored,
    };
    outcome_report::print_outcome(&args, &ended, &report)
}

fn bytes_bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
