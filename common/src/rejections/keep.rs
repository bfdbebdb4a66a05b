//! Writes what was gathered.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Rejections;
use crate::db::{DbError, Pool, rejections};

/// How long a rejection waits to be written.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// How long to wait for a connection. Shorter than a process has to end, also while the database is away.
const CONNECT_DEADLINE: Duration = Duration::from_millis(400);

#[derive(Debug, thiserror::Error)]
enum FlushError {
    #[error("no connection became free in time")]
    Busy,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Writes until `stop`, and what is at hand then. While the database is away they wait, and their number is bounded.
pub async fn keep(rejections: Rejections, pool: Pool, stop: CancellationToken) {
    let mut is_failing = false;
    loop {
        let stopped = stop
            .run_until_cancelled(tokio::time::sleep(FLUSH_INTERVAL))
            .await
            .is_none();
        let result = flush(&rejections, &pool).await;
        match &result {
            Ok(()) if is_failing => tracing::info!("rejections are written again"),
            Err(error) if !is_failing => {
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "rejections cannot be written");
            }
            Ok(()) | Err(_) => {}
        }
        is_failing = result.is_err();
        if stopped {
            return;
        }
    }
}

async fn flush(rejections: &Rejections, pool: &Pool) -> Result<(), FlushError> {
    let taken = rejections.take();
    if taken.is_empty() {
        return Ok(());
    }
    let written = async {
        let acquired = timeout(CONNECT_DEADLINE, pool.acquire()).await;
        let acquired = acquired.map_err(|_elapsed| FlushError::Busy)?;
        let mut connection = acquired.map_err(|error| DbError::new("rejections.connect", error))?;
        Ok(rejections::write(&mut connection, &taken).await?)
    };
    let result = written.await;
    if result.is_err() {
        rejections.put_back(taken);
    }
    result
}
