//! Fetches outcomes for which no reply came: of spooled events, and when the broker is blocked or down.

use std::time::Duration;

use common::{
    db::{
        self, DbError, Pool, events,
        notify::{self, Listener},
    },
    domain::Outcome,
    message::Reply,
    queue::PendingReplies,
    telemetry,
};

/// Workers call after a batch; this often we look without a call.
const POLL: Duration = Duration::from_millis(50);
/// A reply usually comes sooner than this; looking for it in the database would only make work.
const REPLY_AGE: Duration = Duration::from_millis(40);
/// While replies come, the others are in their batches; one that was lost is looked for after this.
const LOST_REPLY_AGE: Duration = Duration::from_millis(600);
/// Replies that came within this time count as coming.
const REPLIES_COME: Duration = Duration::from_millis(300);
/// Ids looked up at once.
const MAX_IDS: usize = 2000;
const FAILURE_PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn run(pool: Pool, pending: PendingReplies) {
    loop {
        let error = read(&pool, &pending).await;
        tracing::warn!(error = %telemetry::chain(&error), "outcomes cannot be looked up; trying again");
        tokio::time::sleep(FAILURE_PAUSE).await;
    }
}

async fn read(pool: &Pool, pending: &PendingReplies) -> DbError {
    let mut listener = match Listener::open(pool, &[notify::OUTCOMES]).await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let called = match listener.wait(POLL).await {
            Ok(called) => called,
            Err(error) => return error,
        };
        let age = match called {
            true => Duration::ZERO,
            false if pending.has_replies_within(REPLIES_COME) => LOST_REPLY_AGE,
            false => REPLY_AGE,
        };
        let awaited = pending.awaited(age, MAX_IDS);
        if awaited.is_empty() {
            continue;
        }
        let found = db::in_transaction(pool, async |transaction| {
            events::known(transaction, &awaited).await
        });
        match found.await {
            Ok(found) => {
                // What is queued has no answer yet: its caller waits on.
                let (queued, decided): (Vec<_>, Vec<_>) = found
                    .into_iter()
                    .partition(|(_, outcome)| matches!(outcome, Outcome::Queued));
                pending.note_queued(queued.into_iter().map(|(id, _)| id));
                let replies = decided.into_iter();
                pending.deliver_found(replies.map(|(event_id, outcome)| Reply { event_id, outcome }));
            }
            Err(error) => return error,
        }
    }
}
