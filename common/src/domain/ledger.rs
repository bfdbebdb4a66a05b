//! Double entry: every movement of money is a transfer from one account to another, posted by one rule.

use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoEnumIterator as _, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::{AffiliateId, CommissionId, Currency, EventId, OrgId, names::named};

/// The accounts of one affiliate in one currency, in the order in which money comes nearer to the affiliate. `Expense`
/// is the organisation's side.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[schema(as = explain::Account, rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Account {
    Expense,
    Pending,
    Payable,
    Paid,
}

/// What a transfer was for, by the name that people are shown.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TransferCode {
    /// A commission was earned.
    Accrual,
    /// It became payable.
    Approval,
    /// It is earned no more.
    Reversal,
    /// It is pending again.
    ApprovalReversal,
    /// Money has left for the affiliate.
    Payout,
    /// A payment was cancelled.
    PayoutReversal,
}

named! { Account, TransferCode }

impl TransferCode {
    /// As rows hold it: transfers are never changed, so the words of the first version stay there.
    pub fn stored(self) -> &'static str {
        match self {
            Self::Accrual => "accrue",
            Self::Approval => "approve",
            Self::Reversal => "reverse",
            Self::ApprovalReversal => "unapprove",
            Self::Payout => "pay",
            Self::PayoutReversal => "unpay",
        }
    }

    /// The reverse of [`TransferCode::stored`].
    pub fn from_stored(code: &str) -> Option<Self> {
        Self::iter().find(|known| known.stored() == code)
    }
}

/// Where an affiliate's money stands in one currency, or by how much it has moved. The organisation's side is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    pub pending: Decimal,
    pub payable: Decimal,
    pub paid: Decimal,
}

impl Balance {
    /// Moves `amount` from the `debit` to the `credit` account.
    pub fn post(&mut self, debit: Account, credit: Account, amount: Decimal) {
        self.add(credit, amount);
        self.add(debit, -amount);
    }

    fn add(&mut self, account: Account, amount: Decimal) {
        match account {
            Account::Expense => {}
            Account::Pending => self.pending += amount,
            Account::Payable => self.payable += amount,
            Account::Paid => self.paid += amount,
        }
    }

    /// With the decimals of the currency, for people.
    #[must_use]
    pub fn shown(self, currency: Currency) -> Self {
        Self {
            pending: currency.shown(self.pending),
            payable: currency.shown(self.payable),
            paid: currency.shown(self.paid),
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pending,
            payable,
            paid,
        } = self;
        write!(f, "pending {pending}, payable {payable}, paid {paid}")
    }
}

/// Where a commission's money stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommissionBalance {
    pub pending: Decimal,
    pub payable: Decimal,
}

impl CommissionBalance {
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
    pub code: TransferCode,
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
    pub code: TransferCode,
}

/// The movements that bring `from` to `to`, at most two: first between pending and payable, then with the expense.
pub fn movements(from: CommissionBalance, to: CommissionBalance) -> Vec<Movement> {
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
    push(
        Account::Pending,
        Account::Payable,
        approved,
        TransferCode::Approval,
    );
    push(
        Account::Payable,
        Account::Pending,
        unapproved,
        TransferCode::ApprovalReversal,
    );
    let pending = pending + approved - unapproved;
    let payable = payable - approved + unapproved;
    push(Account::Expense, Account::Pending, pending, TransferCode::Accrual);
    push(Account::Expense, Account::Payable, payable, TransferCode::Accrual);
    push(
        Account::Pending,
        Account::Expense,
        -pending,
        TransferCode::Reversal,
    );
    push(
        Account::Payable,
        Account::Expense,
        -payable,
        TransferCode::Reversal,
    );
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(pending: i64, payable: i64) -> CommissionBalance {
        CommissionBalance {
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
            (Expense, Pending, ten, TransferCode::Accrual)
        );
        assert_eq!(
            one(position(0, 0), position(0, 1000)),
            (Expense, Payable, ten, TransferCode::Accrual)
        );
        assert_eq!(
            one(position(1000, 0), position(0, 1000)),
            (Pending, Payable, ten, TransferCode::Approval)
        );
        assert_eq!(
            one(position(0, 1000), position(1000, 0)),
            (Payable, Pending, ten, TransferCode::ApprovalReversal)
        );
        assert_eq!(
            one(position(0, 1000), position(0, 0)),
            (Payable, Expense, ten, TransferCode::Reversal)
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
