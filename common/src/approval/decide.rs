//! Deciding chosen commissions, some at a time: each batch in one transaction with its audit.

use crate::{
    apply::ApplyError,
    bulk::{BATCH, Caller},
    db::{Pool, audit::Note},
    domain::{self, Applied, Body, CommissionId, EditCommission, Incoming, Outcome},
    message::EventIds,
};

/// What is to become of commissions, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Decision {
    pub approved: bool,
    pub caller: Caller,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Looked at.
    pub done: usize,
    /// Decided now. Others had been decided meanwhile, or were deleted.
    pub changed: usize,
}

/// Approves or disapproves those of `commissions` that are still pending, and tells `report` after each batch how far it is.
///
/// # Errors
/// When the database does not answer: the batches before hold, and the same again goes on behind them.
pub async fn decide(
    pool: &Pool,
    ids: &EventIds,
    commissions: &[CommissionId],
    decision: &Decision,
    mut report: impl FnMut(Progress),
) -> Result<Progress, ApplyError> {
    let mut progress = Progress::default();
    for batch in commissions.chunks(BATCH) {
        let events: Vec<Incoming> = batch
            .iter()
            .map(|commission| decision.caller.event(ids, body(*commission, decision.approved)))
            .collect();
        let decided = decision.caller.apply(pool, &events, note).await?;
        progress.changed += decided.iter().filter_map(note).count();
        progress.done += batch.len();
        report(progress);
    }
    Ok(progress)
}

fn body(commission: CommissionId, approved: bool) -> Body {
    Body::EditCommission(EditCommission {
        approved: Some(approved),
        only_pending: true,
        ..EditCommission::of(commission)
    })
}

/// The entry of the trail. `None`: nothing was changed.
fn note(decided: &domain::Decision) -> Option<Note> {
    let (Outcome::Applied(after), Some(before)) = (&decided.outcome, &decided.before) else {
        return None;
    };
    let (Applied::Commission(view), true) = (after, before != after) else {
        return None;
    };
    Some(Note {
        action: decided.event.body.kind().name().to_owned(),
        subject: format!("commission/{}", view.id),
        before: serde_json::to_value(before).ok(),
        after: serde_json::to_value(after).ok(),
        event: Some(decided.event.id),
    })
}
