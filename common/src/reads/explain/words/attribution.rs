//! Where each thing that was sent led, and who keeps the customer.

use super::phrases::name;
use crate::domain::trace;

/// Each thing that was sent, and who keeps the customer.
pub(super) fn attribution(trace: &trace::Trace) -> Vec<String> {
    let mut lines: Vec<_> = trace.candidates.iter().map(candidate).collect();
    if let Some(first) = &trace.kept_by {
        lines.push(format!(
            "but {first} keeps the customer: commissions are for life, and {first} came first"
        ));
    }
    lines
}

fn candidate(candidate: &trace::Candidate) -> String {
    let affiliate = name(candidate.affiliate.as_deref());
    let led = match candidate.verdict {
        trace::Verdict::Unknown => "leads to nobody".to_owned(),
        trace::Verdict::Chosen => format!("leads to {affiliate}: chosen"),
        trace::Verdict::NotApproved => format!("leads to {affiliate}, who is not approved in the program"),
        trace::Verdict::ProgramRetired => format!("leads to {affiliate}, but in a program that is retired"),
        trace::Verdict::OtherProgram => {
            format!("leads to {affiliate} in a program that the key does not see")
        }
        trace::Verdict::Expired => format!("leads to {affiliate}, but the click is too old"),
        trace::Verdict::AfterSale => {
            format!("leads to {affiliate}, but the click came over an hour after the sale")
        }
    };
    let age = match (candidate.click_age_days, candidate.window_days) {
        _ if candidate.verdict == trace::Verdict::AfterSale => String::new(),
        (Some(age), Some(window)) => format!("; the click was {age} days old, {window} days count"),
        _ => String::new(),
    };
    format!("{} {:?} {led}{age}", candidate.method, candidate.sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(verdict: trace::Verdict, affiliate: Option<&str>, age: Option<i64>) -> trace::Candidate {
        trace::Candidate {
            method: "click_id".into(),
            sent: "c1".into(),
            verdict,
            affiliate: affiliate.map(Into::into),
            click_age_days: age,
            window_days: age.map(|_| 45),
        }
    }

    #[test]
    fn every_verdict_has_words() {
        for (sent, want) in [
            (sent(trace::Verdict::Unknown, None, None), "leads to nobody"),
            (
                sent(trace::Verdict::Chosen, Some("jane"), Some(3)),
                "leads to jane: chosen; the click was 3 days old, 45 days count",
            ),
            (
                sent(trace::Verdict::NotApproved, Some("jane"), None),
                "leads to jane, who is not approved in the program",
            ),
            (
                sent(trace::Verdict::ProgramRetired, Some("jane"), None),
                "leads to jane, but in a program that is retired",
            ),
            (
                sent(trace::Verdict::OtherProgram, Some("jane"), None),
                "leads to jane in a program that the key does not see",
            ),
            (
                sent(trace::Verdict::Expired, Some("jane"), Some(50)),
                "leads to jane, but the click is too old; the click was 50 days old, 45 days count",
            ),
            (
                sent(trace::Verdict::AfterSale, Some("jane"), Some(0)),
                "leads to jane, but the click came over an hour after the sale",
            ),
        ] {
            assert_eq!(candidate(&sent), format!("click_id \"c1\" {want}"));
        }
        let trace = trace::Trace {
            candidates: vec![sent(trace::Verdict::Chosen, Some("jane"), None)],
            kept_by: Some("peter".into()),
            ..Default::default()
        };
        assert_eq!(
            attribution(&trace)[1],
            "but peter keeps the customer: commissions are for life, and peter came first"
        );
    }
}
