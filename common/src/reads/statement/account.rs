//! The running account of one currency. Pure: what the rows say is added up here, independently of the stored balance.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::{
    Currency,
    ledger::{Account, Balance, TransferCode},
};

/// One movement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The transfer's number.
    pub transfer: i64,
    pub time: DateTime<Utc>,
    /// What happened, in words.
    pub what: String,
    /// Above zero when money came nearer to the affiliate (expense, pending, payable, paid), below when it went back.
    pub amount: Decimal,
    pub code: TransferCode,
    pub from: &'static str,
    pub to: &'static str,
    /// The order's external id.
    pub order: Option<String>,
    pub commission: Option<i64>,
    /// The program's slug.
    pub program: Option<String>,
    /// The event that caused it; its row may be gone.
    pub event: Uuid,
    /// After the movement.
    pub balance: Balance,
}

/// The statement in one currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurrencyAccount {
    pub currency: Currency,
    /// At the start of the period.
    pub opening: Balance,
    pub transfers: Vec<Entry>,
    pub closing: Balance,
    /// The balance as it is stored now. `None`: there is no row.
    pub stored: Option<Balance>,
    /// Whether `closing` equals `stored`. `None`: the period ends before now, so it need not.
    pub agrees: Option<bool>,
}

impl CurrencyAccount {
    pub(super) fn new(currency: Currency, opening: Balance, stored: Option<Balance>) -> Self {
        let opening = opening.shown(currency);
        Self {
            currency,
            opening,
            transfers: Vec::new(),
            closing: opening,
            stored: stored.map(|stored| stored.shown(currency)),
            agrees: None,
        }
    }

    /// Adds the next movement of `amount`, which is above zero; the entry's own amount and balance are set here.
    pub(super) fn push(&mut self, debit: Account, credit: Account, amount: Decimal, mut entry: Entry) {
        self.closing.post(debit, credit, amount);
        self.closing = self.closing.shown(self.currency);
        let signed = if credit > debit { amount } else { -amount };
        entry.amount = self.currency.shown(signed);
        entry.balance = self.closing;
        self.transfers.push(entry);
    }

    /// Compares with the stored balance, where the period is open. No row is as good as zero.
    pub(super) fn closed(mut self, is_open: bool) -> Self {
        self.agrees = is_open.then(|| self.closing == self.stored.unwrap_or_default());
        self
    }
}
