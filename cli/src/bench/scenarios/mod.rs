//! What is measured: a file for each. A scenario makes an installation, measures figures with floors before and after each, and proves
//! that what was answered is applied.

mod accept;
mod at_most;
mod drain;
mod paced;
mod spool;
mod stored;
mod sync;
mod variants;

use clap::ValueEnum;

use super::context::Context;

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Answers with the outcome, at several numbers of connections
    Sync,
    /// Answers with the outcome at a fixed rate, half and 80 % of the maximum: how long callers wait
    Paced,
    /// Receipts (Prefer: respond-async), without workers and with them
    Async,
    /// A backlog that came in while no worker ran, alone and while others come
    Drain,
    /// 90 % of the sales are of one affiliate, against an even spread
    Hot,
    /// A fifth of the sales are of 10,000 old customers, against of 1,000,000
    Customers,
    /// 30 % of the requests are earlier ones again
    Duplicates,
    /// Sales in several dialects, with refunds and updates of them
    Mix,
    /// Large tables, against empty ones
    Stored,
    /// The Postgres spool, against RabbitMQ
    Spool,
}

impl Scenario {
    /// Measures it.
    ///
    /// # Errors
    /// When servers or roles fail; a figure that misses its target is none.
    pub(super) async fn run(self, context: &mut Context) -> anyhow::Result<()> {
        match self {
            Self::Sync => sync::run(context).await,
            Self::Paced => paced::run(context).await,
            Self::Async => accept::run(context).await,
            Self::Drain => drain::run(context).await,
            Self::Hot => variants::hot(context).await,
            Self::Customers => variants::customers(context).await,
            Self::Duplicates => variants::duplicates(context).await,
            Self::Mix => variants::mix(context).await,
            Self::Stored => stored::run(context).await,
            Self::Spool => spool::run(context).await,
        }
    }
}
