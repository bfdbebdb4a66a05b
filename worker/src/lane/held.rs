//! Envelopes of the spool that a transaction holds, from their being taken to their being deleted.

use common::db::{
    self, DbError, Transaction,
    spool::{self, Spooled},
};

use super::state::Lane;
use crate::{
    batch::{Batch, NewerVersion},
    newer,
};

/// What a transaction holds, up to a batch.
#[derive(Default)]
pub(super) struct Held {
    batch: Batch,
    ids: Vec<i64>,
    is_suspect: bool,
    /// What only a newer worker can read.
    newer: Vec<(i64, NewerVersion)>,
}

impl Held {
    pub(super) fn has_room(&self) -> bool {
        self.batch.has_room()
    }

    /// How many can be applied.
    pub(super) fn events(&self) -> usize {
        self.batch.events.len()
    }

    /// Of all of them, in the order in which they were taken.
    pub(super) fn ids(&self) -> &[i64] {
        &self.ids
    }

    pub(super) fn add(&mut self, envelope: Spooled) {
        self.ids.push(envelope.spool_id);
        match self.batch.add(envelope.envelope) {
            Ok(()) => self.is_suspect |= envelope.is_suspect,
            Err(newer) => self.newer.push((envelope.spool_id, newer)),
        }
    }

    /// Those that this worker can read.
    fn readable(&self) -> Vec<i64> {
        let is_newer = |id: &i64| self.newer.iter().any(|(newer, _)| newer == id);
        self.ids.iter().copied().filter(|id| !is_newer(id)).collect()
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
        let done = held.readable();
        let care = self.guard.envelopes(&self.taker, &done, held.is_suspect).await?;
        if !self.settle(source, &held.batch, care).await {
            db::rollback(transaction).await?;
            return Ok(true);
        }
        spool::remove(&mut transaction, &done).await?;
        for (spool_id, envelope) in &held.newer {
            newer::tell(envelope);
            spool::leave_to_newer(&mut transaction, *spool_id, envelope.version).await?;
        }
        db::commit(transaction).await?;
        Ok(true)
    }
}
