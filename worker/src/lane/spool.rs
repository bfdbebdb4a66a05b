//! The spool's side of a lane: envelopes that wait in Postgres because the broker was away, or because there is none.

use common::{
    db::{self, DbError, spool},
    telemetry,
};

use super::{
    held::Held,
    state::{Lane, PAUSE_FIRST},
};

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

    /// `false`: there were none.
    async fn take_and_settle(&mut self) -> Result<bool, DbError> {
        let mut transaction = db::begin_outer(&self.worker.pool).await?;
        let taken = spool::take(&mut transaction, self.spool.after, ENVELOPES).await?;
        let mut held = Held::default();
        // What there is no room for is left to the next turn, or to another lane.
        for envelope in taken {
            if !held.has_room() {
                break;
            }
            held.add(envelope);
        }
        let last = held.ids().last().copied();
        let is_taken = self.settle_held("spool", transaction, held).await?;
        self.spool.after = last.unwrap_or(self.spool.after);
        Ok(is_taken)
    }
}
