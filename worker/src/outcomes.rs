//! What became of the events of a batch, for logs and metrics.

use common::{
    domain::{Decision, Outcome, RowWrite},
    telemetry::metrics,
};

/// Counts and logs decisions that have been committed. Dead letters are counted and logged where they are recorded.
pub(crate) fn note(decisions: &[Decision]) {
    for decision in decisions {
        let (event, outcome) = (&decision.event, &decision.outcome);
        tracing::debug!(
            event.id = %event.id,
            request.id = event.request_id.as_deref(),
            status = outcome.status().name(),
            reason = outcome.reason(),
            known = decision.row_write == RowWrite::Known,
            "an event is decided"
        );
        // What was known before has been counted before.
        if decision.row_write == RowWrite::Known {
            continue;
        }
        match outcome {
            Outcome::Applied(_) => metrics::applied(1),
            Outcome::Refused(refusal) => metrics::refused(refusal.reason, 1),
            Outcome::Parked => {
                metrics::parked(1);
                tracing::info!(
                    event.id = %event.id,
                    request.id = event.request_id.as_deref(),
                    "an event is parked until what it depends on comes"
                );
            }
            Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => {}
        }
    }
}
