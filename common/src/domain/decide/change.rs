//! Updates and refunds of a recorded conversion, and the settling of its commissions in the ledger.

use rust_decimal::Decimal;

use super::{Decisions, unknown_order, view};
use crate::domain::{
    Applied, Chargeback, ConversionId, ConversionStatus, ConversionView, Event, EventId, MAX_AMOUNT, Money,
    OrgId, Reason, Refund, RefundView, Refusal, UpdateConversion,
    commission::{follow_amount, net},
    entities::{Change, Commission, CommissionKind, Conversion, RefundEntry},
    ledger::{Position, Transfer, movements},
    money::order_amount,
};

impl Decisions {
    pub(super) fn update_conversion(
        &mut self,
        event: &Event,
        update: &UpdateConversion,
    ) -> Result<Applied, Refusal> {
        let changed = self.change(event, &update.external_id, |conversion| {
            if let Some(amount) = update.amount.filter(|_| is_newer(event, conversion.amount_by)) {
                set_amount(conversion, amount)?;
                recalculate(conversion)?;
                conversion.amount_by = Some(event.id);
            }
            if let Some(status) = update.status.filter(|_| is_newer(event, conversion.status_by)) {
                for commission in &mut conversion.commissions {
                    commission.approved = Some(status == ConversionStatus::Approved);
                }
                conversion.status_by = Some(event.id);
            }
            if let Some(meta_data) = update
                .meta_data
                .as_ref()
                .filter(|_| is_newer(event, conversion.meta_by))
            {
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
            if conversion.refunds.iter().any(|known| known.key == key) {
                is_repeat = true;
                return Ok(None);
            }
            is_repeat = is_gone(conversion);
            let minor_units = refund.minor_units.filter(|_| refund.amount.is_none());
            let entry = RefundEntry {
                org: event.org,
                conversion: conversion.id,
                key,
                event: event.id,
                amount: refund
                    .amount
                    .or(minor_units.map(|units| of_minor_units(conversion, units))),
                minor_units,
                created_at: event.received_at,
            };
            conversion.add_refund(entry.clone());
            Ok(Some(entry))
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
            if is_newer(event, conversion.chargeback_by) {
                conversion.charged_back = !chargeback.reversed;
                conversion.chargeback_by = Some(event.id);
            }
            Ok(None)
        })?;
        Ok(Applied::Conversion(Box::new(changed.view)))
    }

    fn change(
        &mut self,
        event: &Event,
        order: &str,
        edit: impl FnOnce(&mut Conversion) -> Result<Option<RefundEntry>, Refusal>,
    ) -> Result<Changed, Refusal> {
        let conversion = self
            .conversion_of(event.org, order)
            .filter(|conversion| is_visible_to(event, conversion))
            .cloned()
            .ok_or_else(|| unknown_order(order))?;
        self.alter(event, conversion, edit)
    }

    /// A copy of the living conversion with this number.
    pub(super) fn numbered(&self, event: &Event, id: ConversionId) -> Result<Conversion, Refusal> {
        self.world
            .conversion(event.org, id)
            .filter(|conversion| conversion.deleted_at.is_none() && is_visible_to(event, conversion))
            .cloned()
            .ok_or_else(|| Refusal::new(Reason::UnknownOrder, format!("conversion {id} is not known")))
    }

    /// Changes a copy, settles it and puts it back: a refusal half-way leaves nothing behind.
    pub(super) fn alter(
        &mut self,
        event: &Event,
        mut conversion: Conversion,
        edit: impl FnOnce(&mut Conversion) -> Result<Option<RefundEntry>, Refusal>,
    ) -> Result<Changed, Refusal> {
        let posted = self.transfers.len();
        let before = sellers_commissions(&conversion);
        let entry = edit(&mut conversion)?;
        conversion.change.touch();
        self.post_transfers(&mut conversion, event);
        let (after, is_gone) = (sellers_commissions(&conversion), is_gone(&conversion));
        let Some(view) = view::conversion(&conversion, &self.world) else {
            self.transfers.truncate(posted);
            return Err(removed());
        };
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
    pub(super) fn post_transfers(&mut self, conversion: &mut Conversion, event: &Event) {
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

/// A key that is bound to a program sees no other.
pub(super) fn is_visible_to(event: &Event, conversion: &Conversion) -> bool {
    event
        .program_scope
        .is_none_or(|scope| scope == conversion.program)
}

pub(super) fn removed() -> Refusal {
    Refusal::new(
        Reason::NotAttributed,
        "the conversion's program or an affiliate of it has been removed",
    )
}

fn sellers_commissions(conversion: &Conversion) -> Decimal {
    let of_seller = conversion
        .commissions
        .iter()
        .filter(|one| one.affiliate == conversion.affiliate && one.kind == CommissionKind::Regular);
    // What was disapproved brings nothing that a refund could take.
    let counts = of_seller.filter(|one| one.approved != Some(false));
    counts.map(|one| one.amount).sum()
}

/// A refund that the client counts in the smallest unit of the sale's currency.
pub(super) fn of_minor_units(conversion: &Conversion, units: i64) -> Decimal {
    conversion.currency.of_minor_units(units).min(MAX_AMOUNT)
}

/// All of the sale was given back, or the bank took it. A sale of nothing is gone with its first refund.
fn is_gone(conversion: &Conversion) -> bool {
    let beyond = !conversion.refunds.is_empty() && conversion.refunded >= conversion.amount;
    conversion.charged_back || conversion.fully_refunded || beyond
}

/// Calculates the commissions anew for the conversion's amount, each by the rate that it had.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] above [`MAX_AMOUNT`].
pub(super) fn recalculate(conversion: &mut Conversion) -> Result<(), Refusal> {
    for commission in &mut conversion.commissions {
        follow_amount(commission, conversion.original_amount, conversion.amount)?;
    }
    Ok(())
}

/// # Errors
/// [`Reason::AmountOutOfRange`] below zero and above [`MAX_AMOUNT`].
pub(super) fn set_amount(conversion: &mut Conversion, amount: Decimal) -> Result<(), Refusal> {
    conversion.amount = in_range("amount", amount)?;
    Ok(())
}

/// An order's amount, or a part of it.
///
/// # Errors
/// [`Reason::AmountOutOfRange`] below zero and above [`MAX_AMOUNT`].
pub(super) fn in_range(field: &str, amount: Decimal) -> Result<Decimal, Refusal> {
    order_amount(amount).ok_or_else(|| {
        let detail = format!("{field} {amount} is not between 0 and {MAX_AMOUNT}");
        Refusal::new(Reason::AmountOutOfRange, detail)
    })
}

/// Whether an event is later than the one that set a field: an older event never overwrites a newer one.
pub(super) fn is_newer(event: &Event, by: Option<EventId>) -> bool {
    by.is_none_or(|by| by < event.id)
}
