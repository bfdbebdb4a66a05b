//! `commissary ledger statement`: where an affiliate's money comes from, line by line.

use anyhow::{anyhow, bail};
use chrono::NaiveDate;
use common::{
    db,
    domain::{Currency, ledger::Balance},
    reads::statement::{self, CurrencyAccount, Query, Statement},
    runtime::DbArgs,
};

use super::spreadsheet;
use crate::{
    commands::event_output::{printable, rfc3339},
    print::{print, print_json, table},
};

pub(super) const HELP: &str = "\
A statement is read from one snapshot of the database. For each currency it has the opening balance, one line per transfer
in the order of time, and the closing balance. Without --to the closing balance must equal the stored one; if it does not,
the statement is printed, an error says both, and the exit code is 1.

Money comes nearer to the affiliate from expense (the organisation) to pending, payable and paid: an amount is above zero
when it moves in this direction and below when it moves back. Amounts have the decimals of their currency. What a transfer
was for is told as far as its event and its order are still there; events are kept for 30 days, refunds, payments, deletions
and the last update and chargeback of an order for ever.

--format csv prints these columns, and new ones only after them:
  row         opening, transfer or closing
  time        of a transfer (RFC 3339, UTC); the first and last day of the period for opening and closing, if given
  what        in words
  amount, currency
  code        accrual, approval, reversal, approval_reversal, payout or payout_reversal
  from, to    accounts: expense, pending, payable, paid
  order       external id
  commission  number
  program     slug
  pending, payable, paid   the balance after it
  transfer    number
  event       for `commissary events show`
Texts that start with = + - @, a tab or a carriage return get a leading ' so that no spreadsheet takes them for a formula.

--format json prints {org, affiliate, name, from, to, currencies}; each currency has currency, opening, transfers, closing,
stored and agrees; a transfer has transfer, time, what, amount, code, from, to, order, commission, program, event and
balance. Balances have pending, payable and paid. All money is text, such as \"-3.00\". agrees is null where --to is given.

Examples:
  $ commissary ledger statement janejameson --from 2026-11-01 --to 2026-11-30
  $ commissary ledger statement janejameson --org demo --currency USD --format csv
  row,time,what,amount,currency,code,from,to,order,commission,program,pending,payable,paid,transfer,event
  opening,,opening balance,,USD,,,,,,,0.00,0.00,0.00,,
  transfer,2026-11-20T08:30:00.000Z,\"commission 12 of order ORD005 accrued, pending\",10.00,USD,accrual,expense,pending,ORD005,12,\
johns-affiliate-program,10.00,0.00,0.00,34,019a9f8c-0c40-7000-8000-000000000001
  closing,,closing balance,,USD,,,,,,,10.00,0.00,0.00,,
  $ commissary ledger statement janejameson --format json | jq '.currencies[].closing'";

/// Columns of the table with numbers: amount, pending, payable, paid.
const NUMERIC_COLUMNS: [usize; 4] = [2, 6, 7, 8];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    db: DbArgs,
    /// The affiliate, by its slug.
    #[arg(value_name = "AFFILIATE")]
    affiliate: String,
    /// Its organisation, by its slug; needed only where several have an affiliate of this name.
    #[arg(long, value_name = "SLUG")]
    org: Option<String>,
    /// Only this currency, such as USD.
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The first day, in UTC, such as 2026-11-01; otherwise from the beginning.
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<NaiveDate>,
    /// The last day, in UTC, inclusive; otherwise until now.
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<NaiveDate>,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For spreadsheets.
    Csv,
    /// For programs.
    Json,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    // A year of four digits: Postgres knows no other that chrono would take.
    let is_plain = text.len() == "2026-11-20".len() && text.starts_with(|c: char| c.is_ascii_digit());
    let day = text.parse().ok().filter(|_| is_plain);
    day.ok_or_else(|| "not a day such as 2026-11-20".to_owned())
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let currency = args.currency.as_deref().map(str::parse::<Currency>);
    let query = Query {
        affiliate: &args.affiliate,
        org: args.org.as_deref(),
        currency: currency
            .transpose()
            .map_err(|error| anyhow!("currency: {error}"))?,
        from: args.from,
        to: args.to,
    };
    let pool = db::connect(&args.db.database_url, 1, "commissary ledger").await?;
    let statement = statement::run(&pool, &query).await?;
    match args.format {
        Format::Table => print_tables(&statement)?,
        Format::Csv => print(spreadsheet::csv(&statement)?)?,
        Format::Json => print_json(&statement)?,
    }
    let wrong = statement.contradictions();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "THE BOOKS ARE WRONG: {}; run `commissary ledger check`",
        wrong.join("; ")
    )
}

