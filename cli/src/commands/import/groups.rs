//! What could not be imported by reason, however many records there are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use serde_json::{Value, json};

use super::words::{THERE, WARNING};
use crate::print::print;

/// Reasons that are told apart; beyond it they count together.
const MAX_GROUPS: usize = 100;
/// Details of one reason that are told apart.
const MAX_DETAILS: usize = 1_000;
/// Details of one reason that are printed, and places of its records that are told.
const SHOWN: usize = 5;
const OTHERS: &str = "other reasons";

#[derive(Debug, Default)]
pub(super) struct Groups {
    /// By status, and by the reason without its numbers.
    groups: BTreeMap<(String, String), Group>,
}

#[derive(Debug)]
struct Group {
    count: u64,
    /// The first record's.
    reason: String,
    place: u64,
    /// Where the first records stand, each once.
    first: Vec<u64>,
    details: HashMap<String, u64>,
}

impl Groups {
    /// Adds a record, which stands at `place`.
    pub(super) fn add(&mut self, status: &str, reason: &str, detail: Option<&str>, place: u64) {
        let mut key = (status.to_owned(), without_numbers(reason));
        let is_new = !self.groups.contains_key(&key);
        let reason = if is_new && self.groups.len() >= MAX_GROUPS {
            OTHERS.clone_into(&mut key.1);
            OTHERS
        } else {
            reason
        };
        let group = self.groups.entry(key).or_insert_with(|| Group {
            count: 0,
            reason: reason.to_owned(),
            place,
            first: Vec::new(),
            details: HashMap::new(),
        });
        group.count += 1;
        if group.first.len() < SHOWN && group.first.last() != Some(&place) {
            group.first.push(place);
        }
        if let Some(detail) = detail
            && (group.details.len() < MAX_DETAILS || group.details.contains_key(detail))
        {
            *group.details.entry(detail.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn json(&self) -> Value {
        let groups = self.largest().into_iter().map(|(status, group)| {
            let details = group.largest();
            let details = details.map(|(detail, count)| json!({"detail": detail, "count": count}));
            json!({
                "status": status, "reason": group.reason, "count": group.count, "first": group.place,
                "lines": group.first, "details": details.collect::<Vec<_>>(),
            })
        });
        groups.collect()
    }

    /// Prints a line for each reason, the most frequent first, and the most frequent details of it. `place` is what the number
    /// of a record is called.
    pub(super) fn print(&self, place: &str) -> anyhow::Result<()> {
        self.lines(place).into_iter().try_for_each(print)
    }

    fn lines(&self, place: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (status, group) in self.largest() {
            let mut line = format!(
                "{:>9}  {status}: {}, first at {place} {}",
                group.count,
                said(&group.reason),
                group.place
            );
            // Nothing else says where to look.
            if status == WARNING {
                let others = group.first.iter().skip(1);
                line.extend(others.map(|at| format!(", {at}")));
            }
            lines.push(line);
            let shown = group.largest().map(|(detail, count)| (detail, *count));
            let shown: Vec<(&String, u64)> = shown.collect();
            for (detail, count) in &shown {
                lines.push(format!("{count:>18}  {detail}"));
            }
            let others = group.count - shown.iter().map(|(_, count)| count).sum::<u64>();
            if others > 0 && !shown.is_empty() {
                lines.push(format!("{others:>18}  others of this reason"));
            }
        }
        lines
    }

    fn largest(&self) -> Vec<(&str, &Group)> {
        let groups = self.groups.iter();
        let mut groups: Vec<_> = groups
            .map(|((status, _), group)| (status.as_str(), group))
            .collect();
        groups.sort_by_key(|(_, group)| (Reverse(group.count), group.place));
        groups
    }
}

impl Group {
    fn largest(&self) -> impl Iterator<Item = (&String, &u64)> {
        let mut details: Vec<_> = self.details.iter().collect();
        details.sort_by_key(|(detail, count)| (Reverse(**count), *detail));
        details.into_iter().take(SHOWN)
    }
}

/// What a code means that says less than it should.
fn said(reason: &str) -> String {
    match reason {
        "repeated_refund" => {
            format!("{reason} (it had been taken into account before, or nothing was left to take back)")
        }
        THERE => "recorded before with the same fields".to_owned(),
        other => other.to_owned(),
    }
}

/// `the row has 3 cells` and `the row has 4 cells` are one reason.
fn without_numbers(reason: &str) -> String {
    let mut text = String::with_capacity(reason.len());
    for sign in reason.chars() {
        if !sign.is_ascii_digit() {
            text.push(sign);
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_by_reason() {
        let mut groups = Groups::default();
        groups.add("invalid", "the row has 3 cells", None, 2);
        groups.add("refused", "unknown_partner", Some("coupon \"A\""), 3);
        groups.add("invalid", "the row has 14 cells", None, 4);
        for (place, coupon) in [(5, "B"), (6, "B"), (7, "C"), (8, "D"), (9, "E"), (10, "F")] {
            groups.add(
                "refused",
                "unknown_partner",
                Some(&format!("coupon {coupon:?}")),
                place,
            );
        }
        let told = groups.json();
        assert_eq!(
            (
                &told[0]["count"],
                &told[0]["first"],
                &told[0]["details"][0]["count"]
            ),
            (&7.into(), &3.into(), &2.into())
        );
        assert_eq!(
            (&told[1]["count"], &told[1]["reason"]),
            (&2.into(), &"the row has 3 cells".into())
        );
        let lines = groups.lines("line");
        assert_eq!(lines[0].trim(), "7  refused: unknown_partner, first at line 3");
        assert_eq!(lines[1].trim(), "2  coupon \"B\"");
        assert_eq!(lines[6].trim(), "1  others of this reason");
        assert_eq!(
            lines[7].trim(),
            "2  invalid: the row has 3 cells, first at line 2"
        );
        assert_eq!(lines.len(), 8);

        let mut groups = Groups::default();
        for place in [2, 2, 3, 5, 8, 9, 12] {
            groups.add(WARNING, "amount has decimals, and JPY has none", None, place);
        }
        groups.add(THERE, THERE, None, 4);
        assert_eq!(groups.json()[0]["lines"], json!([2, 3, 5, 8, 9]));
        let lines = groups.lines("line");
        assert_eq!(
            lines[0].trim(),
            "7  warning: amount has decimals, and JPY has none, first at line 2, 3, 5, 8, 9"
        );
        assert_eq!(
            lines[1].trim(),
            "1  already_there: recorded before with the same fields, first at line 4"
        );
    }

    #[test]
    fn groups_are_bounded() {
        let mut groups = Groups::default();
        for n in 0..3 * MAX_GROUPS {
            groups.add("invalid", &"x".repeat(n + 1), None, 1);
        }
        let told = groups.json();
        assert_eq!(told.as_array().unwrap().len(), MAX_GROUPS + 1);
        assert_eq!(
            (&told[0]["reason"], &told[0]["count"]),
            (&OTHERS.into(), &200.into())
        );
        for n in 0..2 * MAX_DETAILS {
            groups.add("refused", "r", Some(&n.to_string()), 1);
        }
        let details = groups.groups.values().map(|group| group.details.len()).max();
        assert_eq!(details, Some(MAX_DETAILS));
    }
}
