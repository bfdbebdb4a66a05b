//! Everything that happened to a conversion after its first event.

use chrono::{DateTime, Utc};

use super::phrases::{event_name, time};
use crate::{
    domain::trace::{Outdated, Trace},
    reads::explain::explanation::{Chapter, Sale, SaleEvent},
};

pub(super) fn afterwards(sale: &Sale) -> Chapter {
    let mut lines = Vec::new();
    if sale.original_amount != sale.amount {
        lines.push(format!(
            "the amount is {} now; {} at first",
            sale.amount, sale.original_amount
        ));
    }
    for refund in &sale.refunds {
        let amount = refund.amount.map_or_else(
            || "all that was left".to_owned(),
            |amount| format!("{amount} {}", sale.currency),
        );
        let id = refund.refund_id.as_deref();
        let id = id.map_or_else(String::new, |id| format!(" ({id:?})"));
        lines.push(format!(
            "{} refunded {amount}{id}, by event {}",
            time(refund.created_at),
            refund.event
        ));
    }
    if sale.refunded > sale.amount {
        lines.push("more was refunded than sold; what exceeds the sale has no effect".to_owned());
    }
    if sale.charged_back {
        lines.push("the bank took the money back: its commissions are nothing".to_owned());
    }
    for event in sale.events.iter().filter(|event| event.event != sale.event) {
        // Refunds have their lines above.
        if !sale.refunds.iter().any(|refund| refund.event == event.event) {
            lines.push(change_line(event, sale.trace.as_ref()));
        }
        lines.extend(event.row.iter().flat_map(|row| row.warnings.0.iter().cloned()));
    }
    Chapter {
        title: format!("What came later to conversion {}", sale.conversion),
        lines,
    }
}

fn change_line(event: &SaleEvent, trace: Option<&Trace>) -> String {
    let at = event
        .received_at
        .map_or_else(String::new, |at| format!("{} ", time(at)));
    let is_sale = event
        .row
        .as_ref()
        .is_some_and(|row| row.kind == "create_conversion");
    let what = if is_sale {
        format!("the signed order took its place (event {})", event.event)
    } else {
        event_name(event)
    };
    let set = if event.set.is_empty() {
        String::new()
    } else {
        let set = event
            .set
            .join(", ")
            .replace("chargeback", "word on the chargeback");
        format!("; its {set} still holds")
    };
    let outdated = trace.iter().flat_map(|trace| &trace.outdated);
    let outdated = outdated.filter(|outdated| outdated.event.0 == event.event);
    let outdated: String = outdated.map(outdated_by).collect();
    format!("{at}{what}{set}{outdated}")
}

/// Why a change of a field did not count.
fn outdated_by(outdated: &Outdated) -> String {
    let Outdated {
        field, at, by, by_at, ..
    } = outdated;
    // Two changes of one second are told apart.
    let moment = |at: &DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S%.f UTC").to_string();
    let (at, by_at) = (moment(at), moment(by_at));
    format!(
        "; its {field} is of {at} and changed nothing, as event {by} had set it at {by_at}, which is later"
    )
}
