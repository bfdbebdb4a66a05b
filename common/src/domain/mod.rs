//! The rules of affiliate money as pure functions and plain data.
//!
//! Nothing here is async, reads a clock, or knows a database, a broker or HTTP. What happens to a conversion is decided
//! by [`decide()`] from events and a [`World`] that somebody else has loaded.

pub mod affiliate;
pub mod attribution;
pub mod catalog;
pub mod click_name;
pub mod commission;
#[cfg(test)]
mod commission_tests;
pub mod country;
pub mod customer_lifecycle;
mod decide;
pub mod dependency;
pub mod entities;
pub mod event;
pub mod fraction;
pub mod ids;
pub mod ledger;
pub mod money;
mod names;
pub mod outcome;
pub mod pricing;
#[cfg(test)]
mod pricing_tests;
pub mod prospect;
pub mod recalculation;
pub mod spelling;
mod standing;
pub mod trace;
pub mod versions;
pub mod world;
pub mod writer;

pub use customer_lifecycle::CustomerLifecycle;
pub use decide::{
    BonusAward, Decision, Decisions, EVENT_RETENTION, Effects, Incoming, MAX_PARKED_PER_NAME, MAX_PAYMENTS,
    Parked, RowWrite, decide,
};
pub use dependency::Dependency;
pub use event::{
    AddCommissions, AttributionFields, Body, BonusDue, CancelPayment, Chargeback, CommissionLine,
    ConversionStatus, CreateConversion, CreateCustomer, CustomerAction, CustomerRef, CustomerTarget, Dialect,
    EditCommission, EditConversion, Event, EventKind, Idempotency, Identity, Lead, MAX_META_PROPERTIES,
    MetaChange, MetaData, Needs, NewRows, OrgClue, Pay, PaymentOrder, RecalculateCommissions, RecordClick,
    Refund, Repetition, Scheduled, TestEvent, TestKind, TraceParent, UpdateConversion, UpdateCustomer,
};
pub use ids::{
    AffiliateId, ClickId, CommissionId, ConversionId, CustomerId, EventId, OrgId, PaymentId, ProgramId,
    PublicId, PublicIdKind,
};
pub use money::{Currency, MAX_AMOUNT, Money};
pub use outcome::{
    AffiliateView, Applied, ChangedCommission, ClickSummary, ClickView, CommissionView, ConversionView,
    CustomerRecord, CustomerView, EventStatus, First, LeadView, LeftAlone, Outcome, PaymentView, ProgramView,
    Reason, RecalculatedView, RefundView, Refusal,
};
pub use spelling::fold_coupon;
pub use world::{PoolExhausted, World};
