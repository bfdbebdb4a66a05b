//! How far a consumer has come in passing a barrier.

/// A barrier that a consumer is passing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    pub(super) number: i64,
    /// Envelopes that may have been delivered before it, and have not been applied.
    pub(super) left: usize,
}

impl Passing {
    /// So many of them have been applied.
    pub(super) fn applied(&mut self, envelopes: usize) {
        self.left = self.left.saturating_sub(envelopes);
    }

    /// None is left: nothing that has been delivered waits here.
    pub(super) fn drained(&mut self) {
        self.left = 0;
    }
}
