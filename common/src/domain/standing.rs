//! Where a customer stands with programs. Each program has its own first affiliate and its own limits, whatever the customer
//! buys in others.

use chrono::{DateTime, Utc};

use super::{
    EventId, ProgramId,
    entities::{Change, Customer, Elsewhere, Standing},
};

impl Customer {
    /// Its own program's, then those of others.
    pub fn standings(&self) -> impl Iterator<Item = &Standing> {
        let others = self.elsewhere.iter().map(|elsewhere| &elsewhere.standing);
        std::iter::once(&self.own).chain(others)
    }

    pub fn standings_mut(&mut self) -> impl Iterator<Item = &mut Standing> {
        let others = self.elsewhere.iter_mut().map(|elsewhere| &mut elsewhere.standing);
        std::iter::once(&mut self.own).chain(others)
    }

    /// `None`: it has neither bought nor was led there.
    pub fn in_program(&self, program: ProgramId) -> Option<&Standing> {
        self.standings().find(|standing| standing.program == program)
    }

    pub fn in_program_mut(&mut self, program: ProgramId) -> Option<&mut Standing> {
        self.standings_mut().find(|standing| standing.program == program)
    }

    /// Adds where it stands with a program that it has not been in.
    pub fn add_elsewhere(&mut self, standing: Standing, event: EventId, at: DateTime<Utc>) {
        self.elsewhere.push(Elsewhere {
            change: Change::Insert,
            standing,
            event,
            created_at: at,
        });
        self.elsewhere.sort_by_key(|elsewhere| elsewhere.standing.program);
    }

    /// Makes a program in which it stands its own one; the one before is kept beside it.
    pub fn move_to(&mut self, program: ProgramId, event: EventId, at: DateTime<Utc>) {
        let mut places = self.elsewhere.iter();
        let place = places.position(|elsewhere| elsewhere.standing.program == program);
        if let Some(place) = place {
            let own = self.elsewhere.remove(place).standing;
            let before = std::mem::replace(&mut self.own, own);
            self.add_elsewhere(before, event, at);
        }
    }
}
