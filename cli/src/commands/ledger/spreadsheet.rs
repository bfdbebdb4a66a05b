//! A statement as comma-separated values. Text that callers sent must not become a formula in a spreadsheet (CVE-2021-41270).

use std::borrow::Cow;

use anyhow::Context as _;
use chrono::NaiveDate;
use common::{
    domain::ledger::Balance,
    reads::statement::{Entry, Statement},
};

use crate::commands::event_output::rfc3339;

/// The first line. New columns come after these.
const COLUMNS: [&str; 16] = [
    "row",
    "time",
    "what",
    "amount",
    "currency",
    "code",
    "from",
    "to",
    "order",
    "commission",
    "program",
    "pending",
    "payable",
    "paid",
    "transfer",
    "event",
];
/// A spreadsheet takes a cell that starts with one of these for a formula, or strips it and looks at the next.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

type Row<'a> = [Cow<'a, str>; COLUMNS.len()];

/// The whole statement, without the last line's end.
///
/// # Errors
/// When memory runs out: nothing else can fail.
pub(super) fn csv(statement: &Statement) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: Row<'_>| writer.write_record(row.iter().map(|cell| cell.as_bytes()));
    write(COLUMNS.map(Cow::from))?;
    for account in &statement.currencies {
        let currency = account.currency.code();
        write(balance_row("opening", statement.from, currency, account.opening))?;
        for entry in &account.transfers {
            write(transfer_row(entry, currency))?;
        }
        write(balance_row("closing", statement.to, currency, account.closing))?;
    }
    let bytes = writer.into_inner().context("writing CSV")?;
    let mut text = String::from_utf8(bytes)?;
    text.truncate(text.trim_end_matches('\n').len());
    Ok(text)
}

fn balance_row<'a>(row: &'a str, day: Option<NaiveDate>, currency: &'a str, balance: Balance) -> Row<'a> {
    let [pending, payable, paid] = amounts(balance);
    [
        row.into(),
        day.map_or_else(String::new, |day| day.to_string()).into(),
        format!("{row} balance").into(),
        "".into(),
        currency.into(),
        "".into(),
        "".into(),
        "".into(),
        "".into(),
        "".into(),
        "".into(),
        pending,
        payable,
        paid,
        "".into(),
        "".into(),
    ]
}

fn transfer_row<'a>(entry: &'a Entry, currency: &'a str) -> Row<'a> {
    let [pending, payable, paid] = amounts(entry.balance);
    [
        "transfer".into(),
        rfc3339(entry.time).into(),
        harmless(&entry.what),
        entry.amount.to_string().into(),
        currency.into(),
        entry.code.name().into(),
        entry.from.into(),
        entry.to.into(),
        harmless(entry.order.as_deref().unwrap_or_default()),
        entry
            .commission
            .map_or_else(String::new, |number| number.to_string())
            .into(),
        harmless(entry.program.as_deref().unwrap_or_default()),
        pending,
        payable,
        paid,
        entry.transfer.to_string().into(),
        entry.event.to_string().into(),
    ]
}

fn amounts(balance: Balance) -> [Cow<'static, str>; 3] {
    [balance.pending, balance.payable, balance.paid].map(|amount| amount.to_string().into())
}

/// A text that starts like a formula gets a leading `'`. Numbers of ours may start with their sign.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::statement::{HELP, examples::statement};
    use super::*;

    #[test]
    fn the_columns_are_the_documented_ones() {
        let text = csv(&statement()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let header = COLUMNS.join(",");
        assert_eq!(
            lines,
            [
                header.as_str(),
                "opening,2026-11-01,opening balance,,USD,,,,,,,10.00,0.00,0.00,,",
                "transfer,2026-11-20T12:00:00.000Z,commission 12 of order =1+1 reversed: refund of 30.00,-3.00,USD,reversal,\
                 pending,expense,'=1+1,12,partner-program,7.00,0.00,0.00,34,00000000-0000-0000-0000-000000000000",
                "closing,,closing balance,,USD,,,,,,,7.00,0.00,0.00,,",
            ]
        );
        assert!(
            lines
                .iter()
                .all(|line| line.matches(',').count() == header.matches(',').count())
        );
        assert!(HELP.contains(&header), "the example in --help");
    }

    #[test]
    fn cells_are_quoted_and_formulas_are_not_run() {
        for (order, want) in [
            ("ORD005", "ORD005"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\r=1", "\"'\r=1\""),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("a=1", "a=1"),
        ] {
            let mut statement = statement();
            statement.currencies[0].transfers[0].order = Some(order.to_owned());
            let text = csv(&statement).unwrap();
            let cell = format!(",pending,expense,{want},12,partner-program,");
            assert!(text.contains(&cell), "{order:?}: {text}");
        }
    }
}
