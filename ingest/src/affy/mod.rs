//! AFFY's tracking API: clicks, registrations and payments, by a client id in the body or a key as bearer token.
//!
//! What the seed leaves open is decided here. A merchant calls for every customer, referred or not, and forgets the
//! answer: so a registration or a payment that leads to no affiliate is answered `200` with `leadId` null and "No
//! affiliate referral found". Only a click must name an affiliate. A client id is public: what comes with it alone is
//! recorded, but not authenticated. A payment's `transactionId` makes the call safe to repeat, apart for callers with
//! a key and without, so that a stranger cannot use one up. `GET /api/v1/tracking/status/{session}` reads: it belongs to
//! the control plane.

mod answer;
mod call;
mod caller;
mod click;
mod lead;
mod lead_payment;
mod lead_registration;
mod registration;
mod success;
mod transaction;
mod visit;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Ingest;

pub fn routes() -> OpenApiRouter<Ingest> {
    OpenApiRouter::default()
        .routes(routes!(click::click))
        .routes(routes!(registration::registration))
        .routes(routes!(lead::lead))
        .routes(routes!(lead_registration::lead_registration))
        .routes(routes!(lead_payment::lead_payment))
}
