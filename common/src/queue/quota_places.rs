//! How many events of somebody are under way: taken, and not decided as far as this process knows.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The count of one. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct QuotaPlaces(Arc<AtomicU32>);

/// One event that counts, until it is dropped.
#[derive(Debug)]
pub struct QuotaPlace(Arc<AtomicU32>);

impl QuotaPlaces {
    /// Places for `events` more, if there are `limit` at most with them: all or none.
    pub fn take(&self, events: u32, limit: u32) -> Option<Vec<QuotaPlace>> {
        let counted = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |under_way| {
                under_way.checked_add(events).filter(|sum| *sum <= limit)
            });
        counted.ok()?;
        Some((0..events).map(|_| QuotaPlace(Arc::clone(&self.0))).collect())
    }
}

impl Drop for QuotaPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_all_or_none_and_given_back() {
        let under_way = QuotaPlaces::default();
        let mut held = under_way.take(3, 4).unwrap();
        assert!(under_way.take(2, 4).is_none(), "one is left");
        assert_eq!(under_way.take(1, 4).map(|places| places.len()), Some(1));
        held.pop();
        assert!(under_way.take(2, 4).is_some());
        assert!(under_way.take(2, 1).is_none(), "a smaller limit holds at once");
        drop(held);
        assert!(under_way.take(4, 4).is_some());
    }
}
