//! On whose behalf many things are changed: events of that caller, applied with their entries in the audit trail.

use super::attempts::Attempts;
use crate::{
    apply::{self, ApplyError},
    db::{
        self, Pool,
        audit::{self, Author, Note},
    },
    domain::{Body, Decision, Dialect, Event, Incoming, ProgramId},
    message::EventIds,
    telemetry::metrics::{self, Counted, Source},
};

/// Who changes many things.
#[derive(Clone, Debug)]
pub struct Caller {
    pub author: Author,
    /// The program that the caller's key is bound to.
    pub scope: Option<ProgramId>,
    /// By which way it came.
    pub dialect: Dialect,
}

impl Caller {
    pub(crate) fn event(&self, ids: &EventIds, body: Body) -> Incoming {
        let Author {
            org, request_id, now, ..
        } = &self.author;
        let event = Event {
            id: ids.issue(*org, *now),
            org: Some(*org),
            dialect: self.dialect,
            received_at: *now,
            authenticated: true,
            program_scope: self.scope,
            idempotency: None,
            wait_until: None,
            request_id: request_id.clone(),
            trace: None,
            warnings: Vec::new(),
            body,
        };
        Incoming { event, queued: false }
    }

    /// Applies a batch in one transaction, with the entries of the trail that `note` makes of what was decided; again while
    /// others keep it from being applied.
    pub(crate) async fn apply(
        &self,
        pool: &Pool,
        events: &[Incoming],
        note: fn(&Decision) -> Option<Note>,
    ) -> Result<Vec<Decision>, ApplyError> {
        let mut attempts = Attempts::default();
        loop {
            let applied = db::in_transaction(pool, async |connection| {
                let decisions = apply::apply(connection, events.to_vec(), self.author.now).await?;
                let notes: Vec<Note> = decisions.iter().filter_map(note).collect();
                audit::append(connection, &self.author, &notes).await?;
                Ok::<_, ApplyError>(decisions)
            });
            match applied.await {
                Ok(decisions) => {
                    metrics::taken(Source::Api, events.len());
                    Counted::of(&decisions).count();
                    return Ok(decisions);
                }
                Err(error) if attempts.goes_on(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
