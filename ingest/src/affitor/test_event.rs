//! `POST /api/v1/cli/test-event`: a test click, lead and sale, one after the other, the whole way through the queue.

use std::{num::NonZeroU32, time::Duration};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use common::domain::{Body, Dialect, MetaData, Outcome, ProgramId, TestEvent, TestKind};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use serde_json::json;

use crate::{Ingest, auth::Principal, pipeline::Answer};
use common::http::{
    AFFITOR_KEYS, Rejection,
    request::{DEFAULT_WAIT, Invalid, MAX_ID, Received, Wait},
    whole_seconds,
};

/// Chains a program may run in an hour, at each ingest.
pub const CHAINS_PER_HOUR: NonZeroU32 = match NonZeroU32::new(10) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
const STEPS: [(&str, TestKind); 3] = [
    ("click", TestKind::Click),
    ("lead", TestKind::Lead),
    ("sale", TestKind::Sale),
];

/// Whose allowance a chain takes from: the program's, or the key's if it is bound to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Payer {
    Program(ProgramId),
    Key(i64),
}

/// The allowances of all programs and keys.
pub(super) struct Chains {
    limits: DefaultKeyedRateLimiter<Payer>,
}

impl Default for Chains {
    fn default() -> Self {
        let limits = DefaultKeyedRateLimiter::keyed(Quota::per_hour(CHAINS_PER_HOUR));
        Self { limits }
    }
}

impl Chains {
    /// # Errors
    /// How long to wait for the next chain.
    fn take(&self, principal: &Principal) -> Result<(), Duration> {
        let key = &principal.key;
        let payer = key.program.map_or(Payer::Key(key.key_id), Payer::Program);
        self.limits
            .check_key(&payer)
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// # Errors
/// When the key or the request is not good.
pub(super) async fn run(ingest: &Ingest, chains: &Chains, request: Request) -> Result<Response, Rejection> {
    let principal = ingest.authenticate(request.headers(), AFFITOR_KEYS).await?;
    principal.may_ingest(&principal.take())?;
    let received = Received::read(request).await?;
    let kind = received.body_fields()?.text("type", MAX_ID)?;
    if kind.as_deref() != Some("chain") {
        return Err(Invalid::new("type must be chain").into());
    }
    if let Err(wait) = chains.take(&principal) {
        return Ok(too_many(wait));
    }
    let customer_key = format!("test_{}", ingest.clock().now().timestamp_millis());
    let mut verdicts = MetaData::new();
    for (name, what) in STEPS {
        let verdict = step(ingest, &principal, &received, what, &customer_key).await;
        verdicts.insert(name.to_owned(), verdict.into());
    }
    let is_complete = verdicts.values().all(|verdict| verdict == PASS);
    let data = json!({
        "type": "chain",
        "short_code": SHORT_CODE,
        "customer_key": customer_key,
        "verdict": verdicts,
        // A test earns nobody anything: this says that a real chain of this key would have been heard.
        "attributed": is_complete,
    });
    Ok(Json(json!({"data": data})).into_response())
}

const SHORT_CODE: &str = "test";
const PASS: &str = "pass";

async fn step(
    ingest: &Ingest,
    principal: &Principal,
    received: &Received,
    what: TestKind,
    customer_key: &str,
) -> &'static str {
    let details = [("short_code", SHORT_CODE), ("customer_key", customer_key)];
    let body = Body::Test(TestEvent {
        what,
        program: principal.key.program.map(|program| program.0.to_string()),
        details: details
            .map(|(name, text)| (name.to_owned(), text.into()))
            .into_iter()
            .collect(),
    });
    let mut event = ingest.event(principal, Dialect::Affitor, received, body);
    // One key cannot stand for three events.
    event.idempotency = None;
    match ingest.submit(event, Wait::Outcome(DEFAULT_WAIT)).await {
        Answer::Outcome(Outcome::Applied(_)) => PASS,
        Answer::Outcome(Outcome::Parked | Outcome::Queued) | Answer::Accepted => "pending",
        Answer::Outcome(Outcome::Refused(_) | Outcome::Dead(_) | Outcome::Discarded)
        | Answer::Unavailable { .. } => "fail",
    }
}

/// The one error of this dialect that is an object (seed: Affitor, agent surface).
fn too_many(wait: Duration) -> Response {
    let (status, seconds) = (StatusCode::TOO_MANY_REQUESTS, whole_seconds(wait));
    let error = json!({
        "status": status.as_u16(),
        "code": "rate_limited",
        "message": format!("a program may run {CHAINS_PER_HOUR} test chains in an hour"),
        "retry_after_seconds": seconds,
    });
    let mut response = (status, Json(json!({"error": error}))).into_response();
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
