//! What becomes known of a request while it is handled, for the frame around it: whose it is, what it became, what was sent.
//!
//! It belongs to the request's own task. A task that goes on when the request is dropped has to [`carry`] it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::request::Invalid;
use crate::domain::{EventId, OrgId};

tokio::task_local! {
    static NOTED: Arc<Mutex<Noted>>;
}

#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    pub(super) org: Option<OrgId>,
    /// The event that the request became, if it became one.
    pub(super) event: Option<EventId>,
    pub(super) body: Option<Bytes>,
    /// What was wrong with parts of the request, while others became events.
    pub(super) parts: Vec<Invalid>,
    /// What its caller is told beside the answer, once it was decided.
    pub(super) warnings: Vec<String>,
}

/// Does `work`, and tells what was noted meanwhile.
pub(super) async fn noting<T>(work: impl Future<Output = T>) -> (T, Noted) {
    let noted = Arc::<Mutex<Noted>>::default();
    let done = NOTED.scope(Arc::clone(&noted), work).await;
    let noted = std::mem::take(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner));
    (done, noted)
}

/// `work`, which notes as if it were done here, wherever it is done.
pub fn carry<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let noted = NOTED.try_with(Arc::clone).unwrap_or_default();
    NOTED.scope(noted, work)
}

fn note(change: impl FnOnce(&mut Noted)) {
    // Outside a request nobody asks.
    NOTED
        .try_with(|noted| change(&mut noted.lock().unwrap_or_else(PoisonError::into_inner)))
        .ok();
}

pub(super) fn org(org: OrgId) {
    note(|noted| noted.org = Some(org));
}

pub(super) fn event(event: EventId) {
    note(|noted| noted.event = Some(event));
}

pub(super) fn body(body: &Bytes) {
    note(|noted| noted.body = Some(body.clone()));
}

/// Of a request that has become an event nobody looks at the body any more: it need not be held while the event is waited for.
pub fn forget_body() {
    note(|noted| noted.body = None);
}

/// Notes what the answer is to tell besides, where it has a place for it.
pub fn note_warning(warning: &str) {
    note(|noted| noted.warnings.push(warning.to_owned()));
}

/// Notes that a part of the request, such as a line of a batch, was no event.
pub fn note_invalid_part(invalid: &Invalid) {
    note(|noted| noted.parts.push(invalid.clone()));
}
