//! Commissions calculated anew by what the rules of their time say now.

use super::{
    Context, Effects, Stop,
    change::{by_number, post_change, removed},
    commission::sale_of,
    view,
};
use crate::domain::{
    Applied, ChangedCommission, RecalculateCommissions, RecalculatedView, World,
    entities::Conversion,
    recalculation::{NewGross, recalculation},
};

/// Changes gross amounts, and posts what follows as any other edit of an amount does. What is as the rules say is not written.
pub(super) fn recalculate_commissions(
    context: &Context<'_>,
    recalculate: &RecalculateCommissions,
    world: &mut World,
    effects: &mut Effects,
) -> Result<Applied, Stop> {
    let before = by_number(context, recalculate.conversion, world)?;
    let sale = sale_of(&before, context.catalog, before.created_at)?;
    let recalculated = recalculation(&before, &sale)?;
    let mut after = before.clone();
    for new in &recalculated.changes {
        take(&mut after, new);
    }
    let view = if recalculated.changes.is_empty() {
        view::conversion(&before, world, context.catalog).ok_or_else(removed)?
    } else {
        post_change(context, &mut after, world, effects)?
    };
    let changes = recalculated.changes.iter();
    let changes = changes.filter_map(|new| changed(&before, &after, new.index));
    let shown = RecalculatedView {
        conversion: view,
        changes: changes.collect(),
        left: recalculated.left,
    };
    world.add_conversion(after);
    Ok(Applied::Recalculated(Box::new(shown)))
}

fn take(conversion: &mut Conversion, new: &NewGross) {
    // Before the commission, whose rule is found while both lists are whole.
    let is_whole = conversion.trace.rules.len() == conversion.commissions.len();
    if let Some(rule) = conversion.trace.rules.get_mut(new.index).filter(|_| is_whole) {
        rule.clone_from(&new.rule);
    }
    if let Some(commission) = conversion.commissions.get_mut(new.index) {
        commission.rate = new.rate;
        commission.exact = new.exact;
        commission.gross = new.gross.amount();
    }
}

fn changed(before: &Conversion, after: &Conversion, index: usize) -> Option<ChangedCommission> {
    let (before, after) = (before.commissions.get(index)?, after.commissions.get(index)?);
    Some(ChangedCommission {
        commission: after.id,
        from: before.amount,
        to: after.amount,
    })
}
