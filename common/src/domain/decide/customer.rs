//! Customers recorded and changed without a sale.

use super::{Decisions, PoolExhausted};
use crate::domain::{Applied, CreateCustomer, Event, Reason, Refusal, UpdateCustomer};

impl Decisions {
    pub(super) fn create_customer(
        &mut self,
        _event: &Event,
        create: &CreateCustomer,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        Ok(Err(Refusal::new(
            Reason::UnknownPartner,
            format!("{:?}", create.customer_id),
        )))
    }

    pub(super) fn update_customer(
        &mut self,
        _event: &Event,
        update: &UpdateCustomer,
    ) -> Result<Applied, Refusal> {
        Err(Refusal::new(
            Reason::UnknownCustomer,
            format!("{:?}", update.customer),
        ))
    }
}
