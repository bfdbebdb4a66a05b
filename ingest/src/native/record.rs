//! `POST /v1/events`: many events at once.

use std::{num::NonZeroU32, time::Duration};

use axum::{
    extract::{Request, State},
    response::Response,
};
use common::db::keys::Timezone;
use common::domain::{Dialect, Event, EventId, Idempotency, ProgramId};
use common::{keyring::Principal, queue::QuotaPlace};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    answer::{self, BatchResult, ERRORS, LineResult, NDJSON, What},
    batch::{self, MAX_BATCH_BYTES, Mentioned},
    fields::line_fields,
    line::{Line, parse_line},
};
use crate::{Ingest, answer::key_holder, auth::may_ingest, pipeline::Answer, quota::Admission};
use common::http::{
    Asker, NATIVE_KEYS, Rejection, note_invalid_part,
    openapi::example,
    request::{self, Fields, Invalid, Preferences, Received, Wait},
};

const ABOUT: &str = "Record up to 1,000 events, one JSON object a line: type conversion (default), update, refund, chargeback, \
                     chargeback_reversal, customer or customer_update, with a postback's fields. A line has at most 256 KiB and costs as \
                     much of the rate limit and of the organisation's quotas as a call: all are taken or, with 429, none. An \
                     Idempotency-Key stands for each line at its place: when the answer was lost, or lines were unavailable, send the whole request again under the same key";

#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "native",
    summary = ABOUT,
    security(("XApiKey" = []), ("Bearer" = [])),
    params(Preferences),
    request_body(
        content = Vec<Line>,
        content_type = NDJSON,
        description = "One JSON object a line, and no array: the array of this description stands for the lines.",
        example = json!(example(include_str!("examples/lines.json")))
    ),
    responses((
        status = 200,
        content(
            (BatchResult = "application/json", example = json!(example(include_str!("examples/results.json")))),
            (LineResult = "application/x-ndjson")
        )
    ))
)]
pub(super) async fn events(State(ingest): State<Ingest>, request: Request) -> Response {
    record(&ingest, request)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

/// Lines read without a pause for other requests.
const AT_A_TIME: usize = 16;

async fn record(ingest: &Ingest, request: Request) -> Result<Response, Rejection> {
    let holder = key_holder(ingest, Asker::of(&request), NATIVE_KEYS).await?;
    let as_lines = answer::wants_lines(request.headers());
    let received = Received::read_up_to(request, MAX_BATCH_BYTES).await?;
    let (mut results, mut first, mut later) = (Vec::new(), Vec::new(), Vec::new());
    let mut mentioned = Mentioned::default();
    let body = received.text();
    let lines = batch::lines(&body)?;
    take_others(&holder, lines.len())?;
    let is_long = lines.len() > AT_A_TIME;
    let turn = if is_long {
        ingest.turn_of_batches().await
    } else {
        None
    };
    for (number, (line, text)) in lines.into_iter().enumerate() {
        if number % AT_A_TIME == AT_A_TIME - 1 {
            tokio::task::yield_now().await;
        }
        match event(ingest, &holder, &received, line, text) {
            Err(invalid) => {
                note_invalid_part(&invalid);
                results.push((line, What::Invalid(invalid), Vec::new()));
            }
            Ok(event) if mentioned.builds_on_earlier(&event) => later.push((line, event)),
            Ok(event) => first.push((line, event)),
        }
    }
    drop(turn);
    let admission = match first.first().or(later.first()) {
        Some((_, event)) => ingest.admit(event, first.len() + later.len())?,
        None => Admission::default(),
    };
    // A client that hangs up must not stop between the two.
    let (submitter, wait) = (ingest.clone(), received.wait);
    let submitted = ingest.outlive("the lines of a call", async move {
        submit(&submitter, admission.places, first, later, wait).await
    });
    results.extend(submitted.await.map_err(|_panicked| Rejection::Unavailable {
        retry_after: crate::pipeline::RETRY_AFTER,
    })?);
    results.sort_by_key(|(line, ..)| *line);
    let _turn = if is_long {
        ingest.turn_of_batches().await
    } else {
        None
    };
    Ok(answer::print(&results, as_lines))
}

/// Each line costs as much of the key's allowance as a call of its own. The first one was taken before the body was read.
fn take_others(principal: &Principal, lines: usize) -> Result<(), Rejection> {
    let others = u32::try_from(lines.saturating_sub(1)).unwrap_or(u32::MAX);
    let Some(others) = NonZeroU32::new(others) else {
        return Ok(());
    };
    match principal.take_many(others) {
        Some(rate) => may_ingest(principal, &rate),
        None => Err(Rejection::Invalid(Invalid::new(format!(
            "the request has {lines} lines, and the API key may send {} events a minute: send fewer at once",
            principal.key.rate_per_minute
        )))),
    }
}

/// The event of one line.
fn event(
    ingest: &Ingest,
    principal: &Principal,
    received: &Received,
    line: usize,
    text: &str,
) -> Result<Event, Invalid> {
    let fields = line_fields(text)?;
    let body = parse_line(&fields, ingest.clock().now(), Timezone::default())?;
    let mut event = ingest.event(principal, Dialect::Native, received, body);
    event.warnings = fields.warnings();
    event.idempotency = received.idempotency.as_ref().map(|request| {
        let key = format!("{}:{line}", request.key);
        idempotency(key, &fields, text, principal.key.program)
    });
    Ok(event)
}

/// The request's key stands for all its lines, each with its own content.
fn idempotency(key: String, fields: &Fields, text: &str, program: Option<ProgramId>) -> Idempotency {
    let bytes = Sha256::new_with_prefix("POST /v1/events\n")
        .chain_update(text.as_bytes())
        .finalize();
    let meaning = Idempotency::plain(key, request::of_fields(fields.values()));
    let meaning = request::in_scope(meaning, program);
    Idempotency::new(meaning.key, &meaning.hash, hex::encode(bytes), false)
}

/// Hands over first what stands alone, then, once that is decided, what builds on it.
async fn submit(
    ingest: &Ingest,
    mut places: Vec<QuotaPlace>,
    first: Vec<(usize, Event)>,
    later: Vec<(usize, Event)>,
    wait: Wait,
) -> Vec<(usize, What, Vec<String>)> {
    let started = Instant::now();
    let of_later = places.split_off(first.len().min(places.len()));
    let mut results = submit_all(ingest, places, first, wait).await;
    let wait = match wait {
        Wait::Outcome(wait) => match wait.saturating_sub(started.elapsed()) {
            Duration::ZERO => Wait::Receipt,
            left => Wait::Outcome(left),
        },
        Wait::Receipt => Wait::Receipt,
    };
    results.extend(submit_all(ingest, of_later, later, wait).await);
    results
}

async fn submit_all(
    ingest: &Ingest,
    places: Vec<QuotaPlace>,
    events: Vec<(usize, Event)>,
    wait: Wait,
) -> Vec<(usize, What, Vec<String>)> {
    let of_line = |(line, event): &(usize, Event)| (*line, event.id, event.warnings.clone());
    let lines: Vec<(usize, EventId, Vec<String>)> = events.iter().map(of_line).collect();
    let events = events.into_iter().map(|(_, event)| event).collect();
    let answers: Vec<Answer> = ingest.submit_all(places, events, wait).await;
    let answered = lines.into_iter().zip(answers);
    answered
        .map(|((line, event, warnings), answer)| (line, What::Answered(event, answer), warnings))
        .collect()
}
