//! The spool's side of a lane: envelopes that wait in Postgres because the broker was away, or because there is none.

use common::{
    db::{self, DbError, spool},
    telemetry,
};

use super::state::{Lane, PAUSE_FIRST, PAUSE_MAX, log_newer};
use crate::batch::Batch;

/// Envelopes looked at in the spool at once; an envelope holds up to 256 events.
const ENVELOPES: i64 = 16;
/// After so many turns the drain of the spool starts again from zero, for rows that others gave back.
const RESCAN: u32 = 64;

impl Lane {
    /// Takes envelopes from the spool, applies and deletes them.
    pub(super) async fn spool_batch(&mut self) {
        // Who calls from now on may have spooled what this look misses.
        self.spool.calls.mark_unchanged();
        let taken = match self.take_and_settle().await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(error = %telemetry::chain(&error), "the spool cannot be read");
                self.pause(PAUSE_FIRST).await;
                return;
            }
        };
        let spool = &mut self.spool;
        if !taken {
            let rescan = spool.after > 0;
            spool.after = 0;
            spool.has_more = rescan || spool.calls.has_changed().unwrap_or(false);
        }
        if self.turns.is_multiple_of(RESCAN) {
            spool.after = 0;
        }
    }

    /// The transaction that deletes the envelopes commits after their events are applied, so that a crash between the two
    /// only brings known events again; while it is open nobody else takes them. `false`: there were none.
    async fn take_and_settle(&mut self) -> Result<bool, DbError> {
        let mut transaction = db::begin_outer(&self.worker.pool).await?;
        let held = spool::take(&mut transaction, self.spool.after, ENVELOPES).await?;
        let mut batch = Batch::default();
        let mut newer = Vec::new();
        let mut done = Vec::new();
        // What there is no room for is left to the next turn, or to another lane.
        for envelope in held {
            if !batch.has_room() {
                break;
            }
            done.push(envelope.spool_id);
            newer.extend(batch.add(envelope.envelope).err());
        }
        let Some(&last) = done.last() else {
            db::rollback(transaction).await?;
            return Ok(false);
        };
        if !self.settle("spool", &batch, false).await {
            db::rollback(transaction).await?;
            return Ok(true);
        }
        spool::remove(&mut transaction, &done).await?;
        // Back to the end, so that nothing waits behind them.
        for envelope in &newer {
            log_newer(envelope);
            spool::keep_for_newer(&mut transaction, &envelope.payload).await?;
        }
        db::commit(transaction).await?;
        self.spool.after = last;
        if !newer.is_empty() {
            self.pause(PAUSE_MAX).await;
        }
        Ok(true)
    }
}
