//! Clicks on affiliates' links.

use super::{Decisions, PoolExhausted};
use crate::domain::{Applied, Event, Reason, RecordClick, Refusal};

impl Decisions {
    pub(super) fn click(
        &mut self,
        _event: &Event,
        click: &RecordClick,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        Ok(Err(Refusal::new(
            Reason::UnknownPartner,
            format!("{:?}", click.referral_code),
        )))
    }
}
