//! What Affitor's four tracking calls have in common: who calls, tests, and the way to the answer.

use std::sync::Arc;

use axum::{extract::Request, http::header::USER_AGENT, response::Response};
use common::{
    domain::{Body, Dialect},
    keyring::Principal,
};

use super::{
    answer::{self, AnswerContext},
    errors::ERRORS,
    kind::{Call, Names},
    test_mode,
};
use crate::{
    Ingest,
    answer::{Caller, key_holder},
};
use common::http::{
    AFFITOR_KEYS, Asker, Rejection, client,
    request::{Fields, Invalid, Received},
    sends_bearer,
};

/// What was sent, and what reading it depends on.
pub(super) struct SentCall<'a> {
    pub(super) fields: &'a Fields,
    pub(super) names: Names,
    /// Who sends it holds a key.
    pub(super) is_keyed: bool,
    /// It is only tried out.
    pub(super) is_test: bool,
    /// The request's own.
    pub(super) user_agent: Option<&'a str>,
}

/// Reads what a call asks for.
pub(super) type Parse = fn(&SentCall<'_>) -> Result<Body, Invalid>;

pub(super) async fn track(
    ingest: &Ingest,
    call: Call,
    names: Names,
    request: Request,
    parse: Parse,
) -> Response {
    record(ingest, call, names, request, parse)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

async fn record(
    ingest: &Ingest,
    call: Call,
    names: Names,
    mut request: Request,
    parse: Parse,
) -> Result<Response, Rejection> {
    let holder = holder(ingest, call, Asker::of(&request)).await?;
    if holder.is_none() {
        ingest.keyless_call(client(&request))?;
        request.headers_mut().remove("idempotency-key");
    }
    let user_agent = request.headers().get(USER_AGENT).cloned();
    let received = Received::read(request).await?;
    let fields = received.body_fields()?;
    let user_agent = user_agent.as_ref().and_then(|value| value.to_str().ok());
    let program = holder.as_ref().and_then(|holder| holder.key.program);
    let test = test_mode::test(&fields, program)?;
    // A test is held to the same rules: else it would prove nothing.
    let body = parse(&SentCall {
        fields: &fields,
        names,
        is_keyed: holder.is_some(),
        is_test: test.is_some(),
        user_agent,
    })?;
    let context = AnswerContext {
        call,
        names,
        click_id: first_click(&body),
        program_id: test
            .as_ref()
            .map(|test| test.program_id.clone())
            .unwrap_or_default(),
    };
    let body = match &test {
        Some(test) => test_mode::event(call, test, &fields),
        None => body,
    };
    let caller = match holder {
        Some(holder) => Caller::Keyed(holder),
        // Whose it is, the click or the code that it names will tell.
        None => Caller::Keyless(None, ingest.keyless_permit()?),
    };
    let event = caller.event(ingest, Dialect::Affitor, &received, body);
    let wait = received.wait;
    // They may be much larger than the event that is waited for.
    drop((fields, received));
    let (event, answer) = caller.submit(ingest, event, wait).await?;
    Ok(answer::print(event, &context, &answer))
}

/// Clicks come from browsers, which hold no secret; so do leads, unless a server sends them.
async fn holder(ingest: &Ingest, call: Call, asker: Asker<'_>) -> Result<Option<Arc<Principal>>, Rejection> {
    match call {
        Call::Click => return Ok(None),
        Call::Lead if !sends_bearer(asker.headers) => return Ok(None),
        Call::Lead | Call::Sale | Call::Refund => {}
    }
    key_holder(ingest, asker, AFFITOR_KEYS).await.map(Some)
}

/// Of a lead, as it was sent.
fn first_click(body: &Body) -> Option<String> {
    match body {
        Body::Lead(lead) => lead.click_ids.first().cloned(),
        _ => None,
    }
}
