//! Commissions added to a conversion, and changed one by one.

use chrono::{DateTime, Utc};

use super::{
    Decisions, PoolExhausted,
    change::{in_range, removed},
    conversion::{InitialApproval, hold},
    view,
};
use crate::domain::{
    AddCommissions, Applied, CommissionId, CommissionView, EditCommission, Event, Reason, Refusal,
    catalog::OrgCatalog,
    commission::{Line, Part, Sale, money, part_lines, percentage},
    entities::{Commission, Conversion},
    ledger::Position,
};

impl Decisions {
    pub(super) fn add_commissions(
        &mut self,
        event: &Event,
        add: &AddCommissions,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let conversion = match self.numbered(event, add.conversion) {
            Ok(conversion) => conversion,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.with_catalog(event, |this, catalog| {
            this.add_with(event, add, conversion, catalog)
        })
    }

    fn add_with(
        &mut self,
        event: &Event,
        add: &AddCommissions,
        mut conversion: Conversion,
        catalog: &OrgCatalog,
    ) -> Result<Result<Applied, Refusal>, PoolExhausted> {
        let at = event.received_at;
        let result = sale_of(&conversion, catalog, at).and_then(|sale| Ok((sale, added_lines(add, &sale)?)));
        let (sale, lines) = match result {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let approval = InitialApproval::new(sale.program, conversion.is_vouched_for(), at);
        let added = self.attach(event, &mut conversion, lines, approval, at)?;
        let views = views(&conversion, &added, catalog);
        self.world.add_conversion(conversion);
        Ok(Ok(Applied::Commissions(views)))
    }

    /// Adds commissions that do not follow the conversion's amount, and settles them.
    pub(super) fn attach(
        &mut self,
        event: &Event,
        conversion: &mut Conversion,
        lines: Vec<Line>,
        approval: InitialApproval,
        at: DateTime<Utc>,
    ) -> Result<Vec<CommissionId>, PoolExhausted> {
        conversion.change.touch();
        let mut added = Vec::with_capacity(lines.len());
        for line in lines {
            // The trace tells the rules in the order of the commissions, or, for old rows, not at all.
            if conversion.trace.rules.len() == conversion.commissions.len() {
                conversion.trace.rules.push(line.rule.clone());
            }
            let line = Line { part: None, ..line };
            let commission = self.new_commission(line, approval, at)?;
            added.push(commission.id);
            conversion.commissions.push(commission);
        }
        if let Some(due_at) = approval.finalised_at.filter(|_| !added.is_empty()) {
            self.schedules.push(hold(event, conversion.id, due_at));
        }
        self.post_transfers(conversion, event);
        Ok(added)
    }

    pub(super) fn edit_commission(
        &mut self,
        event: &Event,
        edit: &EditCommission,
    ) -> Result<Applied, Refusal> {
        let id = edit.commission;
        let unknown = || Refusal::new(Reason::UnknownCommission, format!("commission {id} is not known"));
        let Some(owner) = self.world.commission_owners.get(&id).copied() else {
            return self.edit_bonus(event, edit).unwrap_or_else(|| Err(unknown()));
        };
        let conversion = self.numbered(event, owner).map_err(|_unseen| unknown())?;
        let changed = self.alter(event, conversion, |conversion| {
            let commission = conversion.commissions.iter_mut().find(|one| one.id == id);
            change_commission(commission.ok_or_else(unknown)?, edit)?;
            Ok(None)
        })?;
        let mut commissions = changed.view.commissions.into_iter();
        let view = commissions.find(|one| one.id == id).ok_or_else(unknown)?;
        Ok(Applied::Commission(Box::new(view)))
    }

    /// `None`: there is none with this number. A bonus belongs to no conversion, so a key that sees one program only
    /// cannot be shown to see it.
    fn edit_bonus(&mut self, event: &Event, edit: &EditCommission) -> Option<Result<Applied, Refusal>> {
        let (org, bonus) = self.world.bonuses.get(&edit.commission)?;
        if *org != event.org || event.program_scope.is_some() {
            return None;
        }
        let mut bonus = bonus.clone();
        Some(self.settle_bonus(event, edit, &mut bonus).map(|view| {
            self.world.bonuses.insert(bonus.id, (event.org, bonus));
            Applied::Commission(Box::new(view))
        }))
    }

    fn settle_bonus(
        &mut self,
        event: &Event,
        edit: &EditCommission,
        bonus: &mut Commission,
    ) -> Result<CommissionView, Refusal> {
        change_commission(bonus, edit)?;
        bonus.change.touch();
        bonus.amount = bonus.gross;
        let catalog = self.world.catalog.get(&event.org).ok_or_else(removed)?;
        let view = view::commission(bonus, None, catalog).ok_or_else(removed)?;
        let target = Position::target(bonus.amount, bonus.approved);
        self.post(event.org, bonus, target, event);
        Ok(view)
    }
}

/// What further commissions of a conversion are calculated by.
///
/// # Errors
/// [`Reason::NotAttributed`] when its program, its affiliate or the affiliate's part in it is gone.
pub(super) fn sale_of<'a>(
    conversion: &Conversion,
    catalog: &'a OrgCatalog,
    at: DateTime<Utc>,
) -> Result<Sale<'a>, Refusal> {
    let program = catalog.program(conversion.program);
    let affiliation = catalog.affiliation(conversion.program, conversion.affiliate);
    let (Some(program), Some(affiliation), Some(_)) =
        (program, affiliation, catalog.affiliate(conversion.affiliate))
    else {
        return Err(removed());
    };
    Ok(Sale {
        affiliation,
        program,
        catalog,
        at,
        currency: conversion.currency,
    })
}

/// The commissions of a conversion with these numbers.
pub(super) fn views(
    conversion: &Conversion,
    ids: &[CommissionId],
    catalog: &OrgCatalog,
) -> Vec<CommissionView> {
    let named = conversion.commissions.iter().filter(|one| ids.contains(&one.id));
    named
        .filter_map(|one| view::commission(one, Some(conversion.id), catalog))
        .collect()
}

fn added_lines(add: &AddCommissions, sale: &Sale<'_>) -> Result<Vec<Line>, Refusal> {
    let mut lines = Vec::new();
    for line in &add.lines {
        let part = Part {
            sub_amount: in_range("sub_amount", line.sub_amount)?,
            exact: None,
            commission_type: line.commission_type.as_deref(),
            comment: line.comment.as_deref(),
        };
        lines.extend(part_lines(&part, sale)?);
    }
    Ok(lines)
}

/// An amount wins over a sub amount, and both end the commission's following of the sale. The rate stays: a later sub
/// amount is calculated by it again (seed: REST 1.6, `conversion_sub_amount`).
fn change_commission(commission: &mut Commission, edit: &EditCommission) -> Result<(), Refusal> {
    if let Some(sub_amount) = edit.sub_amount {
        commission.sub_amount = in_range("sub_amount", sub_amount)?;
        commission.part = None;
        if let Some(percent) = commission.rate {
            let gross = percentage(commission.sub_amount, percent, commission.currency)?;
            commission.gross = gross.amount();
        }
    }
    if let Some(amount) = edit.amount {
        commission.gross = money(amount, commission.currency)?.amount();
        commission.part = None;
    }
    commission.approved = edit.approved.or(commission.approved);
    commission.comment = edit.comment.clone().or(commission.comment.take());
    Ok(())
}
