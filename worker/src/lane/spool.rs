//! The spool's side of a lane: envelopes that wait in Postgres because the broker was away, or because there is none.

use common::{
    db::{self, DbError, spool},
    telemetry,
};

use super::state::{Lane, PAUSE_FIRST};
use crate::{batch::Batch, newer};

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
        let (mut done, mut newer_ones) = (Vec::new(), Vec::new());
        let (mut last, mut is_suspect) = (None, false);
        // What there is no room for is left to the next turn, or to another lane.
        for envelope in held {
            if !batch.has_room() {
                break;
            }
            last = Some(envelope.spool_id);
            match batch.add(envelope.envelope) {
                Ok(()) => {
                    done.push(envelope.spool_id);
                    is_suspect |= envelope.is_suspect;
                }
                Err(newer) => newer_ones.push((envelope.spool_id, newer)),
            }
        }
        let Some(last) = last else {
            db::rollback(transaction).await?;
            return Ok(false);
        };
        let care = self.guard.envelopes(&self.taker, &done, is_suspect).await?;
        if !self.settle("spool", &batch, care).await {
            db::rollback(transaction).await?;
            return Ok(true);
        }
        spool::remove(&mut transaction, &done).await?;
        for (spool_id, envelope) in &newer_ones {
            newer::tell(envelope);
            spool::leave_to_newer(&mut transaction, *spool_id, envelope.version).await?;
        }
        db::commit(transaction).await?;
        self.spool.after = last;
        Ok(true)
    }
}
