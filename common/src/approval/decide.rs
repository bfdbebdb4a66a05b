//! Deciding chosen commissions, some at a time: each batch in one transaction with its audit.

use crate::{
    apply::{self, ApplyError},
    db::{
        self, FailureClass, Pool,
        audit::{self, Author, Note},
    },
    domain::{
        self, Applied, Body, CommissionId, Dialect, EditCommission, Event, Incoming, Outcome, ProgramId,
    },
    message::EventIds,
};

/// Commissions of one transaction: short locks, and what was interrupted goes on where it was.
pub const BATCH: usize = 500;
/// How often a batch that others keep from being applied is tried.
const MAX_ATTEMPTS: u32 = 5;

/// What is to become of commissions, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Decision {
    pub approved: bool,
    pub author: Author,
    /// The program that the caller's key is bound to.
    pub scope: Option<ProgramId>,
    /// By which way it came.
    pub dialect: Dialect,
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
            .map(|commission| event(ids, *commission, decision))
            .collect();
        progress.changed += persistently(pool, &events, decision).await?;
        progress.done += batch.len();
        report(progress);
    }
    Ok(progress)
}

fn event(ids: &EventIds, commission: CommissionId, decision: &Decision) -> Incoming {
    let Author {
        org, request_id, now, ..
    } = &decision.author;
    let edit = EditCommission {
        approved: Some(decision.approved),
        only_pending: true,
        ..EditCommission::of(commission)
    };
    let event = Event {
        id: ids.issue(*org, *now),
        org: Some(*org),
        dialect: decision.dialect,
        received_at: *now,
        authenticated: true,
        program_scope: decision.scope,
        idempotency: None,
        wait_until: None,
        request_id: request_id.clone(),
        trace: None,
        warnings: Vec::new(),
        body: Body::EditCommission(edit),
    };
    Incoming { event, queued: false }
}

/// Again while others keep it from being applied. Returns how many were changed.
async fn persistently(pool: &Pool, events: &[Incoming], decision: &Decision) -> Result<usize, ApplyError> {
    let mut attempt = 1;
    loop {
        let applied = db::in_transaction(pool, async |connection| {
            let decisions = apply::apply(connection, events.to_vec(), decision.author.now).await?;
            let notes: Vec<Note> = decisions.iter().filter_map(note).collect();
            audit::append(connection, &decision.author, &notes).await?;
            Ok::<_, ApplyError>(notes.len())
        });
        match applied.await {
            Err(error) if attempt < MAX_ATTEMPTS && is_worth_another(&error) => attempt += 1,
            ended => return ended,
        }
    }
}

fn is_worth_another(error: &ApplyError) -> bool {
    let is_contended = matches!(error.class(), FailureClass::Contention | FailureClass::Race);
    is_contended || error.is_stale_plan()
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
