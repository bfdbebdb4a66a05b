//! An explanation in sentences, for the person who asks. Pure.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Attempt, Explanation, Sale, SaleCommission, SaleEvent};
use crate::domain::{
    MetaData, Money,
    trace::{Candidate, Cap, Rule, RuleSource, Trace, Verdict},
};

/// Characters of a sale's details in its sentence, at most.
const MAX_DETAILS: usize = 1_000;

/// Sentences about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chapter {
    pub title: String,
    pub lines: Vec<String>,
}

/// In short; then each conversion with its commissions and what came later; then what had no effect.
pub(super) fn story(explanation: &Explanation) -> Vec<Chapter> {
    let mut chapters = vec![Chapter {
        title: format!("Order {:?} of {}, in short", explanation.order, explanation.org),
        lines: in_short(explanation),
    }];
    for sale in &explanation.conversions {
        chapters.push(decision(sale));
        chapters.extend(sale.commissions.iter().map(|one| commission(one, sale)));
        chapters.push(afterwards(sale));
    }
    chapters.extend(explanation.attempts.iter().map(attempt));
    chapters.retain(|chapter| !chapter.lines.is_empty());
    chapters
}

fn in_short(explanation: &Explanation) -> Vec<String> {
    let living = explanation
        .conversions
        .iter()
        .find(|sale| sale.deleted_at.is_none());
    let mut lines = match living {
        Some(sale) if sale.commissions.is_empty() => {
            vec!["it is recorded and brought no commission".to_owned()]
        }
        Some(sale) => sale.commissions.iter().map(gets).collect(),
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

fn gets(commission: &SaleCommission) -> String {
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

fn decision(sale: &Sale) -> Chapter {
    let state = match (sale.deleted_at, sale.superseded_by) {
        (None, _) => String::new(),
        (Some(at), None) => format!(", deleted {}", time(at)),
        (Some(at), Some(by)) => format!(", superseded {} by the signed conversion {by}", time(at)),
    };
    let signed = if sale.signed { "signed" } else { "not signed" };
    let mut lines = vec![format!(
        "sold {}, {signed}, recorded by event {} ({})",
        time(sale.created_at),
        sale.event,
        sale.dialect
    )];
    if let Some(trace) = &sale.trace {
        lines.extend(who(trace));
    } else {
        lines.push(format!(
            "found by {}; how was not recorded: it is older than the version that does",
            sale.attributed_by
        ));
    }
    if let Some(click) = &sale.click {
        let age = (sale.created_at - click.clicked_at).num_days();
        let age = if age < 0 {
            ", and again after the sale".to_owned()
        } else {
            format!(", {age} days before the sale")
        };
        lines.push(format!(
            "click {} by code {:?} of {}{age}",
            click.click,
            click.referral_code,
            time(click.created_at)
        ));
    }
    if let Some(customer) = &sale.customer {
        let id = customer.customer_id.as_deref();
        let id = id.map_or_else(|| customer.customer.to_string(), |id| format!("{id:?}"));
        lines.push(format!(
            "customer {id}, {} now, was brought first by {}",
            customer.status,
            name(customer.affiliate.as_deref())
        ));
    }
    lines.extend(sale.trace.iter().filter_map(|trace| trace.cap.as_ref()).map(cap));
    lines.extend(sale.warnings.clone());
    lines.extend(details(&sale.details));
    if sale.commissions.is_empty() {
        lines.push("no commission".to_owned());
    }
    Chapter {
        title: format!(
            "Conversion {}: {} {} in {}, earned by {}{state}",
            sale.conversion,
            sale.amount,
            sale.currency,
            name(sale.program.as_deref()),
            name(sale.affiliate.as_deref())
        ),
        lines,
    }
}

/// What was sent for reports, in one line; all of it is in the JSON.
fn details(sent: &MetaData) -> Option<String> {
    let named = sent.iter().map(|(name, value)| format!("{name} {value}"));
    let all = named.collect::<Vec<_>>().join(", ");
    let shown: String = all.chars().take(MAX_DETAILS).collect();
    let rest = if shown.len() < all.len() { "…" } else { "" };
    (!all.is_empty()).then(|| format!("also sent: {shown}{rest}"))
}

/// Each thing that was sent, and who keeps the customer.
fn who(trace: &Trace) -> Vec<String> {
    let mut lines: Vec<_> = trace.candidates.iter().map(candidate).collect();
    if let Some(first) = &trace.kept_by {
        lines.push(format!(
            "but {first} keeps the customer: commissions are for life, and {first} came first"
        ));
    }
    lines
}

fn candidate(one: &Candidate) -> String {
    let affiliate = name(one.affiliate.as_deref());
    let led = match one.verdict {
        Verdict::Unknown => "leads to nobody".to_owned(),
        Verdict::Chosen => format!("leads to {affiliate}: chosen"),
        Verdict::NotApproved => format!("leads to {affiliate}, who is not approved in the program"),
        Verdict::OtherProgram => format!("leads to {affiliate} in a program that the key does not see"),
        Verdict::Expired => format!("leads to {affiliate}, but the click is too old"),
    };
    let age = match (one.click_age_days, one.window_days) {
        (Some(age), Some(window)) => format!("; the click was {age} days old, {window} days count"),
        _ => String::new(),
    };
    format!("{} {:?} {led}{age}", one.rank, one.sent)
}

fn cap(cap: &Cap) -> String {
    let mut parts = Vec::new();
    match cap.limit {
        Some(limit) => parts.push(format!("{} of {limit} conversions counted before", cap.counted)),
        None => parts.push(format!("{} conversions counted before", cap.counted)),
    }
    match (cap.days, cap.limit_days) {
        (Some(days), Some(limit)) => {
            parts.push(format!("{days} of {limit} days had passed since the first sale"));
        }
        (None, Some(limit)) => parts.push(format!("the {limit} days begin with this sale")),
        (_, None) => {}
    }
    let reached = if cap.reached {
        "the program's limit was reached"
    } else {
        "within the program's limit"
    };
    format!("{reached}: {}", parts.join(", "))
}

fn commission(one: &SaleCommission, sale: &Sale) -> Chapter {
    let mut lines = vec![calculated(one)];
    if one.amount != one.gross {
        lines.push(format!(
            "after refunds {} of {} {} are left",
            one.amount, one.gross, one.currency
        ));
    }
    lines.push(approval(one, sale));
    if let Some(payment) = &one.payment {
        lines.push(format!(
            "covered by payment {} of {} {}, {}",
            payment.payment,
            payment.amount,
            one.currency,
            time(payment.created_at)
        ));
    }
    lines.extend(one.comment.iter().map(|comment| format!("comment: {comment:?}")));
    for moved in &one.transfers {
        let event = sale.events.iter().find(|event| event.event == moved.event);
        lines.push(format!(
            "{} {} {} {} from {} to {}, by {}",
            time(moved.time),
            moved.code,
            moved.amount,
            one.currency,
            moved.from,
            moved.to,
            event.map_or_else(|| format!("event {}", moved.event), by)
        ));
    }
    Chapter {
        title: format!(
            "Commission {}: {} {} for {} ({}, {})",
            one.commission,
            one.amount,
            one.currency,
            name(one.affiliate.as_deref()),
            one.kind,
            one.commission_name
        ),
        lines,
    }
}

fn calculated(one: &SaleCommission) -> String {
    let Some(rule) = &one.rule else {
        let rate = one.rate.map_or_else(
            || "an amount of its own".to_owned(),
            |rate| format!("{rate} % of {}", one.sub_amount),
        );
        let why = if one.kind == "recurring" {
            "as the commission that it repeats"
        } else {
            "which rule it was is not recorded"
        };
        return format!("{rate}: {} {}; {why}", one.gross, one.currency);
    };
    let rounded = one
        .currency
        .shown(Money::rounded(rule.exact, one.currency).amount());
    let exact = rule.exact.normalize();
    let of = rule.percent.map_or_else(
        || "a fixed amount".to_owned(),
        |percent| {
            format!(
                "{} % of {}",
                percent.normalize(),
                one.part.unwrap_or(one.sub_amount)
            )
        },
    );
    let later = if rounded == one.gross {
        String::new()
    } else {
        format!("; changed later to {}", one.gross)
    };
    format!(
        "{of} by {}, {}: exactly {exact}, rounded {rounded} {}{later}",
        source(rule),
        version(rule),
        one.currency
    )
}

fn source(rule: &Rule) -> String {
    match rule.source {
        RuleSource::Explicit => "what the request said".to_owned(),
        RuleSource::OwnRate => "the affiliate's own rate".to_owned(),
        RuleSource::Group => format!(
            "the override of the affiliate's group in type {:?}",
            rule.commission_type
        ),
        RuleSource::Type => format!("type {:?}", rule.commission_type),
        RuleSource::Level => format!("level {:?}", rule.commission_type),
    }
}

fn version(rule: &Rule) -> String {
    rule.since.map_or_else(
        || "in its first version".to_owned(),
        |since| format!("in its version since {}", time(since)),
    )
}

fn approval(one: &SaleCommission, sale: &Sale) -> String {
    match (one.approved, one.finalised_at) {
        (None, Some(at)) => format!("pending until {}, then approved by itself", time(at)),
        (None, None) if !sale.signed => {
            "pending until a person approves it, as nothing vouches for the order".to_owned()
        }
        (None, None) => "pending until a person approves it".to_owned(),
        (Some(true), _) => "approved".to_owned(),
        (Some(false), _) if sale.deleted_at.is_some() => "taken back with its conversion".to_owned(),
        (Some(false), _) => "disapproved".to_owned(),
    }
}

/// Everything that happened to the conversion after its first event.
fn afterwards(sale: &Sale) -> Chapter {
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
        // Refunds are told above.
        if !sale.refunds.iter().any(|refund| refund.event == event.event) {
            lines.push(later(event));
        }
    }
    Chapter {
        title: format!("What came later to conversion {}", sale.conversion),
        lines,
    }
}

fn later(event: &SaleEvent) -> String {
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
        by(event)
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
    format!("{at}{what}{set}")
}

/// What an event was, as far as its row is kept.
fn by(event: &SaleEvent) -> String {
    let Some(row) = &event.row else {
        return format!("event {}, which is no longer kept", event.event);
    };
    let what = match (row.kind.as_str(), row.due.as_deref()) {
        ("scheduled", Some("hold_ends")) => "the end of its hold",
        ("scheduled", Some("recur")) => "its repetition",
        ("edit_conversion", _) if row.deletes => "its deletion",
        ("chargeback", _) if row.reverses => "the reversal of the chargeback",
        (kind, _) => kind,
    };
    format!("{what} (event {})", event.event)
}

fn attempt(one: &Attempt) -> Chapter {
    let mut lines = vec![format!(
        "received {}, {}",
        time(one.received_at),
        if one.signed { "signed" } else { "not signed" }
    )];
    lines.extend(one.detail.iter().cloned());
    if let Some(trace) = &one.trace {
        lines.extend(who(trace));
    }
    lines.extend(one.first.iter().map(|first| format!("it repeats event {first}")));
    if let Some(due) = one.due_at {
        lines.push(format!("waits for the order until {}", time(due)));
    }
    Chapter {
        title: format!(
            "Event {}, {} as {}, {}",
            one.event,
            one.kind,
            one.dialect,
            what_became(one)
        ),
        lines,
    }
}

fn what_became(one: &Attempt) -> String {
    let reason = one.reason.as_deref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    match one.status.as_str() {
        "refused" => format!("was refused{reason}"),
        "dead" => format!("could not be applied{reason}"),
        "parked" => "waits for its order".to_owned(),
        other => format!("is {other}{reason}"),
    }
}

fn name(slug: Option<&str>) -> &str {
    slug.unwrap_or("somebody who is gone")
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn sent(verdict: Verdict, affiliate: Option<&str>, age: Option<i64>) -> Candidate {
        Candidate {
            rank: "click_id".into(),
            sent: "c1".into(),
            verdict,
            affiliate: affiliate.map(Into::into),
            click_age_days: age,
            window_days: age.map(|_| 45),
        }
    }

    #[test]
    fn every_verdict_has_words() {
        for (one, want) in [
            (sent(Verdict::Unknown, None, None), "leads to nobody"),
            (
                sent(Verdict::Chosen, Some("jane"), Some(3)),
                "leads to jane: chosen; the click was 3 days old, 45 days count",
            ),
            (
                sent(Verdict::NotApproved, Some("jane"), None),
                "leads to jane, who is not approved in the program",
            ),
            (
                sent(Verdict::OtherProgram, Some("jane"), None),
                "leads to jane in a program that the key does not see",
            ),
            (
                sent(Verdict::Expired, Some("jane"), Some(50)),
                "leads to jane, but the click is too old; the click was 50 days old, 45 days count",
            ),
        ] {
            assert_eq!(candidate(&one), format!("click_id \"c1\" {want}"));
        }
        let trace = Trace {
            candidates: vec![sent(Verdict::Chosen, Some("jane"), None)],
            kept_by: Some("peter".into()),
            ..Default::default()
        };
        assert_eq!(
            who(&trace)[1],
            "but peter keeps the customer: commissions are for life, and peter came first"
        );
    }

    #[test]
    fn details_have_one_line() {
        assert_eq!(details(&MetaData::new()), None);
        let sent = |text: String| {
            MetaData::from_iter([("notes".to_owned(), text.into()), ("vip".to_owned(), true.into())])
        };
        assert_eq!(
            details(&sent("two\nlines".to_owned())).unwrap(),
            r#"also sent: notes "two\nlines", vip true"#
        );
        let long = details(&sent("é".repeat(MAX_DETAILS))).unwrap();
        assert!(long.ends_with("éé…"));
        assert_eq!(long.chars().count(), "also sent: ".len() + MAX_DETAILS + 1);
    }

    #[test]
    fn every_source_has_words() {
        let rule = |source, since| Rule {
            source,
            commission_type: "gold".into(),
            since,
            percent: None,
            exact: Decimal::ONE,
        };
        let words = [
            (RuleSource::Explicit, "what the request said"),
            (RuleSource::OwnRate, "the affiliate's own rate"),
            (
                RuleSource::Group,
                "the override of the affiliate's group in type \"gold\"",
            ),
            (RuleSource::Type, "type \"gold\""),
            (RuleSource::Level, "level \"gold\""),
        ];
        for (one, want) in words {
            assert_eq!(source(&rule(one, None)), want);
        }
        assert_eq!(version(&rule(RuleSource::Type, None)), "in its first version");
        assert_eq!(
            version(&rule(RuleSource::Type, DateTime::from_timestamp(0, 0))),
            "in its version since 1970-01-01 00:00:00 UTC"
        );
    }

    #[test]
    fn limits_have_words() {
        let mut one = Cap {
            counted: 3,
            limit: Some(3),
            days: Some(10),
            limit_days: Some(365),
            reached: true,
        };
        assert_eq!(
            cap(&one),
            "the program's limit was reached: 3 of 3 conversions counted before, 10 of 365 days had passed since the first sale"
        );
        one = Cap {
            counted: 0,
            limit: None,
            days: None,
            limit_days: Some(30),
            reached: false,
        };
        assert_eq!(
            cap(&one),
            "within the program's limit: 0 conversions counted before, the 30 days begin with this sale"
        );
    }
}
