//! One page of a list, and where it stands.

/// Rows of a page (seed: REST 1.6, pagination).
pub const PAGE_SIZE: u32 = 25;
/// Totals are exact up to here; beyond, the planner's estimate is good enough for a link to the last page.
pub const MAX_EXACT_TOTAL: u64 = 10_000;
/// From this page on it is worth more to read an index alone than to begin at once.
pub(super) const DEEP_PAGE: u32 = 40;

/// One page, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The first is 1.
    pub number: u32,
    /// Whether another follows.
    pub has_next: bool,
    /// All rows that match: exact up to [`MAX_EXACT_TOTAL`], estimated above it.
    pub total: u64,
}

/// The total, where a page of `found` rows says it itself: it is not full, and so the last.
pub(super) fn total_at_end(number: u32, found: usize) -> Option<u64> {
    let found = u32::try_from(found).unwrap_or(PAGE_SIZE);
    let is_last = found < PAGE_SIZE && (found > 0 || number == 1);
    is_last.then(|| before(number) + u64::from(found))
}

/// How many rows come before page `number`.
pub(super) fn before(number: u32) -> u64 {
    u64::from(number.saturating_sub(1)) * u64::from(PAGE_SIZE)
}

impl<T> Page<T> {
    /// Page `number` of a list that is short and has been read whole.
    pub fn of_all(all: Vec<T>, number: u32) -> Self {
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let skipped = usize::try_from(before(number)).unwrap_or(usize::MAX);
        let size = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
        let rows: Vec<T> = all.into_iter().skip(skipped).take(size).collect();
        Self {
            has_next: total > before(number) + u64::from(PAGE_SIZE),
            rows,
            number,
            total,
        }
    }

    pub(super) fn counted(rows: Vec<T>, number: u32, total: u64) -> Self {
        let behind = before(number) + u64::try_from(rows.len()).unwrap_or_default();
        Self {
            has_next: !rows.is_empty() && (total > behind || total > MAX_EXACT_TOTAL),
            rows,
            number,
            total,
        }
    }

    /// The same page of what is made of its rows.
    pub(super) fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(view).collect(),
            number: self.number,
            has_next: self.has_next,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_has_pages_too() {
        for (number, len, want) in [
            (1, 0, (0, false)),
            (1, 25, (25, false)),
            (1, 26, (25, true)),
            (2, 26, (1, false)),
            (u32::MAX, 26, (0, false)),
        ] {
            let page = Page::of_all(vec![(); len], number);
            assert_eq!((page.rows.len(), page.has_next), want, "page {number} of {len}");
        }
    }

    #[test]
    fn only_a_full_page_or_one_behind_the_end_needs_a_count() {
        for (number, found, want) in [
            (1, 0, Some(0)),
            (1, 24, Some(24)),
            (3, 5, Some(55)),
            (1, 25, None),
            (4, 0, None),
        ] {
            let total = total_at_end(number, found);
            assert_eq!(total, want, "page {number} with {found}");
        }
        let has_next = |number, found, total| Page::counted(vec![(); found], number, total).has_next;
        assert!(has_next(1, 25, 26) && !has_next(1, 25, 25));
        assert!(!has_next(9, 0, 26), "behind the end");
        assert!(has_next(900, 25, MAX_EXACT_TOTAL + 1), "an estimate");
    }
}
