//! What touches money: an event like any other, applied in a transaction of the request's own.

use axum::http::StatusCode;
use common::{
    apply::{self, ApplyError},
    db::{
        self, DbError, FailureClass,
        audit::{self, Note},
        idempotent_answers,
    },
    domain::{Applied, Body, Decision, Dialect, Event, Incoming, Outcome, Reason, Refusal, RowWrite},
    http::{note_durable, note_event},
    telemetry::metrics::{self, Counted, Source},
};

use super::Call;
use crate::{Api, Problem};

/// How often an event that others keep from being applied is tried.
const MAX_ATTEMPTS: u32 = 5;

/// What an event did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) applied: Applied,
    /// The same request came before under its `Idempotency-Key`, and did it.
    pub(crate) is_repeat: bool,
}

/// Applies `body`, which `subject` (such as `commission/7`) is about, for whoever calls.
///
/// # Errors
/// 404 where what it is about is not there, 400 and 422 where it is refused, 503; nothing was changed then.
pub(crate) async fn execute(api: &Api, call: &Call, subject: &str, body: Body) -> Result<Done, Problem> {
    let event = event(api, call, body);
    note_event(event.dialect, event.id);
    let mut attempt = 1;
    loop {
        match try_execute(api, call, subject, &event).await {
            Ok(outcome) => {
                note_durable(event.id);
                return answer(outcome, false);
            }
            Err(Failed::Problem(problem)) => return Err(problem),
            Err(Failed::Apply(error)) => {
                let is_contended = matches!(error.class(), FailureClass::Contention | FailureClass::Race);
                if !(error.is_stale_plan() || is_contended) || attempt == MAX_ATTEMPTS {
                    return Err(error.into());
                }
                attempt += 1;
            }
        }
    }
}

enum Failed {
    Problem(Problem),
    Apply(ApplyError),
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self::Apply(error.into())
    }
}

fn event(api: &Api, call: &Call, body: Body) -> Event {
    let origin = call.received.origin.as_ref();
    Event {
        id: api.ids.issue(call.key.org, call.now),
        org: Some(call.key.org),
        dialect: Dialect::Rest,
        received_at: call.now,
        authenticated: true,
        program_scope: call.key.program,
        idempotency: call.idempotency(),
        wait_until: None,
        request_id: origin.map(|origin| origin.request_id.as_str().to_owned()),
        trace: origin.and_then(|origin| origin.trace),
        warnings: origin.map(|origin| origin.warnings.all()).unwrap_or_default(),
        body,
    }
}

async fn try_execute(api: &Api, call: &Call, subject: &str, event: &Event) -> Result<Outcome, Failed> {
    let mut transaction = db::begin(&api.pool).await?;
    let incoming = vec![Incoming {
        event: event.clone(),
        queued: false,
    }];
    let decisions = apply::apply(&mut transaction, incoming, api.clock.now()).await;
    let mut decisions = decisions.map_err(Failed::Apply)?;
    // Now that the key is locked: a change of the catalog with the same key has ended, or waits for this.
    if let Some(used) = &event.idempotency
        && idempotent_answers::is_used(&mut transaction, call.key.org, &used.key).await?
    {
        return Err(Failed::Problem(Problem::reused_key()));
    }
    // An order or a customer that was parked for is applied with it: the event itself is the first.
    let is_this = |decision: &Decision| decision.event.id == event.id;
    let Some(index) = decisions.iter().position(is_this) else {
        return Err(Failed::Problem(Problem::not_found()));
    };
    let counted = Counted::of(&decisions);
    let decision = decisions.swap_remove(index);
    match &decision.outcome {
        // It waits for what is not there: this caller does not. The transaction is rolled back.
        Outcome::Parked | Outcome::Queued => return Err(Failed::Problem(Problem::not_found())),
        Outcome::Applied(applied) if decision.row_write != RowWrite::Known => {
            let note = note(event, subject, decision.before.as_ref(), applied);
            audit::append(&mut transaction, &call.author(), &[note]).await?;
        }
        Outcome::Applied(_) | Outcome::Refused(_) | Outcome::Dead(_) | Outcome::Discarded => {}
    }
    db::commit(transaction).await?;
    metrics::taken(Source::Api, 1);
    counted.count();
    Ok(decision.outcome)
}

fn note(event: &Event, subject: &str, before: Option<&Applied>, applied: &Applied) -> Note {
    Note {
        action: event.body.kind().name().to_owned(),
        subject: subject.to_owned(),
        before: before.and_then(|before| serde_json::to_value(before).ok()),
        after: serde_json::to_value(applied).ok(),
        event: Some(event.id),
    }
}

fn answer(outcome: Outcome, is_repeat: bool) -> Result<Done, Problem> {
    match outcome {
        Outcome::Applied(applied) => Ok(Done { applied, is_repeat }),
        Outcome::Refused(Refusal {
            reason: Reason::IdempotentRepeat,
            first: Some(first),
            ..
        }) => first
            .outcome
            .map_or_else(|| Err(unavailable()), |outcome| answer(outcome, true)),
        Outcome::Refused(refusal) => Err(refused(&refusal)),
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => Err(unavailable()),
    }
}

/// The one table of refusals.
fn refused(refusal: &Refusal) -> Problem {
    match refusal.reason {
        Reason::IdempotencyConflict => Problem::reused_key(),
        Reason::UnknownOrder
        | Reason::UnknownCustomer
        | Reason::CustomerElsewhere
        | Reason::UnknownCommission
        | Reason::UnknownPayment => Problem::not_found(),
        _ => Problem::bad_request(refusal.detail.clone()),
    }
}

fn unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Db(error) => error.into(),
            ApplyError::Pool(_) | ApplyError::Panic(_) => {
                tracing::error!(%error, "a request could not be applied");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use common::domain::{EventId, First};

    use super::*;

    #[test]
    fn refusals_of_what_is_not_there_are_404() {
        let status = |reason| refused(&Refusal::new(reason, "why")).status().as_u16();
        assert_eq!(status(Reason::UnknownPayment), 404);
        assert_eq!(status(Reason::IdempotencyConflict), 422);
        assert_eq!(status(Reason::AmountOutOfRange), 400);
        assert_eq!(status(Reason::UnknownAffiliate), 400);
    }

    #[test]
    fn a_repeat_has_the_first_outcome() {
        let first = First::new(
            "00000000-0000-7000-8000-000000000000"
                .parse()
                .map(EventId)
                .unwrap(),
            Some(Outcome::Applied(Applied::Nothing)),
        );
        let repeat = Refusal {
            first: Some(Box::new(first)),
            ..Refusal::new(Reason::IdempotentRepeat, "")
        };
        let done = answer(Outcome::Refused(repeat), false).unwrap();
        assert!(done.is_repeat);
        assert_eq!(done.applied, Applied::Nothing);
    }
}
