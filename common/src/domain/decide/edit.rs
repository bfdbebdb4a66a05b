//! Changes of conversions by their number: amount, names, deletion.

use super::{
    Decisions,
    change::{is_newer, recalculate, removed, set_amount},
    view,
};
use crate::domain::{Applied, ConversionId, EditConversion, Event, Reason, Refusal, entities::Conversion};

impl Decisions {
    pub(super) fn edit_conversion(
        &mut self,
        event: &Event,
        edit: &EditConversion,
    ) -> Result<Applied, Refusal> {
        let conversion = self.numbered(event, edit.conversion)?;
        if edit.delete {
            return self.delete_conversion(event, conversion);
        }
        if let Some(name) = &edit.external_id {
            self.refuse_taken(event, conversion.id, name)?;
        }
        let changed = self.alter(event, conversion, |conversion| {
            if let Some(amount) = edit.amount.filter(|_| is_newer(event, conversion.amount_by)) {
                set_amount(conversion, amount)?;
                if edit.recalculate {
                    recalculate(conversion)?;
                }
                conversion.amount_by = Some(event.id);
            }
            if let Some(meta_data) = edit
                .meta_data
                .as_ref()
                .filter(|_| is_newer(event, conversion.meta_by))
            {
                conversion.meta_data.clone_from(meta_data);
                conversion.meta_by = Some(event.id);
            }
            if edit.external_id.is_some() {
                conversion.external_id.clone_from(&edit.external_id);
            }
            Ok(None)
        })?;
        Ok(Applied::Conversion(Box::new(changed.view)))
    }

    fn refuse_taken(&self, event: &Event, id: ConversionId, name: &str) -> Result<(), Refusal> {
        match self.conversion_of(event.org, name) {
            Some(holder) if holder.id != id => Err(Refusal::new(
                Reason::DuplicateOrder,
                format!("a conversion with external_id {name:?} already exists"),
            )),
            _ => Ok(()),
        }
    }

    fn delete_conversion(&mut self, event: &Event, mut conversion: Conversion) -> Result<Applied, Refusal> {
        // What could not be answered is left alone.
        view::conversion(&conversion, &self.world).ok_or_else(removed)?;
        self.with_catalog(event, |this, catalog| {
            this.void_conversion(event, &mut conversion, catalog);
        });
        let view = view::conversion(&conversion, &self.world).ok_or_else(removed)?;
        self.world.add_conversion(conversion);
        Ok(Applied::Conversion(Box::new(view)))
    }
}
