//! What a rule is given to read, and how it may end.

use chrono::{DateTime, Utc};

use crate::domain::{Event, OrgId, Refusal, catalog::OrgCatalog, world::PoolExhausted};

/// What every rule reads: one event, its organisation, and what operators have declared there. What a rule may change
/// stands beside it in its signature: the [`World`](crate::domain::World) and the [`Effects`](super::Effects).
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub event: &'a Event,
    pub org: OrgId,
    pub catalog: &'a OrgCatalog,
    /// The time of the batch.
    pub now: DateTime<Utc>,
}

/// Why a rule ends without its effect. Rules are lists of guards: the first that does not hold ends the rule.
#[derive(Debug)]
pub(super) enum Stop {
    /// The event is refused; its neighbours in the batch are decided all the same.
    Refused(Refusal),
    /// The batch fails and changes nothing: see [`PoolExhausted`].
    PoolExhausted,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<PoolExhausted> for Stop {
    fn from(PoolExhausted: PoolExhausted) -> Self {
        Self::PoolExhausted
    }
}
