//! How commissions start: pending, approved at once, or held until a day.

use chrono::{DateTime, TimeDelta, Utc};

use super::Context;
use crate::domain::{
    ConversionId,
    catalog::{Approval, Program},
    entities::{Schedule, ScheduleKind},
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
