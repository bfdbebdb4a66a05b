//! `POST /api/v1/cli/test-event`: a test click, lead and sale, one after the other, the whole way through the queue.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use common::{
    domain::{Body, Dialect, Outcome, ProgramId, TestEvent, TestKind},
    keyring::Principal,
};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use super::errors::ERRORS;
use crate::{
    Ingest,
    answer::{json_body, key_holder, ok},
    pipeline::Answer,
};
use common::http::{
    AFFITOR_KEYS, Asker, Rejection,
    openapi::example,
    request::{DEFAULT_WAIT, Invalid, MAX_ID, Received, Wait},
    whole_seconds,
};

/// Chains a program may run in an hour, at each ingest.
pub const CHAINS_PER_HOUR: NonZeroU32 = match NonZeroU32::new(10) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

pub(super) fn routes() -> OpenApiRouter<Ingest> {
    let chains = Arc::new(Chains::default());
    OpenApiRouter::default().routes(routes!(test_event).layer(Extension(chains)))
}

/// Send a test click, lead and sale the whole way
#[utoipa::path(
    post,
    path = "/api/v1/cli/test-event",
    tag = "affitor",
    security(("Bearer" = [])),
    request_body(content = TestEventBody, example = json!({"type": "chain"})),
    responses(
        (status = 200, body = TestChain, example = json!(example(include_str!("examples/test_chain.json")))),
        (status = 429, body = TooManyChains, headers(("Retry-After" = u64))),
    )
)]
async fn test_event(
    State(ingest): State<Ingest>,
    Extension(chains): Extension<Arc<Chains>>,
    request: Request,
) -> Response {
    run(&ingest, &chains, request)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

#[derive(ToSchema)]
#[schema(as = affitor::TestRequest)]
#[expect(dead_code, reason = "describes what `run` reads")]
struct TestEventBody {
    r#type: TestType,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = affitor::TestType)]
enum TestType {
    Chain,
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::TestChain)]
struct TestChain {
    data: ChainData,
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::ChainData)]
struct ChainData {
    r#type: TestType,
    short_code: &'static str,
    customer_key: String,
    verdict: ChainVerdicts,
    /// All three have passed. A test earns nobody anything: it says that a real chain of this key would have been heard.
    attributed: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::ChainVerdicts)]
struct ChainVerdicts {
    click: ChainVerdict,
    lead: ChainVerdict,
    sale: ChainVerdict,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = affitor::ChainVerdict)]
enum ChainVerdict {
    Pass,
    Pending,
    Fail,
}

/// The one error of this dialect that is an object.
// seed: Affitor, agent surface
#[derive(Serialize, ToSchema)]
#[schema(as = affitor::TooManyChains)]
struct TooManyChains {
    error: ChainLimit,
}

#[derive(Serialize, ToSchema)]
#[schema(as = affitor::ChainLimit)]
struct ChainLimit {
    /// The HTTP status.
    status: u16,
    code: &'static str,
    message: String,
    retry_after_seconds: u64,
}

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
async fn run(ingest: &Ingest, chains: &Chains, request: Request) -> Result<Response, Rejection> {
    let holder = key_holder(ingest, Asker::of(&request), AFFITOR_KEYS).await?;
    let received = Received::read(request).await?;
    let kind = received.body_fields()?.text("type", MAX_ID)?;
    if kind.as_deref() != Some("chain") {
        return Err(Invalid::new("type must be chain").into());
    }
    if let Err(wait) = chains.take(&holder) {
        return Ok(too_many(wait));
    }
    let customer_key = format!("test_{}", ingest.clock().now().timestamp_millis());
    let step = async |what| step(ingest, &holder, &received, what, &customer_key).await;
    let verdict = ChainVerdicts {
        click: step(TestKind::Click).await?,
        lead: step(TestKind::Lead).await?,
        sale: step(TestKind::Sale).await?,
    };
    let verdicts = [verdict.click, verdict.lead, verdict.sale];
    let attributed = verdicts.iter().all(|verdict| *verdict == ChainVerdict::Pass);
    let data = ChainData {
        r#type: TestType::Chain,
        short_code: SHORT_CODE,
        customer_key,
        verdict,
        attributed,
    };
    Ok(ok(&TestChain { data }))
}

const SHORT_CODE: &str = "test";

async fn step(
    ingest: &Ingest,
    principal: &Principal,
    received: &Received,
    what: TestKind,
    customer_key: &str,
) -> Result<ChainVerdict, Rejection> {
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
    let admission = ingest.admit(&event, 1)?;
    let answer = ingest.submit(admission, event, Wait::Outcome(DEFAULT_WAIT)).await;
    Ok(match answer {
        Answer::Outcome(Outcome::Applied(_)) => ChainVerdict::Pass,
        Answer::Outcome(Outcome::Parked | Outcome::Queued) | Answer::Accepted => ChainVerdict::Pending,
        Answer::Outcome(Outcome::Refused(_) | Outcome::Dead(_) | Outcome::Discarded)
        | Answer::Unavailable { .. } => ChainVerdict::Fail,
    })
}

fn too_many(wait: Duration) -> Response {
    let (status, seconds) = (StatusCode::TOO_MANY_REQUESTS, whole_seconds(wait));
    let error = ChainLimit {
        status: status.as_u16(),
        code: "rate_limited",
        message: format!("a program may run {CHAINS_PER_HOUR} test chains in an hour"),
        retry_after_seconds: seconds,
    };
    let mut response = (status, json_body(&TooManyChains { error })).into_response();
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
