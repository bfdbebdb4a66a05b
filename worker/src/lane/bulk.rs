//! A lane of bulk: takes from the spool alone, by turns of the organisations, at a pace that leaves room for express.

use common::{
    db::{self, DbError, spool_bulk},
    telemetry,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    held::Held,
    state::{Lane, PAUSE_FIRST},
};
use crate::{Worker, crash_guard::CrashGuard, lane_calls::Calls, pace::ExpressLoad};

/// Organisations of which a batch has an envelope, before any has a second one.
const ORGS: i64 = 16;
/// Events of a batch, at the least while there are as many: more bring little, and each lane holds them in memory.
const ENOUGH: usize = 500;
/// Before the first organisation, which is 0: those of whom nobody knows it.
const FIRST: i64 = -1;

/// Whose turn it is.
struct Turns {
    calls: watch::Receiver<u64>,
    /// The last organisation that had one.
    after: i64,
    has_more: bool,
}

/// Works until `stop`.
pub(crate) async fn run(
    worker: Worker,
    guard: CrashGuard,
    number: u16,
    calls: Calls,
    express: ExpressLoad,
    stop: CancellationToken,
) {
    let mut turns = Turns {
        calls: calls.bulk.clone(),
        after: FIRST,
        has_more: true,
    };
    let mut lane = Lane::new(
        worker,
        guard,
        (number, "bulk lane"),
        calls,
        express.clone(),
        stop.clone(),
    );
    lane.pace = Some(express.pace());
    lane.worker.progress.started(lane.id());
    while !stop.is_cancelled() {
        if turns.has_more {
            lane.bulk_batch(&mut turns).await;
        } else {
            // Where nobody is left to call the process ends.
            stop.run_until_cancelled(turns.calls.changed()).await;
            turns.has_more = true;
        }
    }
    lane.worker.progress.ended(lane.id());
    lane.guard.leave(&lane.taker).await;
}

impl Lane {
    async fn bulk_batch(&mut self, turns: &mut Turns) {
        // Who calls from now on may have spooled what this look misses.
        turns.calls.mark_unchanged();
        match self.take_bulk(turns).await {
            Ok(true) => {}
            Ok(false) => turns.has_more = turns.calls.has_changed().unwrap_or(false),
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "the bulk of the spool cannot be read");
                self.pause(PAUSE_FIRST).await;
            }
        }
    }

    /// An envelope of each organisation, and again, until the batch has no room. `false`: there was none.
    async fn take_bulk(&mut self, turns: &mut Turns) -> Result<bool, DbError> {
        let mut transaction = db::begin_outer(&self.worker.pool).await?;
        let mut held = Held::default();
        let mut is_from_first = turns.after == FIRST;
        while held.has_room() && held.events() < ENOUGH {
            let taken = spool_bulk::take(&mut transaction, turns.after, held.ids(), ORGS).await?;
            if taken.is_empty() && is_from_first {
                break;
            }
            is_from_first = taken.is_empty();
            if is_from_first {
                turns.after = FIRST;
            }
            for envelope in taken {
                if !held.has_room() {
                    break;
                }
                turns.after = envelope.bulk_of.unwrap_or(FIRST);
                held.add(envelope);
            }
        }
        self.settle_held("bulk", transaction, held).await
    }
}
