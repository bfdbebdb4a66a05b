//! Envelopes of the spool that a transaction holds, from their being taken to their being deleted.

use common::db::{
    self, DbError, Transaction,
    spool::{self, Spooled},
};

use super::state::{Lane, PAUSE_MAX, log_newer};
use crate::batch::{Batch, NewerVersion};

/// What a transaction holds, up to a batch.
#[derive(Default)]
pub(super) struct Held {
    batch: Batch,
    ids: Vec<i64>,
    /// What only a newer worker can read, and of whose bulk it is.
    newer: Vec<(NewerVersion, Option<i64>)>,
}

impl Held {
    pub(super) fn has_room(&self) -> bool {
        self.batch.has_room()
    }

    pub(super) fn ids(&self) -> &[i64] {
        &self.ids
    }

    pub(super) fn add(&mut self, envelope: Spooled) {
        self.ids.push(envelope.spool_id);
        if let Err(newer) = self.batch.add(envelope.envelope) {
            self.newer.push((newer, envelope.bulk_of));
        }
    }
}

impl Lane {
    /// The transaction that deletes the envelopes commits after their events are applied, so that a crash between the two
    /// only brings known events again; while it is open nobody else takes them. `false`: there were none.
    pub(super) async fn settle_held(
        &mut self,
        source: &'static str,
        mut transaction: Transaction,
        held: Held,
    ) -> Result<bool, DbError> {
        if held.ids.is_empty() {
            db::rollback(transaction).await?;
            return Ok(false);
        }
        if !self.settle(source, &held.batch, false).await {
            db::rollback(transaction).await?;
            return Ok(true);
        }
        spool::remove(&mut transaction, &held.ids).await?;
        // Back to the end, so that nothing waits behind them.
        for (envelope, bulk_of) in &held.newer {
            log_newer(envelope);
            spool::keep_for_newer(&mut transaction, &envelope.payload, *bulk_of).await?;
        }
        db::commit(transaction).await?;
        if !held.newer.is_empty() {
            self.pause(PAUSE_MAX).await;
        }
        Ok(true)
    }
}
