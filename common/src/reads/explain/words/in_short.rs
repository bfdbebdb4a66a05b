//! The answer in short: who gets what of the order, and where it stands.

use super::{attempt::what_became, phrases::name};
use crate::reads::explain::explanation::{Explanation, SaleCommission};

pub(super) fn in_short(explanation: &Explanation) -> Vec<String> {
    let living = explanation
        .conversions
        .iter()
        .find(|sale| sale.deleted_at.is_none());
    let mut lines = match living {
        Some(sale) if sale.commissions.is_empty() => {
            vec!["it is recorded and brought no commission".to_owned()]
        }
        Some(sale) => sale.commissions.iter().map(commission_line).collect(),
        None if explanation.conversions.is_empty() => {
            vec!["it is not recorded and paid nothing: no attempt had an effect".to_owned()]
        }
        None => vec!["it pays nothing: its conversion was taken back".to_owned()],
    };
    if let (None, Some(last)) = (living, explanation.attempts.last()) {
        lines.push(format!("the last attempt {}", what_became(last)));
    }
    if explanation.is_cut {
        lines.push("there is more than is shown here".to_owned());
    }
    lines
}

fn commission_line(commission: &SaleCommission) -> String {
    let state = match commission.approved {
        None => "pending",
        Some(true) => "approved",
        Some(false) => "disapproved, so nothing of it",
    };
    let paid = match &commission.payment {
        Some(payment) => format!(", covered by payment {}", payment.payment),
        None if commission.approved == Some(true) => ", not paid yet".to_owned(),
        None => String::new(),
    };
    format!(
        "{} gets {} {} ({} commission {}): {state}{paid}",
        name(commission.affiliate.as_deref()),
        commission.amount,
        commission.currency,
        commission.kind,
        commission.commission
    )
}
