//! `commissary commissions`: many at once are approved, disapproved, or calculated anew by the rules of their time.

mod decide;
mod recalculate;
mod shared;

use common::runtime::Clock;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Approve pending commissions: affiliates are owed them from then on.
    #[command(after_long_help = decide::HELP)]
    Approve(decide::Choice),
    /// Disapprove pending commissions.
    #[command(after_long_help = decide::HELP)]
    Disapprove(decide::Choice),
    /// Calculate commissions anew by what the rules of their time say now.
    #[command(after_long_help = recalculate::HELP)]
    Recalculate(recalculate::Choice),
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    match args.command {
        Command::Approve(choice) => decide::run(choice, true, clock).await,
        Command::Disapprove(choice) => decide::run(choice, false, clock).await,
        Command::Recalculate(choice) => recalculate::run(choice, clock).await,
    }
}
