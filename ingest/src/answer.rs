//! What the handlers of all dialects do alike: who calls, handing the event over, and what can be said of its outcome. How a
//! request is read and how an answer looks is each dialect's own.
//!
//! A handler's way: authenticate, take from the allowance, read, parse, submit, print.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use common::{
    domain::{Applied, Body, Dialect, Event, EventId, First, OrgId, Outcome, Reason, Refusal},
    http::{
        Asker, KeySource, Rejection,
        request::{Received, Wait},
    },
    keyring::Principal,
};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Ingest,
    auth::{KeylessPermit, may_ingest},
    pipeline::Answer,
};

/// The holder of the key that is presented in one of `sources`, if it may send an event now. One is taken from its allowance.
///
/// # Errors
/// 401, 403, 429 or 503.
pub(crate) async fn key_holder(
    ingest: &Ingest,
    asker: Asker<'_>,
    sources: &[KeySource],
) -> Result<Arc<Principal>, Rejection> {
    let principal = ingest.authenticate(asker, sources).await?;
    may_ingest(&principal, &principal.take())?;
    Ok(principal)
}

/// Who sends an event.
pub(crate) enum Caller {
    Keyed(Arc<Principal>),
    /// Without a key. The organisation is the one that was claimed, or `None`: the worker finds it by the click.
    Keyless(Option<OrgId>, KeylessPermit),
}

impl Caller {
    pub(crate) fn event(&self, ingest: &Ingest, dialect: Dialect, received: &Received, body: Body) -> Event {
        match self {
            Self::Keyed(principal) => ingest.event(principal, dialect, received, body),
            Self::Keyless(org, _) => ingest.keyless_event(dialect, *org, received.origin.as_ref(), body),
        }
    }

    /// Hands `event` over and waits for what is to be answered.
    ///
    /// # Errors
    /// 429 when the organisation's quota is used up.
    pub(crate) async fn submit(
        self,
        ingest: &Ingest,
        event: Event,
        wait: Wait,
    ) -> Result<(EventId, Answer), Rejection> {
        let (id, admission) = (event.id, ingest.admit(&event, 1)?);
        let answer = match self {
            Self::Keyed(_) => ingest.submit(admission, event, wait).await,
            Self::Keyless(_, permit) => ingest.submit_keyless(permit, admission, event, wait).await,
        };
        Ok((id, answer))
    }
}

/// What a caller can be told of an event.
pub(crate) enum Resolution<'a> {
    Applied(EventId, &'a Applied),
    Refused(EventId, &'a Refusal),
    /// Nothing final: the event's receipt will say it.
    Pending(EventId),
    Unavailable(Rejection),
}

/// What the caller of `event` can be told. The repetition of a request under its `Idempotency-Key` has the first event's
/// outcome as if it were its own, once there is one.
pub(crate) fn resolve(event: EventId, answer: &Answer) -> Resolution<'_> {
    match answer {
        Answer::Outcome(outcome) => of_outcome(event, outcome),
        Answer::Accepted => Resolution::Pending(event),
        Answer::Unavailable { retry_after } => unavailable(*retry_after),
    }
}

fn of_outcome(event: EventId, outcome: &Outcome) -> Resolution<'_> {
    match outcome {
        Outcome::Applied(applied) => Resolution::Applied(event, applied),
        Outcome::Refused(refusal) if refusal.reason == Reason::IdempotentRepeat => {
            repeated(event, refusal.first.as_deref())
        }
        Outcome::Refused(refusal) => Resolution::Refused(event, refusal),
        Outcome::Parked | Outcome::Queued | Outcome::Dead(_) | Outcome::Discarded => {
            Resolution::Pending(event)
        }
    }
}

fn repeated(event: EventId, first: Option<&First>) -> Resolution<'_> {
    match first {
        Some(First {
            event_id,
            outcome: Some(outcome),
            ..
        }) => of_outcome(*event_id, outcome),
        Some(First {
            event_id,
            outcome: None,
            ..
        }) => Resolution::Pending(*event_id),
        None => Resolution::Pending(event),
    }
}

fn unavailable<'a>(retry_after: Duration) -> Resolution<'a> {
    Resolution::Unavailable(Rejection::Unavailable { retry_after })
}

/// `200` with this body.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json_body(body).into_response()
}

/// JSON with the fields in the order of their names, as all that these dialects print.
pub(crate) fn json_body(body: &impl Serialize) -> Json<Value> {
    Json(json!(body))
}
