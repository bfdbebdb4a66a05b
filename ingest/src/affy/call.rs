//! What AFFY's five tracking calls have in common: who calls, and the way to the answer.

use axum::{extract::Request, response::Response};
use common::domain::{Body, Dialect};

use super::{
    answer::{self, AnswerContext, ERRORS},
    caller,
};
use crate::Ingest;
use common::http::{
    Asker, Rejection, client,
    request::{Fields, Invalid, Received},
    stranger,
};

/// What a call asks for, and what its answer repeats.
pub(super) struct Parsed {
    pub(super) body: Body,
    pub(super) context: AnswerContext,
}

/// Reads what a call asks for.
pub(super) type Parse = fn(&Fields) -> Result<Parsed, Invalid>;

pub(super) async fn track(ingest: &Ingest, request: Request, parse: Parse) -> Response {
    record(ingest, request, parse)
        .await
        .unwrap_or_else(|rejection| ERRORS.print(&rejection))
}

async fn record(ingest: &Ingest, request: Request, parse: Parse) -> Result<Response, Rejection> {
    let holder = caller::holder(ingest, Asker::of(&request)).await?;
    if holder.is_none() {
        ingest.keyless_call(client(&request))?;
    }
    let stranger = stranger(&request);
    let received = Received::read(request).await?;
    let fields = received.body_fields()?;
    let Parsed { body, context } = parse(&fields)?;
    let caller = caller::identify(ingest, holder, stranger, &fields, context.needs_client()).await?;
    let mut event = caller.event(ingest, Dialect::Affy, &received, body);
    if let AnswerContext::Payment {
        transaction: Some(transaction),
        ..
    } = &context
    {
        transaction.bind(&mut event);
    }
    let wait = received.wait;
    // They may be much larger than the event that is waited for.
    drop((fields, received));
    let (event, answer) = caller.submit(ingest, event, wait).await?;
    Ok(answer::print(event, &context, &answer))
}
