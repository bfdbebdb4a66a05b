//! Events that are parked.

use crate::domain::{Dependency, EventId, OrgId};

/// A parked event, and the order or the customer for which it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub event: EventId,
    pub org: OrgId,
    pub waits_for: Dependency,
}
