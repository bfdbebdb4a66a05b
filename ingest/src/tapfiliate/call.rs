//! One call of either dialect: who, how much is left, what, and the answer.

use axum::{extract::Request, response::Response};
use common::{
    domain::{Body, Dialect},
    keyring::Principal,
};

use super::answer::{ERRORS, Effect, print};
use crate::{Ingest, auth::may_ingest};
use common::http::{Asker, Rate, Rejection, TAPFILIATE_KEYS, request::Received};

/// Whose call it is, and how its effect is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub(super) dialect: Dialect,
    pub(super) effect: Effect,
}

impl Wire {
    /// Submits what `parse` reads, and prints what became of it.
    pub(super) async fn call(
        self,
        ingest: &Ingest,
        request: Request,
        parse: impl FnOnce(&Received) -> Result<Body, Rejection>,
    ) -> Response {
        let principal = match ingest.authenticate(Asker::of(&request), TAPFILIATE_KEYS).await {
            Ok(principal) => principal,
            Err(rejection) => return ERRORS.print(&rejection),
        };
        let mut rate = principal.take();
        let response = self
            .answer(ingest, &principal, &mut rate, request, parse)
            .await
            .unwrap_or_else(|rejection| ERRORS.print(&rejection));
        rate.print(response, ingest.clock().now())
    }

    async fn answer(
        self,
        ingest: &Ingest,
        principal: &Principal,
        rate: &mut Rate,
        request: Request,
        parse: impl FnOnce(&Received) -> Result<Body, Rejection>,
    ) -> Result<Response, Rejection> {
        may_ingest(principal, rate)?;
        let received = Received::read(request).await?;
        let body = parse(&received)?;
        let names_a_row = names_a_row(&body);
        let event = ingest.event(principal, self.dialect, &received, body);
        let id = event.id;
        let admitted = ingest.admit(&event, 1);
        let admission = admitted.inspect_err(|rejection| rate.tighten(rejection.rate()))?;
        rate.tighten(admission.rate);
        let answer = ingest.submit(admission, event, received.wait).await;
        Ok(print(id, &answer, self.effect, names_a_row))
    }
}

/// Whether the call is about a row that must be there: if it is not, that is a 404.
fn names_a_row(body: &Body) -> bool {
    matches!(
        body,
        Body::UpdateConversion(_) | Body::UpdateCustomer(_) | Body::AddCommissions(_)
    )
}
