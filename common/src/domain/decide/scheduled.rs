//! What falls due by itself: holds that end, recurring commissions, bonuses.

use super::{Decisions, PoolExhausted};
use crate::domain::{Applied, Event, Refusal, Scheduled};

impl Decisions {
    pub(super) fn scheduled(
        &mut self,
        _event: &Event,
        _scheduled: &Scheduled,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        Ok(Ok(Applied::Nothing))
    }
}
