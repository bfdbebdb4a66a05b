//! Leads bind customers to clicks.

use super::{Decisions, PoolExhausted};
use crate::domain::{Applied, Event, Lead, Reason, Refusal};

impl Decisions {
    pub(super) fn lead(
        &mut self,
        _event: &Event,
        lead: &Lead,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        Ok(Err(Refusal::new(
            Reason::UnknownClick,
            format!("{:?}", lead.click_ids),
        )))
    }
}
