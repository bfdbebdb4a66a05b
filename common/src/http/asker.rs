//! Who asks, as far as the head of a request tells: what finding its key needs.

use std::net::IpAddr;

use axum::{extract::Request, http::HeaderMap};

use super::address::stranger;

/// Clones are cheap. It holds no body, so a handler may keep it while it waits.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    pub headers: &'a HeaderMap,
    /// Who tries a key, if that one may try only so many.
    pub stranger: Option<IpAddr>,
}

impl<'a> Asker<'a> {
    pub fn of(request: &'a Request) -> Self {
        Self {
            headers: request.headers(),
            stranger: stranger(request),
        }
    }
}
