//! Updates and refunds of a recorded conversion, and the settling of its commissions in the ledger.

use rust_decimal::Decimal;

use super::{Decisions, unknown_order, view};
use crate::domain::{
    Applied, Chargeback, ConversionStatus, ConversionView, Event, MAX_AMOUNT, Money, OrgId, Reason, Refund,
    RefundView, Refusal, UpdateConversion,
    commission::{follow_amount, net},
    entities::{Change, Commission, CommissionKind, Conversion, RefundEntry},
    ledger::{Position, Transfer, movements},
};

impl Decisions {
    pub(super) fn update_conversion(
        &mut self,
        event: &Event,
        update: &UpdateConversion,
    ) -> Result<Applied, Refusal> {
        let changed = self.change(event, &update.external_id, |conversion| {
            let is_newer = |by: Option<_>| by.is_none_or(|by| by < event.id);
            if let Some(amount) = update.amount.filter(|_| is_newer(conversion.amount_by)) {
                set_amount(conversion, amount)?;
                recalculate(conversion)?;
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
        })?;
        Ok(Applied::Conversion(Box::new(changed.view)))
    }

    /// Takes a refund into account. The same refund id again has no further effect.
    pub(super) fn refund(&mut self, event: &Event, refund: &Refund) -> Result<Applied, Refusal> {
        let key = refund
            .refund_id
            .clone()
            .map_or_else(|| format!("event:{}", event.id), |id| format!("id:{id}"));
        let mut is_repeat = false;
        let changed = self.change(event, &refund.external_id, |conversion| {
            if conversion.refunds.contains(&key) {
                is_repeat = true;
                return Ok(None);
            }
            is_repeat = is_gone(conversion);
            let of_minor_units = |units| conversion.currency.of_minor_units(units).min(MAX_AMOUNT);
            let amount = refund.amount.or(refund.minor_units.map(of_minor_units));
            match amount {
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
                amount,
                created_at: event.received_at,
            }))
        })?;
        Ok(Applied::Refund(Box::new(RefundView {
            deducted: changed.before - changed.after,
            is_full: changed.is_gone,
            is_repeat,
            conversion: changed.view,
        })))
    }

    /// The bank takes a sale's money back, or gives it again: the latest word counts.
    pub(super) fn chargeback(&mut self, event: &Event, chargeback: &Chargeback) -> Result<Applied, Refusal> {
        let changed = self.change(event, &chargeback.external_id, |conversion| {
            if conversion.chargeback_by.is_none_or(|by| by < event.id) {
                conversion.charged_back = !chargeback.reversed;
                conversion.chargeback_by = Some(event.id);
            }
            Ok(None)
        })?;
        Ok(Applied::Conversion(Box::new(changed.view)))
    }

    /// Changes a copy, settles it and puts it back: a refusal half-way leaves nothing behind.
    fn change(
        &mut self,
        event: &Event,
        order: &str,
        edit: impl FnOnce(&mut Conversion) -> Result<Option<RefundEntry>, Refusal>,
    ) -> Result<Changed, Refusal> {
        let mut conversion = self
            .conversion_of(event.org, order)
            .cloned()
            .ok_or_else(|| unknown_order(order))?;
        let before = sellers_commissions(&conversion);
        let entry = edit(&mut conversion)?;
        conversion.change.touch();
        self.settle(&mut conversion, event);
        let (after, is_gone) = (sellers_commissions(&conversion), is_gone(&conversion));
        let view = view::conversion(&conversion, &self.world).ok_or_else(|| {
            Refusal::new(
                Reason::UnknownPartner,
                "the conversion's program has been removed",
            )
        })?;
        self.refunds.extend(entry);
        self.world.add_conversion(conversion);
        Ok(Changed {
            view,
            before,
            after,
            is_gone,
        })
    }

    /// Posts what brings the commission from its position to `target`.
    pub(super) fn post(&mut self, org: OrgId, commission: &mut Commission, target: Position, event: &Event) {
        for movement in movements(commission.position, target) {
            self.transfers.push(Transfer {
                org,
                affiliate: commission.affiliate,
                debit: movement.debit,
                credit: movement.credit,
                amount: movement.amount,
                currency: commission.currency,
                code: movement.code,
                commission: Some(commission.id),
                event: event.id,
                recorded_at: self.world.now,
            });
        }
        commission.position = target;
    }

    /// Brings each commission to its net amount, and the ledger to where the commission's state says.
    pub(super) fn settle(&mut self, conversion: &mut Conversion, event: &Event) {
        let (given_back, sale, is_gone) = (conversion.given_back(), conversion.amount, is_gone(conversion));
        for commission in &mut conversion.commissions {
            let gross = Money::rounded(commission.gross, commission.currency);
            let amount = match commission.kind {
                // A later period's money: what became of the first sale does not touch it.
                CommissionKind::Recurring | CommissionKind::Bonus => gross,
                CommissionKind::Regular | CommissionKind::Level if is_gone => Money::zero(gross.currency()),
                CommissionKind::Regular | CommissionKind::Level => net(gross, given_back, sale),
            };
            let target = Position::target(amount.amount(), commission.approved);
            self.post(conversion.org, commission, target, event);
            commission.amount = amount.amount();
            if conversion.change == Change::Update {
                commission.change.touch();
            }
        }
    }
}

/// A conversion after a change.
pub(super) struct Changed {
    pub view: ConversionView,
    /// The seller's commissions before and after, in the currency's minor unit.
    pub before: Decimal,
    pub after: Decimal,
    /// Nothing is left of the sale.
    pub is_gone: bool,
}

fn sellers_commissions(conversion: &Conversion) -> Decimal {
    let of_seller = conversion
        .commissions
        .iter()
        .filter(|one| one.affiliate == conversion.affiliate && one.kind == CommissionKind::Regular);
    of_seller.map(|one| one.amount).sum()
}

/// All of the sale was given back, or the bank took it. A sale of nothing is gone with its first refund.
fn is_gone(conversion: &Conversion) -> bool {
    let beyond = conversion.refunded > Decimal::ZERO && conversion.refunded >= conversion.amount;
    conversion.charged_back || conversion.fully_refunded || beyond
}

/// Calculates the commissions anew for the conversion's amount, each by the rate that it had.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub(super) fn recalculate(conversion: &mut Conversion) -> Result<(), Refusal> {
    for commission in &mut conversion.commissions {
        follow_amount(commission, conversion.base_amount, conversion.amount)?;
    }
    Ok(())
}

pub(super) fn set_amount(conversion: &mut Conversion, amount: Decimal) -> Result<(), Refusal> {
    if amount > MAX_AMOUNT {
        return Err(Refusal::new(
            Reason::AmountOutOfRange,
            format!("amount {amount} is above {MAX_AMOUNT}"),
        ));
    }
    conversion.amount = amount;
    Ok(())
}
