//! The memory of bodies that are under way, of all requests of a server together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The bytes that bodies may have. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::http) struct Bodies(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    taken: AtomicUsize,
    most: usize,
}

/// What one body has of them, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Held {
    bodies: Bodies,
    bytes: usize,
}

impl Bodies {
    pub(in crate::http) fn new(most: usize) -> Self {
        let taken = AtomicUsize::new(0);
        Self(Arc::new(Bytes { taken, most }))
    }

    pub(in crate::http) fn hold(&self) -> Held {
        Held {
            bodies: self.clone(),
            bytes: 0,
        }
    }

    /// Whether more than half of them are taken.
    pub(in crate::http) fn are_scarce(&self) -> bool {
        self.0.taken.load(Ordering::Relaxed) > self.0.most / 2
    }
}

impl Held {
    /// Holds `bytes` in all, if there are so many.
    pub(in crate::http) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let all = &self.bodies.0;
        let taken = all.taken.fetch_add(more, Ordering::Relaxed);
        if taken + more > all.most {
            all.taken.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bodies.0.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_bytes_and_no_more() {
        let bodies = Bodies::new(100);
        let (mut one, mut other) = (bodies.hold(), bodies.hold());
        assert!(one.grow_to(40) && one.grow_to(50) && !bodies.are_scarce());
        assert!(!other.grow_to(51) && other.grow_to(50) && bodies.are_scarce());
        assert!(one.grow_to(10), "it never shrinks");
        drop(one);
        assert!(!bodies.are_scarce() && other.grow_to(100));
        drop(other);
        assert_eq!(bodies.0.taken.load(Ordering::Relaxed), 0);
    }
}
