//! `commissary`: one binary, all roles. This file is a table of subcommands; each has a file under `commands`.

mod bench;
mod commands;
mod dev;
mod print;
mod printable;
mod private_file;
mod roles;
mod secret_files;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use common::{
    runtime::Clock,
    telemetry::{self, TelemetryArgs},
};

/// The system's own keeps for ever what a crowd of connections took once (docs/decisions/0021).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECRETS: &str = "\
Every option has an environment variable, which its --help names. One that holds a secret (DATABASE_URL, AMQP_URL) may also be given
as a file that holds it, by its name with _FILE: DATABASE_URL_FILE=/run/secrets/database_url. One last line end is left out.";

/// Affiliate conversions, each recorded exactly once.
///
/// Start with `commissary dev`: it needs nothing but PostgreSQL's binaries and prints a curl to paste.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = SECRETS)]
struct Cli {
    #[command(flatten)]
    telemetry: TelemetryArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process, with a database of its own and the demo world.
    Dev(commands::dev::Args),
    /// Run the data plane: accept events over HTTP.
    Ingest(commands::ingest::Args),
    /// Run a worker: apply events.
    Worker(commands::worker::Args),
    /// Run the control plane: receipts, reads and operations over HTTP.
    Api(commands::api::Args),
    /// Bring the database's schema to this version.
    Migrate(commands::migrate::Args),
    /// Print the SQL that gives each process's role in the database what it may do.
    Grants(commands::grants::Args),
    /// Apply a catalog: organisations, keys, programs, affiliates.
    Apply(commands::apply::Args),
    /// Write what is in the database as a catalog file.
    Catalog(commands::catalog::Args),
    /// Import the events of a file.
    Import(commands::import::Args),
    /// Create, list and revoke API keys.
    Keys(commands::keys::Args),
    /// List and show events.
    Events(commands::events::Args),
    /// List, show, replay and discard what could not be applied.
    Dlq(commands::dlq::Args),
    /// Approve and disapprove many commissions.
    Commissions(commands::commissions::Args),
    /// Show who changed what, and prove that nobody changed that.
    Audit(commands::audit::Args),
    /// Show what was turned away before it became an event.
    Rejections(commands::rejections::Args),
    /// Prove the ledger.
    Ledger(commands::ledger::Args),
    /// Tell step by step why an order paid what it paid, or why not.
    Explain(commands::explain::Args),
    /// Sign the links of pixels.
    Pixel(commands::pixel::Args),
    /// Check database, its role, broker, topology, migrations, clock and GeoIP file, and say what is wrong.
    Doctor(commands::doctor::Args),
    /// Measure how fast events are accepted and applied here.
    Bench(commands::bench::Args),
    /// Exit with success when a server answers that it is ready.
    Ready(commands::ready::Args),
}

fn main() -> ExitCode {
    // With pages of 2 MiB what a process needs for a moment is held for long: a third of its memory. Where the kernel has none, all is well.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok();
    let line: Vec<_> = std::env::args_os().collect();
    let command = match secret_files::read_into(Cli::command(), &line, |name| std::env::var_os(name)) {
        Ok(command) => command,
        Err(error) => return print::failure(&error),
    };
    let matches = match command.try_get_matches_from(line) {
        Ok(matches) => matches,
        Err(error) => return print::usage(&error),
    };
    let role = matches.subcommand_name().unwrap_or_default();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return print::usage(&error),
    };
    match in_runtime(cli, role) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}

fn in_runtime(cli: Cli, role: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let traces = telemetry::init(&cli.telemetry, role, runtime.handle())?;
    let ended = runtime.block_on(run(cli.command));
    traces.flush();
    ended
}

async fn run(command: Command) -> anyhow::Result<()> {
    let clock = Clock::default();
    match command {
        Command::Dev(args) => commands::dev::run(args, &clock).await,
        Command::Ingest(args) => commands::ingest::run(args, &clock).await,
        Command::Worker(args) => commands::worker::run(args, &clock).await,
        Command::Api(args) => commands::api::run(args, &clock).await,
        Command::Migrate(args) => commands::migrate::run(args, &clock).await,
        Command::Grants(args) => commands::grants::run(&args),
        Command::Apply(args) => commands::apply::run(args, &clock).await,
        Command::Catalog(args) => commands::catalog::run(args).await,
        Command::Import(args) => commands::import::run(args, &clock).await,
        Command::Keys(args) => commands::keys::run(args, &clock).await,
        Command::Events(args) => commands::events::run(args, &clock).await,
        Command::Dlq(args) => commands::dlq::run(args, &clock).await,
        Command::Commissions(args) => commands::commissions::run(args, &clock).await,
        Command::Audit(args) => commands::audit::run(args, &clock).await,
        Command::Rejections(args) => commands::rejections::run(args, &clock).await,
        Command::Ledger(args) => commands::ledger::run(args, &clock).await,
        Command::Explain(args) => commands::explain::run(args).await,
        Command::Pixel(args) => commands::pixel::run(args).await,
        Command::Doctor(args) => commands::doctor::run(args, &clock).await,
        Command::Bench(args) => Box::pin(commands::bench::run(args, &clock)).await,
        Command::Ready(args) => commands::ready::run(args).await,
    }
}
