//! What a new commission puts on the calendar.

use super::Context;
use crate::domain::{
    catalog::Recurrence,
    commission::recurs_at,
    entities::{Commission, CommissionKind, Conversion, Schedule, ScheduleKind},
};

/// The first repetition of a commission of the seller, counted from its own time: it came with the sale, or was added later. It
/// recurs until its customer is cancelled: without a customer nothing could end it.
pub(super) fn first_repetition(
    context: &Context<'_>,
    conversion: &Conversion,
    commission: &Commission,
    recurrence: Recurrence,
) -> Option<Schedule> {
    let may_recur = conversion.customer.is_some() && commission.kind == CommissionKind::Regular;
    let due_at = recurs_at(commission.created_at, recurrence, 1).filter(|_| may_recur)?;
    Some(Schedule {
        org: context.org,
        what: ScheduleKind::Recurrence,
        subject: commission.id.0,
        period: 1,
        conversion: conversion.id,
        due_at,
    })
}
