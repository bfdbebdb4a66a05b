//! What a client asked for, in the terms of the domain: the same for every dialect.

mod attribution_fields;
mod body;
mod bonus_due;
mod click;
mod conversion;
mod customer;
mod dialect;
mod idempotency;
mod identity;
mod meta_data;
mod needs;
mod payment;
mod recalculate;
mod scheduled;
mod trace_parent;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use attribution_fields::AttributionFields;
pub use body::{Body, EventKind};
pub use bonus_due::BonusDue;
pub use click::{RecordClick, TestEvent, TestKind};
pub use conversion::{
    AddCommissions, Chargeback, CommissionLine, ConversionStatus, CreateConversion, EditCommission,
    EditConversion, Refund, UpdateConversion,
};
pub use customer::{CreateCustomer, CustomerAction, CustomerRef, CustomerTarget, Lead, UpdateCustomer};
pub use dialect::Dialect;
pub use idempotency::Idempotency;
pub use identity::Identity;
pub use meta_data::{MAX_META_PROPERTIES, MetaChange, MetaData};
pub use needs::{Needs, NewRows, OrgClue};
pub use payment::{CancelPayment, Pay, PaymentOrder};
pub use recalculate::RecalculateCommissions;
pub use scheduled::{Repetition, Scheduled};
pub use trace_parent::TraceParent;

use super::{EventId, OrgId, ProgramId, ids};

/// Between two looks for what an event needs, while its caller waits: as long as it has waited, within these bounds. What was
/// accepted before is usually there within the first.
const LOOK_PAUSE_MIN: TimeDelta = TimeDelta::milliseconds(100);
const LOOK_PAUSE_MAX: TimeDelta = TimeDelta::milliseconds(400);
/// The same while nobody waits any more.
const LOOK_PAUSE_UNAWAITED: TimeDelta = TimeDelta::seconds(5);
/// How long before the end of the caller's wait the last look is: its answer must be written and reach the caller in time.
const LAST_LOOK_MARGIN: TimeDelta = TimeDelta::milliseconds(400);

/// One request, accepted and on its way. Everything that deciding needs besides the state of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    /// `None`: it came without a key. `apply` finds the organisation by the click, the code or the session that it names.
    #[serde(with = "ids::org_or_none")]
    pub org: Option<OrgId>,
    pub dialect: Dialect,
    pub received_at: DateTime<Utc>,
    /// Whether it came with an API key, or by a signed pixel. An unauthenticated event never blocks an authenticated one.
    /// Envelopes and rows call that trusted.
    #[serde(rename = "trusted")]
    pub authenticated: bool,
    /// The program that the key is bound to: it sees no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_scope: Option<ProgramId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Until when somebody waits for the outcome; handled later, the event counts as asynchronous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<DateTime<Utc>>,
    /// Of the HTTP request that it came with: 1 to 128 visible ASCII characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where that request was in a distributed trace. It travels with the event and is not stored.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "trace_parent::lenient"
    )]
    pub trace: Option<TraceParent>,
    /// What was left out or cut of what was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    pub body: Body,
}

impl Event {
    /// What must be locked, loaded and drawn before it can be decided.
    pub fn needs(&self) -> Needs<'_> {
        self.body.needs(self.dialect)
    }

    /// The order that the event is about, if it names one.
    pub fn order(&self) -> Option<&str> {
        self.needs().order
    }

    /// Whether it can have no effect before its order is there.
    pub fn needs_order(&self) -> bool {
        self.needs().waits_for_order
    }

    /// Whether the key may see what belongs to `program`: one that is bound to a program sees no other.
    pub fn sees(&self, program: ProgramId) -> bool {
        self.program_scope.is_none_or(|scope| scope == program)
    }

    /// Whether it changes what it needs: an order or a customer. It may come before that, by another way, and is worth keeping for
    /// it. All others that need something only look for whom to pay: most visitors come by nobody's link, and to be told so is no
    /// failure.
    pub fn is_change(&self) -> bool {
        matches!(
            self.body,
            Body::UpdateConversion(_) | Body::Refund(_) | Body::Chargeback(_) | Body::UpdateCustomer(_)
        )
    }

    /// Whether a caller still waits for the answer at `now`.
    pub fn is_awaited(&self, now: DateTime<Utc>) -> bool {
        self.wait_until.is_some_and(|until| now < until)
    }

    /// Whether a look at `now` at what the event needs is the last that its caller can be told of.
    pub fn is_last_look(&self, now: DateTime<Utc>) -> bool {
        self.wait_until
            .is_none_or(|until| now >= until - LAST_LOOK_MARGIN)
    }

    /// When what the event needs is looked for again, after a look at `now` that was not the last.
    pub fn next_look(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let waited = now - self.received_at;
        match self.wait_until.filter(|until| now < *until) {
            Some(until) => {
                let next = now + waited.clamp(LOOK_PAUSE_MIN, LOOK_PAUSE_MAX);
                next.min(until - LAST_LOOK_MARGIN).max(now)
            }
            None => now + (waited / 4).clamp(LOOK_PAUSE_MIN, LOOK_PAUSE_UNAWAITED),
        }
    }
}
