//! The end of a process: the first signal asks for a graceful end, the second ends at once.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The token of a role that serves.
///
/// # Errors
/// When signals cannot be handled.
pub(crate) fn token() -> anyhow::Result<CancellationToken> {
    token_saying("open requests and batches finish first")
}

/// The token is cancelled by the first SIGINT or SIGTERM, which is answered with what comes `first`. A second one exits
/// with status 130.
///
/// # Errors
/// When signals cannot be handled.
pub(crate) fn token_saying(first: &'static str) -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("handling SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("handling SIGTERM")?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        for count in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if count > 0 {
                std::process::exit(130);
            }
            tracing::info!("stopping: {first}; a second signal ends at once");
            token.cancel();
        }
    });
    Ok(stop)
}
