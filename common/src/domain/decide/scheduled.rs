//! What falls due by itself: holds that end here, recurring commissions and bonuses in files of their own.

use super::{
    Decisions, PoolExhausted, bonus::BonusDue, commission::views, conversion::hold, recurrence::Repetition,
};
use crate::domain::{Applied, CommissionId, ConversionId, Event, Refusal, Scheduled};

impl Decisions {
    pub(super) fn scheduled(
        &mut self,
        event: &Event,
        scheduled: &Scheduled,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        match scheduled {
            Scheduled::HoldEnds { conversion } => Ok(Ok(self.hold_ends(event, *conversion))),
            Scheduled::Recur {
                conversion,
                commission,
                period,
                due,
            } => {
                let repetition = Repetition {
                    conversion: *conversion,
                    commission: *commission,
                    period: *period,
                    due: *due,
                };
                self.recur(event, repetition)
            }
            Scheduled::Bonus {
                program,
                bonus,
                affiliate,
                month,
            } => {
                let due = BonusDue {
                    program: *program,
                    bonus,
                    affiliate: *affiliate,
                    month: *month,
                };
                self.bonus(event, &due)
            }
        }
    }

    /// Approves what has waited long enough and nobody has decided; what has to wait longer is scheduled again.
    fn hold_ends(&mut self, event: &Event, id: ConversionId) -> Applied {
        let Ok(mut conversion) = self.numbered(event, id) else {
            return Applied::Nothing;
        };
        let now = self.world.now;
        let mut ended: Vec<CommissionId> = Vec::new();
        let mut next = None;
        let undecided = conversion
            .commissions
            .iter_mut()
            .filter(|one| one.approved.is_none());
        for commission in undecided {
            let Some(finalised_at) = commission.finalised_at else {
                continue;
            };
            if finalised_at <= now {
                commission.approved = Some(true);
                ended.push(commission.id);
            } else {
                next = Some(next.map_or(finalised_at, |next| finalised_at.min(next)));
            }
        }
        if let Some(due_at) = next {
            self.schedules.push(hold(event, id, due_at));
        }
        if ended.is_empty() {
            return Applied::Nothing;
        }
        conversion.change.touch();
        self.post_transfers(&mut conversion, event);
        let catalog = self.world.catalog.get(&event.org);
        let views = catalog.map(|catalog| views(&conversion, &ended, catalog));
        self.world.add_conversion(conversion);
        Applied::Commissions(views.unwrap_or_default())
    }
}
