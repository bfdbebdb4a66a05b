//! Payments to affiliates, and their cancellation.

use super::{Decisions, PoolExhausted};
use crate::domain::{Applied, CancelPayment, Event, Pay, Reason, Refusal};

impl Decisions {
    pub(super) fn pay(
        &mut self,
        _event: &Event,
        pay: &Pay,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        Ok(Err(Refusal::new(
            Reason::UnknownAffiliate,
            format!("{:?}", pay.payments),
        )))
    }

    pub(super) fn cancel_payment(
        &mut self,
        _event: &Event,
        cancel: &CancelPayment,
    ) -> Result<Applied, Refusal> {
        Err(Refusal::new(
            Reason::UnknownPayment,
            format!("{:?}", cancel.payment),
        ))
    }
}
