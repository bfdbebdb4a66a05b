//! Events on the terminal.

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use common::{
    db::Connection,
    domain::EventId,
    ops::{self, EventDetails, EventSummary, groups::Totals},
};
use serde_json::Value;

use super::event_groups::{cut, thousands};
use crate::{
    print::{json_text, print, print_json, table},
    printable::line,
};

/// Bytes of an undecodable message that are shown as text; `--json` has all of them.
const MAX_ORIGINAL: usize = 2048;

/// A list with the totals of what matches, and how to see what follows when it is full.
pub(super) fn print_list(
    events: &[EventSummary],
    totals: Option<&Totals>,
    limit: u32,
    json: bool,
) -> anyhow::Result<()> {
    if json {
        return print_json(&events);
    }
    if let Some(totals) = totals {
        let (refused, dead) = (thousands(totals.refused), thousands(totals.dead));
        print(format!(
            "{refused} refused, {dead} dead; {} shown, the latest first",
            events.len()
        ))?;
    } else if events.is_empty() {
        return print("no events");
    }
    for event in events {
        print_event(event)?;
    }
    if let Some(last) = events.last()
        && u32::try_from(events.len()).is_ok_and(|shown| shown >= limit)
    {
        print(format!("{limit} shown; earlier ones: --before {}", last.event_id))?;
    }
    Ok(())
}

/// An event in two lines, with its whole id, that fit a terminal of 80 columns.
pub(super) fn print_event(event: &EventSummary) -> anyhow::Result<()> {
    let again = match event.attempt {
        ..=1 => String::new(),
        attempt => format!("  attempt {attempt}"),
    };
    let received = event.received_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    print(format!(
        "{}  {received}  {}{again}",
        event.event_id,
        event.status.name()
    ))?;
    let mut about = format!("  {} {}", printable(event.org.as_deref()), event.kind);
    if let Some(order) = &event.order {
        about.push(' ');
        about.push_str(order);
    }
    for part in event.reason.iter().chain(&event.detail) {
        about.push_str(": ");
        about.push_str(part);
    }
    print(cut(&line(&about)))
}

/// Looks an event up and prints all of it.
pub(super) async fn show(conn: &mut Connection, id: EventId, json: bool) -> anyhow::Result<()> {
    let event = ops::show(conn, id)
        .await?
        .with_context(|| format!("there is no event {id}; one sent a moment ago may still be on its way"))?;
    if json {
        return print_json(&event);
    }
    print_details(&event)
}

fn print_details(event: &EventDetails) -> anyhow::Result<()> {
    let summary = &event.summary;
    let mut rows = table(&[]);
    let mut row = |name: &str, value: String| {
        rows.add_row([name.to_owned(), value]);
    };
    row("event", summary.event_id.to_string());
    row("org", printable(summary.org.as_deref()));
    row("kind", format!("{}, as {}", summary.kind, summary.dialect));
    row("order", printable(summary.order.as_deref()));
    row("status", summary.status.name().to_owned());
    if let (Some(fingerprint), Some(group)) = (&summary.fingerprint, &summary.group) {
        row(
            "failed alike",
            format!("{group}, {}", printable(Some(fingerprint))),
        );
    }
    row("reason", printable(summary.reason.as_deref()));
    row("detail", printable(summary.detail.as_deref()));
    row("received", rfc3339(summary.received_at));
    row("applied", summary.applied_at.map_or_else(absent, rfc3339));
    row("due", summary.due_at.map_or_else(absent, rfc3339));
    row(
        "attempt",
        format!("{}, revision {}", summary.attempt, summary.revision),
    );
    row(
        "signed",
        if event.authenticated { "yes" } else { "no" }.to_owned(),
    );
    row("idempotency key", printable(event.idempotency_key.as_deref()));
    row("request id", printable(event.request_id.as_deref()));
    if let Some(failure) = &event.failure {
        row("failure", format!("{}: {}", failure.code, failure.detail));
        row("fingerprint", failure.fingerprint.clone());
        let (first, last) = (rfc3339(failure.first_at), rfc3339(failure.last_at));
        row(
            "failed",
            format!("{} times, from {first} to {last}", failure.failures),
        );
    }
    for warning in &event.warnings {
        row("warning", warning.clone());
    }
    for action in &event.actions {
        let reason = action.reason.as_deref().map(|reason| format!(" ({reason})"));
        let reason = reason.unwrap_or_default();
        row(
            &action.action,
            format!("{} by {}{reason}", rfc3339(action.at), action.actor),
        );
    }
    print(rows.trim_fmt())?;
    print_document("body", &event.body)?;
    if let Some(outcome) = &event.outcome {
        print_document("outcome", outcome)?;
    }
    match event
        .failure
        .as_ref()
        .and_then(|failure| failure.original.as_deref())
    {
        None => Ok(()),
        Some(bytes) => {
            let shown = bytes.get(..MAX_ORIGINAL).unwrap_or(bytes);
            let shown = String::from_utf8_lossy(shown).escape_debug().to_string();
            print(format!("\nthe bytes as they came ({}):\n{shown}", bytes.len()))
        }
    }
}

fn print_document(name: &str, document: &Value) -> anyhow::Result<()> {
    print(format!("\n{name}:\n{}", json_text(document)?))
}

pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn absent() -> String {
    "-".to_owned()
}

/// Text that callers sent: control characters must not reach the terminal.
pub(super) fn printable(value: Option<&str>) -> String {
    value.map_or_else(absent, |value| line(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable(Some("a\u{1b}[31mb")), "a\u{fffd}[31mb");
        assert_eq!(printable(None), "-");
    }
}