fn print_tables(statement: &Statement) -> anyhow::Result<()> {
    let from = statement
        .from
        .map_or_else(|| "the beginning".to_owned(), |day| day.to_string());
    let to = statement
        .to
        .map_or_else(|| "now".to_owned(), |day| day.to_string());
    print(format!(
        "{} ({}) in {}, from {from} to {to}, days in UTC",
        printable(Some(&statement.name)),
        statement.affiliate,
        statement.org
    ))?;
    if statement.currencies.is_empty() {
        return print("no money has ever moved");
    }
    statement.currencies.iter().try_for_each(print_table)
}

fn print_table(account: &CurrencyAccount) -> anyhow::Result<()> {
    let mut rows = table(&[
        "time", "what", "amount", "code", "order", "program", "pending", "payable", "paid",
    ]);
    for column in NUMERIC_COLUMNS {
        rows.align_right(column);
    }
    let bare = |what: &str, balance: Balance| {
        let Balance {
            pending,
            payable,
            paid,
        } = balance;
        let cell = String::new;
        let [pending, payable, paid] = [pending, payable, paid].map(|amount| amount.to_string());
        let what = what.to_owned();
        [
            cell(),
            what,
            cell(),
            cell(),
            cell(),
            cell(),
            pending,
            payable,
            paid,
        ]
    };
    rows.add_row(bare("opening balance", account.opening));
    for entry in &account.transfers {
        let mut cells = bare(&printable(Some(&entry.what)), entry.balance);
        let [at, _, amount, code, order, program, ..] = &mut cells;
        *at = rfc3339(entry.time);
        *amount = entry.amount.to_string();
        entry.code.name().clone_into(code);
        *order = printable(entry.order.as_deref());
        *program = printable(entry.program.as_deref());
        rows.add_row(cells);
    }
    rows.add_row(bare("closing balance", account.closing));
    print(format!("\n{}\n{}", account.currency, rows.trim_fmt()))?;
    match (account.agrees, account.stored) {
        (Some(false), Some(stored)) => print(format!("THIS IS WRONG: the stored balance is {stored}")),
        (Some(false), None) => print("THIS IS WRONG: there is no stored balance"),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod examples {
    use chrono::DateTime;
    use common::{domain::ledger::TransferCode, reads::statement::Entry};
    use rust_decimal::Decimal;

    use super::*;

    /// One transfer, with the order id of an attacker.
    pub(in crate::commands::ledger) fn statement() -> Statement {
        let balance = |cents| Balance {
            pending: Decimal::new(cents, 2),
            payable: Decimal::new(0, 2),
            paid: Decimal::new(0, 2),
        };
        let entry = Entry {
            transfer: 34,
            time: DateTime::from_timestamp(1_795_176_000, 0).unwrap(),
            what: "commission 12 of order =1+1 reversed: refund of 30.00".into(),
            amount: Decimal::new(-300, 2),
            code: TransferCode::Reversal,
            from: "pending",
            to: "expense",
            order: Some("=1+1".into()),
            commission: Some(12),
            program: Some("partner-program".into()),
            event: uuid::Uuid::nil(),
            balance: balance(700),
        };
        Statement {
            org: "demo".into(),
            affiliate: "jane".into(),
            name: "Jane".into(),
            from: Some(day("2026-11-01").unwrap()),
            to: None,
            currencies: vec![CurrencyAccount {
                currency: "USD".parse().unwrap(),
                opening: balance(1000),
                transfers: vec![entry],
                closing: balance(700),
                stored: Some(balance(700)),
                agrees: Some(true),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{examples::statement, *};

    #[test]
    fn json_has_money_as_text() {
        let json = serde_json::to_value(statement()).unwrap();
        assert_eq!(json["currencies"][0]["transfers"][0]["amount"], "-3.00");
        assert_eq!(json["currencies"][0]["opening"]["pending"], "10.00");
        assert_eq!(json["from"], "2026-11-01");
        assert_eq!(json["to"], serde_json::Value::Null);
    }

    #[test]
    fn days_are_plain() {
        assert_eq!(day("2026-11-20").unwrap().to_string(), "2026-11-20");
        for text in [
            "2026-11-31",
            "20.11.2026",
            "2026-11-20T00:00:00Z",
            "+12026-1-01",
            "today",
        ] {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
