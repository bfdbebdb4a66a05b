//! Double entry: every movement of money is a transfer from one account to another, posted by one rule.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{AffiliateId, CommissionId, Currency, EventId, OrgId};

/// The accounts of one affiliate in one currency, in the order in which money comes nearer to the affiliate. `Expense`
/// is the organisation's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    Expense,
    Pending,
    Payable,
    Paid,
}

impl Account {
    pub const ALL: [Self; 4] = [Self::Expense, Self::Pending, Self::Payable, Self::Paid];

    /// The reverse of [`Account::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Expense => "expense",
            Self::Pending => "pending",
            Self::Payable => "payable",
            Self::Paid => "paid",
        }
    }
}

/// Where a commission's money stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub pending: Decimal,
    pub payable: Decimal,
}

impl Position {
    /// Where the money belongs: pending until approved, payable then, nowhere when disapproved.
    pub fn target(amount: Decimal, approved: Option<bool>) -> Self {
        match approved {
            None => Self {
                pending: amount,
                payable: Decimal::ZERO,
            },
            Some(true) => Self {
                pending: Decimal::ZERO,
                payable: amount,
            },
            Some(false) => Self::default(),
        }
    }
}

/// One row of the ledger. Append-only.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub org: OrgId,
    pub affiliate: AffiliateId,
    pub debit: Account,
    pub credit: Account,
    /// Above zero.
    pub amount: Decimal,
    pub currency: Currency,
    /// What it was for: `accrue`, `approve`, `reverse`, `unapprove`, `pay`, `unpay`.
    pub code: &'static str,
    /// `None`: a payment, which is for an affiliate.
    pub commission: Option<CommissionId>,
    pub event: EventId,
    pub recorded_at: DateTime<Utc>,
}

/// A movement between two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    pub debit: Account,
    pub credit: Account,
    pub amount: Decimal,
    pub code: &'static str,
}

/// The movements that bring `from` to `to`, at most two: first between pending and payable, then with the expense.
pub fn movements(from: Position, to: Position) -> Vec<Movement> {
    let mut moved = Vec::new();
    let mut push = |debit, credit, amount: Decimal, code| {
        if amount > Decimal::ZERO {
            moved.push(Movement {
                debit,
                credit,
                amount,
                code,
            });
        }
    };
    let (pending, payable) = (to.pending - from.pending, to.payable - from.payable);
    let approved = payable.min(-pending).max(Decimal::ZERO);
    let unapproved = pending.min(-payable).max(Decimal::ZERO);
    push(Account::Pending, Account::Payable, approved, "approve");
    push(Account::Payable, Account::Pending, unapproved, "unapprove");
    let pending = pending + approved - unapproved;
    let payable = payable - approved + unapproved;
    push(Account::Expense, Account::Pending, pending, "accrue");
    push(Account::Expense, Account::Payable, payable, "accrue");
    push(Account::Pending, Account::Expense, -pending, "reverse");
    push(Account::Payable, Account::Expense, -payable, "reverse");
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(pending: i64, payable: i64) -> Position {
        Position {
            pending: Decimal::new(pending, 2),
            payable: Decimal::new(payable, 2),
        }
    }

    #[test]
    fn the_usual_changes_are_one_transfer_each() {
        use Account::{Expense, Payable, Pending};
        let one = |from, to| {
            let all = movements(from, to);
            assert_eq!(all.len(), 1, "{all:?}");
            let first = all[0];
            (first.debit, first.credit, first.amount, first.code)
        };
        let ten = Decimal::new(1000, 2);
        assert_eq!(
            one(position(0, 0), position(1000, 0)),
            (Expense, Pending, ten, "accrue")
        );
        assert_eq!(
            one(position(0, 0), position(0, 1000)),
            (Expense, Payable, ten, "accrue")
        );
        assert_eq!(
            one(position(1000, 0), position(0, 1000)),
            (Pending, Payable, ten, "approve")
        );
        assert_eq!(
            one(position(0, 1000), position(1000, 0)),
            (Payable, Pending, ten, "unapprove")
        );
        assert_eq!(
            one(position(0, 1000), position(0, 0)),
            (Payable, Expense, ten, "reverse")
        );
        assert!(movements(position(5, 0), position(5, 0)).is_empty());
    }

    proptest! {
        #[test]
        fn movements_lead_exactly_from_one_position_to_the_other(
            a in -500i64..500, b in -500i64..500, c in -500i64..500, d in -500i64..500,
        ) {
            let (from, to) = (position(a, b), position(c, d));
            let mut at = from;
            let all = movements(from, to);
            prop_assert!(all.len() <= 2);
            for m in all {
                prop_assert!(m.amount > Decimal::ZERO && m.debit != m.credit);
                for (account, amount) in [(m.credit, m.amount), (m.debit, -m.amount)] {
                    match account {
                        Account::Pending => at.pending += amount,
                        Account::Payable => at.payable += amount,
                        Account::Expense | Account::Paid => {}
                    }
                }
            }
            prop_assert_eq!(at, to);
        }
    }
}
