//! What rules add beside the rows that they change: collected for the batch, and inserted after it was decided.

use super::{Context, Parked};
use crate::domain::{
    BonusDue, ClickId, EventId, Idempotency, OrgId,
    entities::{Commission, GivenBonus, RefundEntry, Schedule},
    ledger::{CommissionBalance, Transfer, movements},
};

/// Rows to insert, in the order in which the events of the batch caused them.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    pub transfers: Vec<Transfer>,
    /// Refunds that were taken into account for the first time.
    pub refunds: Vec<RefundEntry>,
    /// First uses of idempotency keys.
    pub idempotency: Vec<(OrgId, Idempotency, EventId)>,
    /// What falls due later.
    pub schedules: Vec<Schedule>,
    /// Sessions and the latest clicks in them.
    pub sessions: Vec<(String, OrgId, ClickId)>,
    pub bonus_awards: Vec<BonusAward>,
    /// What the events wait for that were parked.
    pub parked: Vec<Parked>,
}

/// A bonus that was given, and by which event. An organisation gives each once.
#[derive(Clone, Debug, PartialEq)]
pub struct BonusAward {
    pub org: OrgId,
    pub due: BonusDue,
    pub event: EventId,
    pub given: GivenBonus,
}

/// The transfers that bring a commission's money from where the ledger holds it to `target`; the commission notes that it is
/// there.
pub(super) fn transfers_to(
    context: &Context<'_>,
    commission: &mut Commission,
    target: CommissionBalance,
) -> Vec<Transfer> {
    let from = std::mem::replace(&mut commission.balance, target);
    let posted = movements(from, target).into_iter().map(|movement| Transfer {
        org: context.org,
        affiliate: commission.affiliate,
        debit: movement.debit,
        credit: movement.credit,
        amount: movement.amount,
        currency: commission.currency,
        code: movement.code,
        commission: Some(commission.id),
        event: context.event.id,
        recorded_at: context.now,
    });
    posted.collect()
}
