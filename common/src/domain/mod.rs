//! The rules of affiliate money as pure functions and plain data.
//!
//! Nothing here is async, reads a clock, or knows a database, a broker or HTTP. What happens to a conversion is decided
//! by [`decide()`] from events and a [`World`] that somebody else has loaded.

pub mod attribution;
pub mod catalog;
pub mod commission;
mod decide;
pub mod entities;
pub mod event;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod outcome;
pub mod world;

pub use attribution::fold_coupon;
pub use decide::{
    Decision, Decisions, EVENT_RETENTION, Incoming, MAX_PARKED_PER_ORDER, PoolExhausted, Verdict, decide,
};
pub use event::{
    Attribution, Body, CommissionLine, ConversionStatus, CreateConversion, CustomerRef, Dialect, Event,
    EventKind, Idempotency, Identity, MetaData, Refund, UpdateConversion,
};
pub use ids::{
    AffiliateId, CommissionId, ConversionId, CustomerId, EventId, OrgId, ProgramId, PublicId, PublicIdKind,
};
pub use money::{Currency, MAX_AMOUNT, Money};
pub use outcome::{
    AffiliateView, Applied, CommissionView, ConversionView, CustomerView, First, Outcome, ProgramView,
    Reason, Refusal,
};
pub use world::World;
