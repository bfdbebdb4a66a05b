//! How commissions start: pending, approved at once, or held until a day.

use chrono::{DateTime, TimeDelta, Utc};

use super::Context;
use crate::domain::{
    ConversionId,
    catalog::{Approval, Program},
    entities::{CommissionKind, Conversion, Schedule, ScheduleKind},
};

/// How a commission starts. The default waits for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InitialApproval {
    pub approved: Option<bool>,
    pub finalised_at: Option<DateTime<Utc>>,
}

impl InitialApproval {
    /// As the program says at `at`, and counted from it. What is not `authenticated` waits for a person, whatever the program says.
    pub fn new(program: &Program, authenticated: bool, at: DateTime<Utc>) -> Self {
        match program.terms_at(at).approval {
            Approval::Immediate if authenticated => Self {
                approved: Some(true),
                finalised_at: None,
            },
            Approval::Hold(days) if authenticated => Self {
                approved: None,
                finalised_at: Some(at + TimeDelta::days(i64::from(days))),
            },
            Approval::Immediate | Approval::Hold(_) | Approval::Manual => Self::default(),
        }
    }

    /// Of what is added to a sale at `at`. To one that is disapproved nothing is added that is earned; where the customer's limit had
    /// been reached a person decides.
    pub fn of_added(conversion: &Conversion, program: &Program, at: DateTime<Utc>) -> Self {
        let is_capped = conversion.trace.cap.as_ref().is_some_and(|cap| cap.reached);
        if is_disapproved(conversion) {
            Self {
                approved: Some(false),
                finalised_at: None,
            }
        } else if is_capped {
            Self::default()
        } else {
            Self::new(program, conversion.is_fully_authenticated(), at)
        }
    }
}

/// All that the seller has of the sale is disapproved; of a sale without commissions its latest status tells.
fn is_disapproved(conversion: &Conversion) -> bool {
    let mut own = conversion
        .commissions
        .iter()
        .filter(|commission| {
            commission.kind == CommissionKind::Regular && commission.affiliate == conversion.affiliate
        })
        .peekable();
    match own.peek() {
        None => conversion.status == Some(false),
        Some(_) => own.all(|commission| commission.approved == Some(false)),
    }
}

/// The end of a hold.
pub(super) fn hold(context: &Context<'_>, conversion: ConversionId, due_at: DateTime<Utc>) -> Schedule {
    Schedule {
        org: context.org,
        what: ScheduleKind::Hold,
        subject: conversion.0,
        period: 0,
        conversion,
        due_at,
    }
}
