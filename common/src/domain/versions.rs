//! What held when: the versions of a rule.

use chrono::{DateTime, Utc};

/// A value and what it was changed to, each from its time on. What was declared last is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions<T> {
    /// From the beginning of time.
    pub first: T,
    /// With the moments from which they hold, ascending.
    later: Vec<(DateTime<Utc>, T)>,
}

impl<T> Versions<T> {
    /// A value that has held from the beginning of time, and holds until it is changed.
    pub fn always(first: T) -> Self {
        let later = Vec::new();
        Self { first, later }
    }

    /// Adds a version that holds from `from` on, in whatever order they come.
    pub fn add(&mut self, from: DateTime<Utc>, value: T) {
        let at = self.later.partition_point(|(earlier, _)| *earlier <= from);
        self.later.insert(at, (from, value));
    }

    /// What holds at `at`.
    pub fn at(&self, at: DateTime<Utc>) -> &T {
        let holding = self.later.iter().rev().find(|(from, _)| *from <= at);
        holding.map_or(&self.first, |(_, value)| value)
    }

    /// Since when what holds at `at` does; `None`: from the beginning of time.
    pub fn since(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut holding = self.later.iter().rev();
        holding.find(|(from, _)| *from <= at).map(|(from, _)| *from)
    }

    /// Adds what follows when versions are read, the oldest first: one that holds from `from` on, or at the end, without a time, what
    /// was declared last.
    pub fn follow(&mut self, from: Option<DateTime<Utc>>, value: T) {
        match from {
            Some(from) => self.add(from, value),
            None => self.declared_last(value),
        }
    }

    /// Puts `value` in the place of what was declared last, where it differs: the release before this one changes what was
    /// declared last and adds no version.
    fn declared_last(&mut self, value: T) {
        match self.later.last_mut() {
            Some((_, last)) => *last = value,
            None => self.first = value,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn a_version_holds_from_its_moment_until_the_next() {
        let mut versions = Versions::always("first");
        versions.add(minute(20), "third");
        versions.add(minute(10), "second");
        for (at, want, since) in [
            (-1_000_000, "first", None),
            (9, "first", None),
            (10, "second", Some(10)),
            (19, "second", Some(10)),
            (20, "third", Some(20)),
            (1_000_000, "third", Some(20)),
        ] {
            assert_eq!(*versions.at(minute(at)), want, "{at}");
            assert_eq!(versions.since(minute(at)), since.map(minute), "{at}");
        }
        versions.declared_last("fourth");
        assert_eq!(
            (*versions.at(minute(19)), *versions.at(minute(20))),
            ("second", "fourth")
        );
    }

    proptest! {
        /// What is declared for later changes nothing of what held before.
        #[test]
        fn later_versions_change_nothing_earlier(froms in prop::collection::vec(0i64..100, 0..8), at in -5i64..105) {
            let mut versions = Versions::always(-1);
            for from in &froms {
                let before = *versions.at(minute(at));
                versions.add(minute(*from), *from);
                if at < *from {
                    prop_assert_eq!(*versions.at(minute(at)), before);
                }
            }
            let want = froms.iter().copied().filter(|from| *from <= at).max().unwrap_or(-1);
            prop_assert_eq!(*versions.at(minute(at)), want);
        }
    }
}
