//! For tests: which fields a parser asks for, so that they can be compared with those that are described.

use std::{cell::RefCell, collections::BTreeSet};

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// A field was asked for. `prefix` are the names of the objects around it; entries of a list are all alike.
pub(super) fn note(prefix: &str, name: &str) {
    let objects: String = prefix
        .chars()
        .filter(|character| !character.is_ascii_digit())
        .collect();
    ASKED.with_borrow_mut(|asked| asked.insert(objects + name));
}

/// Forgets and gives what was asked for on this thread until now: `order_id`, `customer.email`, `commissions[].amount`.
pub fn asked() -> BTreeSet<String> {
    ASKED.take()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::request::Fields;

    #[test]
    fn names_within_objects_and_lists_are_noted_with_those_around_them() {
        let sent = json!({"order": "1", "customer": {"email": "a@b"}, "lines": [{"price": 1}, {"price": 2}]});
        let fields = Fields::new(sent.as_object().unwrap().clone()).unwrap();
        asked();
        fields.text("order", 9).unwrap();
        fields.amount("absent").unwrap();
        fields
            .nested("customer")
            .unwrap()
            .unwrap()
            .email("email")
            .unwrap();
        for line in fields.list("lines", 2).unwrap() {
            line.amount("price").unwrap();
        }
        let names = [
            "absent",
            "customer",
            "customer.email",
            "lines",
            "lines[].price",
            "order",
        ];
        assert_eq!(asked(), names.map(str::to_owned).into());
        assert!(asked().is_empty(), "forgotten");
    }
}
