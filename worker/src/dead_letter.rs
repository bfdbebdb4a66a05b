//! Dead-letter records: whatever an event holds, it gets one.

use common::{
    apply::event_rows,
    db::{self, DbError, FailureClass, Pool, dead_letters::Failure},
    domain::Event,
    runtime::Clock,
    telemetry,
};

/// Records an event as dead. When the database refuses even that for what the event holds, its bytes are kept.
///
/// # Errors
/// When the database does not answer; nothing may be acknowledged then.
pub(crate) async fn event(
    pool: &Pool,
    clock: &Clock,
    event: &Event,
    failure: &Failure,
) -> Result<(), DbError> {
    let is_dead = match record(pool, clock, event, failure).await {
        Err(error) if error.class() == FailureClass::Data => {
            let detail = format!(
                "{}; the event itself could not be kept: {}",
                failure.detail,
                telemetry::chain(&error)
            );
            let failure = Failure::new(&failure.code, &detail, &failure.fingerprint);
            let bytes = serde_json::to_vec(event).unwrap_or_else(|_never| event.id.to_string().into_bytes());
            self::bytes(pool, clock, &bytes, &failure).await?;
            true
        }
        result => result?,
    };
    if !is_dead {
        tracing::info!(event.id = %event.id, request.id = event.request_id.as_deref(), code = failure.code, "an event that failed here has been decided meanwhile");
        return Ok(());
    }
    tracing::error!(event.id = %event.id, request.id = event.request_id.as_deref(), code = failure.code, detail = failure.detail, "an event is dead: see `commissary dlq show`");
    telemetry::metrics::dead(failure.code.clone(), 1);
    Ok(())
}

async fn record(pool: &Pool, clock: &Clock, event: &Event, failure: &Failure) -> Result<bool, DbError> {
    db::in_transaction(pool, async |transaction| {
        event_rows::dead_letter(transaction, event, failure, clock.now()).await
    })
    .await
}

/// Keeps bytes that stand for no event that could be recorded. Returns the id of their record.
///
/// # Errors
/// As [`event`].
pub(crate) async fn bytes(
    pool: &Pool,
    clock: &Clock,
    bytes: &[u8],
    failure: &Failure,
) -> Result<impl std::fmt::Display, DbError> {
    db::in_transaction(pool, async |transaction| {
        event_rows::dead_letter_bytes(transaction, bytes, failure, clock.now()).await
    })
    .await
}
