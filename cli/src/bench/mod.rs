//! How fast the product is, as parts of floors that are measured in the same run on the same servers, and the proof that it was right
//! meanwhile. Only `commissary bench` uses this; nothing here is needed by a role.

mod chart;
mod context;
mod figure;
mod floors;
mod http_floor;
mod installation;
mod load;
mod measure;
mod memory;
mod meter;
mod process_list;
mod proof;
mod report;
mod role;
mod scenarios;
mod servers;
mod targets;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use common::{
    db::{self, statistics},
    runtime::Clock,
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::print;
use context::Context;
use servers::Servers;

pub(crate) use context::{CONNECTIONS, Plan};
pub(crate) use http_floor::serve as serve_http_floor;
pub(crate) use report::Report;
pub(crate) use scenarios::Scenario;

/// Where to measure.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Of private servers, and of logs.
    pub(crate) state: PathBuf,
    pub(crate) database_url: Option<SecretString>,
    pub(crate) amqp_url: Option<SecretString>,
}

/// Measures `scenarios` `rounds` times. Whatever was made for it is gone afterwards, also when `stop` ends it early.
///
/// # Errors
/// When servers or roles fail, or it was stopped.
pub(crate) async fn run(
    place: Place,
    plan: Plan,
    (scenarios, rounds): (&[Scenario], usize),
    clock: &Clock,
    stop: &CancellationToken,
) -> anyhow::Result<Report> {
    let servers = Servers::start(&place.state, place.database_url, place.amqp_url).await?;
    let logs = match log_folder() {
        Ok(logs) => logs,
        Err(error) => {
            servers.stop().await?;
            return Err(error);
        }
    };
    let mut context = Context::new(servers, plan, clock.clone(), logs.clone());
    let measured = stop
        .run_until_cancelled(Box::pin(all_rounds(&mut context, scenarios, rounds)))
        .await;
    context.end_progress();
    let stopped = context.servers.stop().await;
    let report = measured.context("stopped before it was measured")?;
    stopped.context("cleaning up")?;
    // The logs of what failed are left for a look.
    if report.is_ok() {
        std::fs::remove_dir_all(&logs).with_context(|| format!("removing {}", logs.display()))?;
    }
    report
}

async fn all_rounds(context: &mut Context, scenarios: &[Scenario], rounds: usize) -> anyhow::Result<Report> {
    let pool = db::connect(&context.servers.database_url, 1, "commissary bench").await?;
    let settings = statistics::settings(&pool).await?;
    pool.close().await;
    if let Some((name, _)) = settings.iter().find(|(name, value)| is_unsafe(name, value)) {
        print::warn(format!(
            "{name} is off: this server forgets what it has committed, and figures are not those of one that does not"
        ))?;
    }
    context.expect(scenarios.len() * rounds);
    let mut figures = Vec::new();
    for _ in 0..rounds {
        for scenario in scenarios {
            scenario.run(context).await?;
            context.step();
        }
        let mut of_round = context.take_figures();
        of_round.extend(memory::figures(&of_round));
        figures.push(of_round);
    }
    let proofs = std::mem::take(&mut context.proofs);
    Ok(Report::new(context.plan.seconds, settings, &figures, proofs))
}

/// Whether a commit may be lost by this setting of the database.
fn is_unsafe(name: &str, value: &str) -> bool {
    matches!(name, "fsync" | "synchronous_commit" | "full_page_writes") && value == "off"
}

/// A folder of our own.
fn log_folder() -> anyhow::Result<PathBuf> {
    let name = format!(
        "commissary-bench-{}-{:08x}",
        std::process::id(),
        rand::random::<u32>()
    );
    let folder: &Path = &std::env::temp_dir().join(name);
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))?;
    Ok(folder.to_owned())
}
