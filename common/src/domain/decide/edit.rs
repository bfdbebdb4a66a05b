//! Changes of conversions by their number: amount, names, deletion.

use super::Decisions;
use crate::domain::{Applied, EditConversion, Event, Reason, Refusal};

impl Decisions {
    pub(super) fn edit_conversion(
        &mut self,
        _event: &Event,
        edit: &EditConversion,
    ) -> Result<Applied, Refusal> {
        Err(Refusal::new(
            Reason::UnknownOrder,
            format!("{:?}", edit.conversion),
        ))
    }
}
