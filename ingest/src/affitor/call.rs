//! What Affitor's four tracking calls have in common: who calls, tests, and the way to the answer.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, header::USER_AGENT},
    response::Response,
};
use common::domain::{Body, Dialect, OrgId};

use super::{
    ERRORS,
    answer::{self, AnswerContext},
    click, lead, refund, sale, test_mode,
};
use crate::{
    Ingest,
    answer::{Caller, key_holder},
    auth::Principal,
};
use common::http::{
    AFFITOR_KEYS, Rejection, peer,
    request::{Fields, Invalid, Received},
    sends_bearer,
};

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Click,
    Lead,
    Sale,
    Refund,
}

/// Which names the fields have: those of the older paths are taken beside today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Current,
    Legacy,
}

pub(super) async fn track(ingest: &Ingest, call: Call, names: Names, request: Request) -> Response {
    record(ingest, call, names, request)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

async fn record(
    ingest: &Ingest,
    call: Call,
    names: Names,
    mut request: Request,
) -> Result<Response, Rejection> {
    let holder = holder(ingest, call, request.headers()).await?;
    if holder.is_none() {
        ingest.keyless_call(peer(&request))?;
        request.headers_mut().remove("idempotency-key");
    }
    let user_agent = request.headers().get(USER_AGENT).cloned();
    let received = Received::read(request).await?;
    let fields = received.body_fields()?;
    let user_agent = user_agent.as_ref().and_then(|value| value.to_str().ok());
    let (context, body) = read(call, names, holder.as_deref(), &fields, user_agent)?;
    let caller = match holder {
        Some(holder) => Caller::Keyed(holder),
        // Whose it is, the click or the code that it names will tell.
        None => Caller::Keyless(OrgId::UNLOCATED, ingest.keyless_permit()?),
    };
    let event = caller.event(ingest, Dialect::Affitor, &received, body);
    let (event, answer) = caller.submit(ingest, event, received.wait).await;
    Ok(answer::print(event, &context, &answer))
}

/// Clicks come from browsers, which hold no secret; so do leads, unless a server sends them.
async fn holder(
    ingest: &Ingest,
    call: Call,
    headers: &HeaderMap,
) -> Result<Option<Arc<Principal>>, Rejection> {
    match call {
        Call::Click => return Ok(None),
        Call::Lead if !sends_bearer(headers) => return Ok(None),
        Call::Lead | Call::Sale | Call::Refund => {}
    }
    key_holder(ingest, headers, AFFITOR_KEYS).await.map(Some)
}

fn read(
    call: Call,
    names: Names,
    holder: Option<&Principal>,
    fields: &Fields,
    user_agent: Option<&str>,
) -> Result<(AnswerContext, Body), Invalid> {
    let test = test_mode::test(fields, holder.and_then(|holder| holder.key.program))?;
    // A test is held to the same rules: else it would prove nothing.
    let body = match call {
        Call::Click => click::parse(fields, names, user_agent)?,
        Call::Lead => lead::parse(fields, names, holder.is_some())?,
        Call::Sale => sale::parse(fields, names, test.is_some())?,
        Call::Refund => refund::parse(fields)?,
    };
    let click_id = match &body {
        Body::Lead(lead) => lead.click_ids.first().cloned(),
        _ => None,
    };
    let body = match &test {
        Some(test) => test_mode::event(call, test, fields)?,
        None => body,
    };
    let context = AnswerContext {
        call,
        names,
        click_id,
        program_id: test.map(|test| test.program_id).unwrap_or_default(),
    };
    Ok((context, body))
}
