//! What makes a payment safe to repeat: its `transactionId`, bound to what was paid.

use common::domain::{Event, Idempotency};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

/// A payment's own id, and the fingerprint of the payment.
pub(super) struct Transaction {
    id: String,
    hash: String,
}

impl Transaction {
    /// `parts` are the fields that make another payment of it. Neither the path nor the client id are among them: the
    /// same payment may come by `/lead` and `/lead/payment`.
    pub(super) fn new(id: String, value: Decimal, parts: &[Option<&str>]) -> Self {
        let mut hash = Sha256::new();
        let value = value.normalize().to_string();
        for part in std::iter::once(Some(value.as_str())).chain(parts.iter().copied()) {
            // The length first, or the parts could be cut elsewhere; none is not an empty one.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        Self {
            id,
            hash: hex::encode(hash.finalize()),
        }
    }

    /// Binds `event` to the transaction, unless the caller sent an `Idempotency-Key` that counts. Callers with a key
    /// and without have a namespace each: the second cannot use up an id of the first.
    pub(super) fn bind(&self, event: &mut Event) {
        let holder = if event.authenticated { "signed" } else { "open" };
        event.idempotency.get_or_insert_with(|| {
            Idempotency::plain(format!("affy:{holder}:{}", self.id), self.hash.clone())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_payment_has_another_fingerprint() {
        let hash = |value: &str, parts: &[Option<&str>]| {
            Transaction::new("t".to_owned(), value.parse().unwrap(), parts).hash
        };
        let first = hash("99.00", &[Some("s"), None]);
        assert_eq!(first.len(), 64);
        assert_eq!(first, hash("99", &[Some("s"), None]), "the same amount");
        for other in [
            hash("98", &[Some("s"), None]),
            hash("99", &[None, Some("s")]),
            hash("99", &[Some("s"), Some("")]),
            hash("99", &[Some("t"), None]),
        ] {
            assert_ne!(first, other);
        }
    }
}
