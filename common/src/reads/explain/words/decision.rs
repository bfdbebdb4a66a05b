//! How a conversion was decided: when it was sold, how it came, and what it was attributed by.

use super::{
    attribution::attribution,
    phrases::{name, time},
};
use crate::{
    domain::{MetaData, trace},
    reads::explain::explanation::{Chapter, Sale},
};

/// Characters of a sale's details in its sentence, at most.
const MAX_DETAILS: usize = 1_000;

pub(super) fn decision(sale: &Sale) -> Chapter {
    let state = match (sale.deleted_at, sale.superseded_by) {
        (None, _) => String::new(),
        (Some(at), None) => format!(", deleted {}", time(at)),
        (Some(at), Some(by)) => format!(", superseded {} by the signed conversion {by}", time(at)),
    };
    let signed = if sale.authenticated {
        "signed"
    } else {
        "not signed"
    };
    let mut lines = vec![format!(
        "sold {}, {signed}, recorded by event {} ({})",
        time(sale.created_at),
        sale.event,
        sale.dialect
    )];
    if let Some(trace) = &sale.trace {
        lines.extend(attribution(trace));
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
        let (own, here) = if customer.program == sale.program {
            (String::new(), String::new())
        } else {
            let own = customer.program.as_deref();
            (
                own.map_or_else(|| " in another program".to_owned(), |own| format!(" in {own}")),
                format!(" to {}", name(sale.program.as_deref())),
            )
        };
        lines.push(format!(
            "customer {id}, {} now{own}, was brought first{here} by {}",
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

fn cap(cap: &trace::Cap) -> String {
    let mut parts = Vec::new();
    match cap.limit {
        Some(limit) => parts.push(format!(
            "{} of {limit} conversions counted before",
            cap.counted_before
        )),
        None => parts.push(format!("{} conversions counted before", cap.counted_before)),
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn limits_have_words() {
        let mut cap_of_sale = trace::Cap {
            counted_before: 3,
            limit: Some(3),
            days: Some(10),
            limit_days: Some(365),
            reached: true,
        };
        assert_eq!(
            cap(&cap_of_sale),
            "the program's limit was reached: 3 of 3 conversions counted before, 10 of 365 days had passed since the first sale"
        );
        cap_of_sale = trace::Cap {
            counted_before: 0,
            limit: None,
            days: None,
            limit_days: Some(30),
            reached: false,
        };
        assert_eq!(
            cap(&cap_of_sale),
            "within the program's limit: 0 conversions counted before, the 30 days begin with this sale"
        );
    }
}
