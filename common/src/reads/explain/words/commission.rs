//! A commission: how it was calculated, whether it is approved and paid, and each movement of its money.

use super::phrases::{event_name, name, time};
use crate::{
    domain::{Money, trace},
    reads::explain::explanation::{Chapter, Sale, SaleCommission},
};

pub(super) fn commission_chapter(commission: &SaleCommission, sale: &Sale) -> Chapter {
    let mut lines = vec![calculated(commission)];
    if commission.amount != commission.gross {
        lines.push(format!(
            "after refunds {} of {} {} are left",
            commission.amount, commission.gross, commission.currency
        ));
    }
    lines.push(approval(commission, sale));
    if let Some(payment) = &commission.payment {
        lines.push(format!(
            "covered by payment {} of {} {}, {}",
            payment.payment,
            payment.amount,
            commission.currency,
            time(payment.created_at)
        ));
    }
    lines.extend(
        commission
            .comment
            .iter()
            .map(|comment| format!("comment: {comment:?}")),
    );
    for moved in &commission.transfers {
        let event = sale.events.iter().find(|event| event.event == moved.event);
        lines.push(format!(
            "{} {} {} {} from {} to {}, by {}",
            time(moved.time),
            moved.code.name(),
            moved.amount,
            commission.currency,
            moved.from,
            moved.to,
            event.map_or_else(|| format!("event {}", moved.event), event_name)
        ));
    }
    Chapter {
        title: format!(
            "Commission {}: {} {} for {} ({}, {})",
            commission.commission,
            commission.amount,
            commission.currency,
            name(commission.affiliate.as_deref()),
            commission.kind,
            commission.commission_name
        ),
        lines,
    }
}

fn calculated(commission: &SaleCommission) -> String {
    let Some(rule) = &commission.rule else {
        let rate = commission.rate.map_or_else(
            || "an amount of its own".to_owned(),
            |rate| format!("{rate} % of {}", commission.sub_amount),
        );
        let why = if commission.kind == "recurring" {
            "as the commission that it repeats"
        } else {
            "which rule it was is not recorded"
        };
        return format!("{rate}: {} {}; {why}", commission.gross, commission.currency);
    };
    let rounded = commission
        .currency
        .shown(Money::rounded(rule.exact, commission.currency).amount());
    let exact = rule.exact.normalize();
    let of = rule.percent.map_or_else(
        || "a fixed amount".to_owned(),
        |percent| {
            format!(
                "{} % of {}",
                percent.normalize(),
                commission.share.unwrap_or(commission.sub_amount)
            )
        },
    );
    let later = if rounded == commission.gross {
        String::new()
    } else {
        format!("; changed later to {}", commission.gross)
    };
    format!(
        "{of} by {}, {}: exactly {exact}, rounded {rounded} {}{later}",
        source(rule),
        version(rule),
        commission.currency
    )
}

fn source(rule: &trace::Rule) -> String {
    match rule.source {
        trace::RuleSource::Explicit => "what the request said".to_owned(),
        trace::RuleSource::OwnRate => "the affiliate's own rate".to_owned(),
        trace::RuleSource::Group => format!(
            "the override of the affiliate's group in type {:?}",
            rule.commission_type
        ),
        trace::RuleSource::Type => format!("type {:?}", rule.commission_type),
        trace::RuleSource::Level => format!("level {:?}", rule.commission_type),
    }
}

fn version(rule: &trace::Rule) -> String {
    rule.since.map_or_else(
        || "in its first version".to_owned(),
        |since| format!("in its version since {}", time(since)),
    )
}

fn approval(commission: &SaleCommission, sale: &Sale) -> String {
    match (commission.approved, commission.finalised_at) {
        (None, Some(at)) => format!("pending until {}, then approved by itself", time(at)),
        (None, None) if !sale.authenticated => {
            "pending until a person approves it, as nothing vouches for the order".to_owned()
        }
        (None, None) => "pending until a person approves it".to_owned(),
        (Some(true), _) => "approved".to_owned(),
        (Some(false), _) if sale.deleted_at.is_some() => "taken back with its conversion".to_owned(),
        (Some(false), _) => "disapproved".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn every_source_has_words() {
        let rule = |source, since| trace::Rule {
            source,
            commission_type: "gold".into(),
            since,
            percent: None,
            exact: Decimal::ONE,
            currency: None,
        };
        let words = [
            (trace::RuleSource::Explicit, "what the request said"),
            (trace::RuleSource::OwnRate, "the affiliate's own rate"),
            (
                trace::RuleSource::Group,
                "the override of the affiliate's group in type \"gold\"",
            ),
            (trace::RuleSource::Type, "type \"gold\""),
            (trace::RuleSource::Level, "level \"gold\""),
        ];
        for (of, want) in words {
            assert_eq!(source(&rule(of, None)), want);
        }
        assert_eq!(
            version(&rule(trace::RuleSource::Type, None)),
            "in its first version"
        );
        assert_eq!(
            version(&rule(trace::RuleSource::Type, DateTime::from_timestamp(0, 0))),
            "in its version since 1970-01-01 00:00:00 UTC"
        );
    }
}
