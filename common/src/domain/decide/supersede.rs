//! A signed order takes the place of an unsigned one: what came without a secret never blocks what came with one.

use super::{
    Decisions,
    change::{of_minor_units, recalculate},
};
use crate::domain::{
    ConversionId, CreateConversion, Event,
    catalog::OrgCatalog,
    entities::{Conversion, RefundEntry},
};

impl Decisions {
    /// Reverses the unsigned sale of the same order, links it to its successor, and returns it as it was before. The
    /// caller has looked for duplicates: whatever has this order's id is unsigned.
    pub(super) fn supersede(
        &mut self,
        event: &Event,
        create: &CreateConversion,
        catalog: &OrgCatalog,
    ) -> Option<Conversion> {
        let order = create.external_id.as_deref()?;
        let before = self.conversion_of(event.org, order)?.clone();
        let mut old = before.clone();
        // The pool hands out ids from its end: the next is the one that the new conversion gets.
        old.superseded_by = self.world.ids.conversions.last().copied().map(ConversionId);
        self.void_conversion(event, &mut old, catalog);
        self.world.add_conversion(old);
        Some(before)
    }

    /// What has become of the order since holds on: only a secret changes or refunds a sale. So a refund between the
    /// unsigned sale and the signed one ends like a refund after both.
    pub(super) fn inherit(&mut self, conversion: &mut Conversion, before: &Conversion) {
        if before.amount_by.is_some() {
            let mut followed = conversion.clone();
            followed.amount = before.amount;
            followed.amount_by = before.amount_by;
            // An amount whose commissions are beyond all limits by the rates of now: the create's own stays.
            if recalculate(&mut followed).is_ok() {
                *conversion = followed;
            }
        }
        if let Some(decided) = before.commissions.first().filter(|_| before.status_by.is_some()) {
            for commission in &mut conversion.commissions {
                commission.approved = decided.approved;
            }
            conversion.status_by = before.status_by;
        }
        if before.meta_by.is_some() {
            conversion.meta_data.clone_from(&before.meta_data);
            conversion.meta_by = before.meta_by;
        }
        conversion.charged_back = before.charged_back;
        conversion.chargeback_by = before.chargeback_by;
        for before in &before.refunds {
            let minor_units = before.minor_units;
            let entry = RefundEntry {
                conversion: conversion.id,
                // The unsigned sale may have named another currency.
                amount: minor_units.map_or(before.amount, |units| Some(of_minor_units(conversion, units))),
                ..before.clone()
            };
            conversion.add_refund(entry.clone());
            self.refunds.push(entry);
        }
    }
}
