//! What became of the events of a batch, for logs and metrics.

use common::{
    domain::{Decision, Outcome, RowWrite},
    telemetry::metrics::Counted,
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
            Outcome::Parked => tracing::info!(
                event.id = %event.id,
                request.id = event.request_id.as_deref(),
                "an event is parked until what it depends on comes"
            ),
            Outcome::Dead(code) => tracing::error!(
                event.id = %event.id,
                request.id = event.request_id.as_deref(),
                code,
                "an event is dead: see `commissary dlq show`"
            ),
            Outcome::Applied(_) | Outcome::Refused(_) | Outcome::Queued | Outcome::Discarded => {}
        }
    }
    Counted::of(decisions).count();
}
