//! Updates and refunds of a recorded conversion, and the settling of its commissions in the ledger.

use super::{Decisions, unknown_order, view};
use crate::domain::{
    Applied, ConversionStatus, Event, MAX_AMOUNT, Money, Reason, Refund, Refusal, UpdateConversion,
    commission::{follow_amount, net},
    entities::{Change, Conversion, RefundEntry},
    ledger::{Position, Transfer, movements},
};

impl Decisions {
    pub(super) fn update_conversion(
        &mut self,
        event: &Event,
        update: &UpdateConversion,
    ) -> Result<Applied, Refusal> {
        self.change(event, &update.external_id, |conversion| {
            let is_newer = |by: Option<_>| by.is_none_or(|by| by < event.id);
            if let Some(amount) = update.amount.filter(|_| is_newer(conversion.amount_by)) {
                set_amount(conversion, amount)?;
                conversion.amount_by = Some(event.id);
            }
            if let Some(status) = update.status.filter(|_| is_newer(conversion.status_by)) {
                for commission in &mut conversion.commissions {
                    commission.approved = Some(status == ConversionStatus::Approved);
                }
                conversion.status_by = Some(event.id);
            }
            if let Some(meta_data) = update.meta_data.as_ref().filter(|_| is_newer(conversion.meta_by)) {
                conversion.meta_data.clone_from(meta_data);
                conversion.meta_by = Some(event.id);
            }
            Ok(None)
        })
    }

    /// Takes a refund into account. The same refund id again has no further effect.
    pub(super) fn refund(&mut self, event: &Event, refund: &Refund) -> Result<Applied, Refusal> {
        let key = refund
            .refund_id
            .clone()
            .map_or_else(|| format!("event:{}", event.id), |id| format!("id:{id}"));
        self.change(event, &refund.external_id, |conversion| {
            if conversion.refunds.contains(&key) {
                return Ok(None);
            }
            match refund.amount {
                None => conversion.fully_refunded = true,
                Some(amount) => {
                    // Saturating keeps any order of refunds alike: beyond the sale they have no effect anyway.
                    let sum = conversion.refunded.checked_add(amount).unwrap_or(MAX_AMOUNT);
                    conversion.refunded = sum.min(MAX_AMOUNT);
                }
            }
            conversion.refunds.push(key.clone());
            Ok(Some(RefundEntry {
                org: event.org,
                conversion: conversion.id,
                key,
                event: event.id,
                amount: refund.amount,
                created_at: event.received_at,
            }))
        })
    }

    /// Changes a copy, settles it and puts it back: a refusal half-way leaves nothing behind.
    fn change(
        &mut self,
        event: &Event,
        order: &str,
        edit: impl FnOnce(&mut Conversion) -> Result<Option<RefundEntry>, Refusal>,
    ) -> Result<Applied, Refusal> {
        let mut conversion = self
            .conversion_of(event.org, order)
            .cloned()
            .ok_or_else(|| unknown_order(order))?;
        let entry = edit(&mut conversion)?;
        conversion.change.touch();
        self.settle(&mut conversion, event);
        let view = view::conversion(&conversion, &self.world).ok_or_else(|| {
            Refusal::new(
                Reason::UnknownPartner,
                "the conversion's program has been removed",
            )
        })?;
        self.refunds.extend(entry);
        self.world
            .conversions
            .insert((event.org, order.to_owned()), conversion);
        Ok(Applied::Conversion(Box::new(view)))
    }

    /// Brings each commission to its net amount, and the ledger to where the commission's state says.
    pub(super) fn settle(&mut self, conversion: &mut Conversion, event: &Event) {
        let (given_back, sale) = (conversion.given_back(), conversion.amount);
        let is_full = conversion.fully_refunded || (conversion.refunded > given_back && given_back == sale);
        for commission in &mut conversion.commissions {
            let gross = Money::rounded(commission.gross, commission.currency);
            let amount = if is_full {
                Money::zero(gross.currency())
            } else {
                net(gross, given_back, sale)
            };
            let target = Position::target(amount.amount(), commission.approved);
            let moved = movements(commission.position, target);
            for movement in &moved {
                self.transfers.push(Transfer {
                    org: conversion.org,
                    affiliate: commission.affiliate,
                    debit: movement.debit,
                    credit: movement.credit,
                    amount: movement.amount,
                    currency: commission.currency,
                    code: movement.code,
                    commission: commission.id,
                    event: event.id,
                    recorded_at: self.world.now,
                });
            }
            commission.amount = amount.amount();
            commission.position = target;
            if conversion.change == Change::Update {
                commission.change.touch();
            }
        }
    }
}

fn set_amount(conversion: &mut Conversion, amount: rust_decimal::Decimal) -> Result<(), Refusal> {
    if amount > MAX_AMOUNT {
        return Err(Refusal::new(
            Reason::AmountOutOfRange,
            format!("amount {amount} is above {MAX_AMOUNT}"),
        ));
    }
    let before = conversion.amount;
    conversion.amount = amount;
    for commission in &mut conversion.commissions {
        follow_amount(commission, before, amount)?;
    }
    Ok(())
}
