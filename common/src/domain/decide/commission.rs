//! Commissions added to a conversion, and changed one by one.

use super::{Decisions, PoolExhausted};
use crate::domain::{AddCommissions, Applied, EditCommission, Event, Reason, Refusal};

impl Decisions {
    pub(super) fn add_commissions(
        &mut self,
        _event: &Event,
        add: &AddCommissions,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        Ok(Err(Refusal::new(
            Reason::UnknownOrder,
            format!("{:?}", add.conversion),
        )))
    }

    pub(super) fn edit_commission(
        &mut self,
        _event: &Event,
        edit: &EditCommission,
    ) -> Result<Applied, Refusal> {
        Err(Refusal::new(
            Reason::UnknownCommission,
            format!("{:?}", edit.commission),
        ))
    }
}
