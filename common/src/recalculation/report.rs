//! What a recalculation changes, or would change. Pure.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::{
    Applied, ChangedCommission, CommissionId, ConversionId, Currency, Decision, LeftAlone, Outcome,
    RecalculatedView,
};

/// A commission that is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub commission: CommissionId,
    pub conversion: ConversionId,
    pub external_id: Option<String>,
    /// The slug of the affiliate who earns.
    pub affiliate: String,
    pub currency: Currency,
    /// After refunds. Equal before and after where nothing is left of the sale: what it would be of then changes all the same.
    pub from: Decimal,
    pub to: Decimal,
}

/// What changes in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub from: Decimal,
    pub to: Decimal,
}

/// What changes of all that was chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Conversions that were looked at.
    pub selected: usize,
    /// Those of which a commission changes.
    pub conversions: usize,
    /// Commissions that change.
    pub changed: usize,
    /// Conversions that nothing can be said of: deleted meanwhile, of an affiliate who has left the program, or an amount would be
    /// out of range.
    pub refused: usize,
    /// Of what changes, by currency.
    pub totals: BTreeMap<String, Total>,
    pub left: LeftAlone,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Report {
    /// There are more differences than it lists.
    pub fn more(&self) -> bool {
        self.differences.len() < self.changed
    }

    /// Counts what was decided of a conversion, and lists up to `limit` differences.
    pub(super) fn add(&mut self, decided: &Decision, limit: usize) {
        self.selected += 1;
        let Some(view) = recalculated(decided) else {
            self.refused += 1;
            return;
        };
        self.left.add(view.left);
        self.conversions += usize::from(!view.changes.is_empty());
        for change in &view.changes {
            self.add_change(view, change, limit);
        }
    }

    fn add_change(&mut self, view: &RecalculatedView, change: &ChangedCommission, limit: usize) {
        let mut commissions = view.conversion.commissions.iter();
        let Some(commission) = commissions.find(|commission| commission.id == change.commission) else {
            return;
        };
        self.changed += 1;
        let total = self
            .totals
            .entry(commission.currency.code().to_owned())
            .or_default();
        total.from += change.from;
        total.to += change.to;
        if self.differences.len() < limit {
            self.differences.push(Difference {
                commission: change.commission,
                conversion: view.conversion.id,
                external_id: view.conversion.external_id.clone(),
                affiliate: commission.affiliate.slug.clone(),
                currency: commission.currency,
                from: change.from,
                to: change.to,
            });
        }
    }
}

/// What became of a conversion; `None`: the event was refused.
pub(super) fn recalculated(decided: &Decision) -> Option<&RecalculatedView> {
    match &decided.outcome {
        Outcome::Applied(Applied::Recalculated(view)) => Some(view),
        _ => None,
    }
}
