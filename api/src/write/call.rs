//! A request that is to change something.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use common::{
    catalog::change::{Actor, Author},
    db::{idempotent_answers, keys::ApiKey},
    domain::Idempotency,
    http::{
        DialectErrors,
        request::{Received, in_scope},
    },
};

use crate::{Api, Problem};

/// Who asks, what for, and when. Behind the guard of a scope.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) key: ApiKey,
    pub(crate) received: Received,
    pub(crate) now: DateTime<Utc>,
}

impl FromRequest<Arc<Api>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Response> {
        let errors = DialectErrors::of_path(request.uri().path());
        let key = request.extensions().get::<ApiKey>().cloned();
        let key = key.ok_or_else(|| Problem::unauthenticated().into_response())?;
        let received = Received::read(request).await;
        let call = Self {
            key,
            received: received.map_err(|rejection| errors.print(&rejection))?,
            now: api.clock.now(),
        };
        let refused = call.refuse_reused_key(api).await;
        refused.map_err(IntoResponse::into_response)?;
        Ok(call)
    }
}

impl Call {
    /// What is not there is changed by no event. A repeat under an `Idempotency-Key` may be about what the first has deleted: its
    /// event tells.
    pub(crate) fn only_what_is_there<T>(&self, found: Option<&T>) -> Result<(), Problem> {
        if found.is_none() && self.received.idempotency.is_none() {
            return Err(Problem::not_found());
        }
        Ok(())
    }

    /// Before anything is said of what the request asks for: under a key that came with another request it is that what is wrong, in
    /// every call. Who gets beyond it at the same moment as another is refused when the key is locked.
    ///
    /// # Errors
    /// 422, 503.
    async fn refuse_reused_key(&self, api: &Api) -> Result<(), Problem> {
        let Some(used) = self.idempotency() else {
            return Ok(());
        };
        let mut conn = api.connection().await?;
        if idempotent_answers::is_of_another(&mut conn, self.key.org, &used).await? {
            return Err(Problem::reused_key());
        }
        Ok(())
    }

    /// The `Idempotency-Key`, as this key uses it.
    pub(super) fn idempotency(&self) -> Option<Idempotency> {
        let sent = self.received.idempotency.clone();
        sent.map(|sent| in_scope(sent, self.key.program))
    }

    pub(crate) fn author(&self) -> Author {
        let origin = self.received.origin.as_ref();
        Author {
            org: self.key.org,
            actor: Actor::Key {
                key_id: self.key.key_id,
                owner: self.key.owner.clone(),
            },
            request_id: origin.map(|origin| origin.request_id.as_str().to_owned()),
            now: self.now,
        }
    }
}
