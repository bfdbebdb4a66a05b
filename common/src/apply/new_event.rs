//! An event that is to be decided, and what that needs.

use crate::domain::{Event, Needs, OrgId};

pub(super) struct NewEvent<'a> {
    pub event: &'a Event,
    pub needs: Needs<'a>,
}

impl NewEvent<'_> {
    /// What it needs of its organisation. `None`: it belongs to none, and will be refused.
    pub(super) fn in_org(&self) -> Option<(OrgId, &Needs<'_>)> {
        Some((self.event.org?, &self.needs))
    }
}
