//! `commissary ledger`: the books, proved and explained. Reads only; safe beside a running system.

mod check;
mod spreadsheet;
mod statement;

use common::runtime::Clock;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prove that every balance, commission and reference is right; exit code 1 when one is not.
    #[command(after_long_help = check::HELP)]
    Check(check::Args),
    /// Explain each movement of an affiliate's money; exit code 1 when they do not lead to the balance.
    #[command(after_long_help = statement::HELP)]
    Statement(statement::Args),
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    match args.command {
        Command::Check(args) => check::run(args, clock).await,
        Command::Statement(args) => statement::run(args).await,
    }
}
