//! What falls due by itself: holds that end here, recurring commissions and bonuses in files of their own.

use super::{
    Context, Effects, Stop, approval::hold, bonus::give_bonus, bonus_again::give_again, change::by_number,
    commission::views, posting::post_transfers, recurrence::recur,
};
use crate::domain::{Applied, CommissionId, ConversionId, Scheduled, World};

pub(super) fn scheduled(
    context: &Context<'_>,
    scheduled: &Scheduled,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    match scheduled {
        Scheduled::HoldEnds { conversion } => Ok(hold_ends(context, *conversion, world, effects)),
        Scheduled::Recur(repetition) => recur(context, repetition, world, effects),
        Scheduled::Bonus(due) => {
            let sales = world.monthly_sales.get(&context.event.id);
            match sales.and_then(|sales| sales.given.clone()) {
                Some(given) => Ok(give_again(context, due, &given, world, effects)?),
                None => give_bonus(context, due, world, effects),
            }
        }
    }
}

/// Approves what has waited long enough and nobody has decided; what has to wait longer is scheduled again.
fn hold_ends(context: &Context<'_>, id: ConversionId, world: &mut World, effects: &mut Effects) -> Applied {
    let Ok(mut conversion) = by_number(context, id, world) else {
        return Applied::Nothing;
    };
    let mut ended: Vec<CommissionId> = Vec::new();
    let mut next = None;
    let undecided = conversion
        .commissions
        .iter_mut()
        .filter(|commission| commission.approved.is_none());
    for commission in undecided {
        let Some(finalised_at) = commission.finalised_at else {
            continue;
        };
        if finalised_at <= context.now {
            commission.approved = Some(true);
            ended.push(commission.id);
        } else {
            next = Some(next.map_or(finalised_at, |next| finalised_at.min(next)));
        }
    }
    if let Some(due_at) = next {
        effects.schedules.push(hold(context, id, due_at));
    }
    if ended.is_empty() {
        return Applied::Nothing;
    }
    conversion.change.touch();
    post_transfers(context, &mut conversion, effects);
    let views = views(&conversion, &ended, context.catalog);
    world.add_conversion(conversion);
    Applied::Commissions(views)
}
