//! `POST /api/v1/track/{click,lead,sale,refund}`, the older `/api/tracking/…`, and `POST /api/v1/cli/test-event`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, header::USER_AGENT},
    response::Response,
    routing::{MethodRouter, post},
};
use common::domain::{Body, Dialect, EventId, OrgId};

use super::{
    Call, ERRORS, Names,
    answer::{self, Asked},
    click, lead, refund, sale,
    test_event::{self, Chains},
    test_mode,
};
use crate::{Ingest, auth::Principal, pipeline::Answer};
use common::http::{
    AFFITOR_KEYS, Rejection, peer,
    request::{Fields, Invalid, Received},
    sends_bearer,
};

pub fn routes() -> Router<Ingest> {
    let chains = Arc::new(Chains::default());
    let chain = post(async move |State(ingest): State<Ingest>, request: Request| {
        test_event::run(&ingest, &chains, request)
            .await
            .unwrap_or_else(|rejection| ERRORS.print(&rejection))
    });
    Router::new()
        .route("/api/v1/track/click", method(Call::Click, Names::Current))
        .route("/api/v1/track/lead", method(Call::Lead, Names::Current))
        .route("/api/v1/track/sale", method(Call::Sale, Names::Current))
        .route("/api/v1/track/refund", method(Call::Refund, Names::Current))
        .route("/api/tracking/click", method(Call::Click, Names::Legacy))
        .route("/api/tracking/lead", method(Call::Lead, Names::Legacy))
        .route("/api/tracking/sale", method(Call::Sale, Names::Legacy))
        .route("/api/tracking/refund", method(Call::Refund, Names::Legacy))
        .route("/api/v1/cli/test-event", chain)
}

fn method(call: Call, names: Names) -> MethodRouter<Ingest> {
    post(async move |State(ingest): State<Ingest>, request: Request| {
        track(&ingest, call, names, request)
            .await
            .unwrap_or_else(|rejection| ERRORS.print(&rejection))
    })
}

async fn track(
    ingest: &Ingest,
    call: Call,
    names: Names,
    mut request: Request,
) -> Result<Response, Rejection> {
    let principal = caller(ingest, call, request.headers()).await?;
    if principal.is_none() {
        ingest.keyless_call(peer(&request))?;
        request.headers_mut().remove("idempotency-key");
    }
    let user_agent = request.headers().get(USER_AGENT).cloned();
    let received = Received::read(request).await?;
    let fields = received.body_fields()?;
    let user_agent = user_agent.as_ref().and_then(|value| value.to_str().ok());
    let (asked, body) = read(call, names, principal.as_deref(), &fields, user_agent)?;
    let (event, answer) = match principal {
        Some(principal) => {
            let event = ingest.event(&principal, Dialect::Affitor, &received, body);
            (event.id, ingest.submit(event, received.wait).await)
        }
        None => keyless(ingest, &received, body).await?,
    };
    Ok(answer::print(event, &asked, answer))
}

/// Clicks come from browsers, which hold no secret; so do leads, unless a server sends them.
async fn caller(
    ingest: &Ingest,
    call: Call,
    headers: &HeaderMap,
) -> Result<Option<Arc<Principal>>, Rejection> {
    match call {
        Call::Click => return Ok(None),
        Call::Lead if !sends_bearer(headers) => return Ok(None),
        Call::Lead | Call::Sale | Call::Refund => {}
    }
    let principal = ingest.authenticate(headers, AFFITOR_KEYS).await?;
    principal.may_ingest(&principal.take())?;
    Ok(Some(principal))
}

fn read(
    call: Call,
    names: Names,
    principal: Option<&Principal>,
    fields: &Fields,
    user_agent: Option<&str>,
) -> Result<(Asked, Body), Invalid> {
    let test = test_mode::test(fields, principal.and_then(|principal| principal.key.program))?;
    // A test is held to the same rules: else it would prove nothing.
    let body = match call {
        Call::Click => click::parse(fields, names, user_agent)?,
        Call::Lead => lead::parse(fields, names, principal.is_some())?,
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
    let asked = Asked {
        call,
        names,
        click_id,
        program_id: test.map(|test| test.program_id).unwrap_or_default(),
    };
    Ok((asked, body))
}

/// Whose it is, the click or the code that it names will tell.
async fn keyless(ingest: &Ingest, received: &Received, body: Body) -> Result<(EventId, Answer), Rejection> {
    let permit = ingest.keyless_permit()?;
    let event = ingest.keyless_event(
        Dialect::Affitor,
        OrgId::UNLOCATED,
        received.request_id.as_ref(),
        body,
    );
    Ok((
        event.id,
        ingest.submit_keyless(permit, event, received.wait).await,
    ))
}
