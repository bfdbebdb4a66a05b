//! Events decided one after another, as tests tell them.

use serde_json::Value;

use super::{
    Body, BonusAward, Decisions, Event, Outcome, World, decide,
    tests::{ORG, catalog_mut, event, world},
};
use crate::domain::{
    AffiliateId, ConversionId, ProgramId,
    catalog::Program,
    entities::{Commission, Conversion, Schedule},
    ledger::{Account, Transfer},
};

/// What has happened so far, from a small world with a program of 10 percent and a level of 5.
#[derive(Debug)]
pub(super) struct Story {
    pub world: World,
    pub transfers: Vec<Transfer>,
    pub schedules: Vec<Schedule>,
    pub awards: Vec<BonusAward>,
}

impl Story {
    pub fn new() -> Self {
        Self::in_program(|_| {})
    }

    /// With another program.
    pub fn in_program(edit: impl FnOnce(&mut Program)) -> Self {
        let mut world = world();
        let catalog = catalog_mut(&mut world);
        let mut program = catalog.program(ProgramId(1)).unwrap().clone();
        edit(&mut program);
        catalog.add_program(program);
        Self {
            world,
            transfers: Vec::new(),
            schedules: Vec::new(),
            awards: Vec::new(),
        }
    }

    /// Decides the event `id` with this body.
    pub fn tell(&mut self, id: u128, body: Value) -> Outcome {
        self.tell_as(id, body, |_| {})
    }

    /// The same with an event that is otherwise unlike the usual.
    pub fn tell_as(&mut self, id: u128, body: Value, edit: impl FnOnce(&mut Event)) -> Outcome {
        let body: Body = serde_json::from_value(body).unwrap();
        let mut incoming = event(id, body);
        edit(&mut incoming.event);
        let decided: Decisions = decide(vec![incoming], self.world.clone()).unwrap();
        self.world = decided.world;
        self.transfers.extend(decided.effects.transfers);
        self.schedules.extend(decided.effects.schedules);
        self.awards.extend(decided.effects.bonus_awards);
        decided.decisions.into_iter().next_back().unwrap().outcome
    }

    /// Pending, payable and paid of an affiliate in dollars.
    pub fn balance(&self, affiliate: i64) -> String {
        let sum = |account| {
            let own = self
                .transfers
                .iter()
                .filter(|transfer| transfer.affiliate == AffiliateId(affiliate));
            let moved =
                own.filter(|transfer| transfer.currency.code() == "USD")
                    .map(|transfer| match account {
                        _ if transfer.credit == account => transfer.amount,
                        _ if transfer.debit == account => -transfer.amount,
                        _ => 0.into(),
                    });
            moved.sum::<rust_decimal::Decimal>().normalize()
        };
        let [pending, payable, paid] = [Account::Pending, Account::Payable, Account::Paid].map(sum);
        format!("{pending} {payable} {paid}")
    }

    pub fn conversion(&self, id: i64) -> &Conversion {
        self.world.conversion(ORG, ConversionId(id)).unwrap()
    }

    /// The amounts of a conversion's commissions.
    pub fn amounts(&self, id: i64) -> Vec<String> {
        let amount = |commission: &Commission| commission.amount.normalize().to_string();
        self.conversion(id).commissions.iter().map(amount).collect()
    }
}

/// The reason of a refusal, else the status.
pub(super) fn word(outcome: &Outcome) -> &str {
    outcome.reason().unwrap_or(outcome.status().name())
}
