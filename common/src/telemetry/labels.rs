//! Labels whose values are not known beforehand: so many are told apart, so that nobody can fill the memory with them.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Values of such a label that a process tells apart.
pub const MAX_LABELS: usize = 300;
/// Stands for all further ones.
pub const OTHER: &str = "other";

static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// `value`, or [`OTHER`] where there are too many already.
pub(super) fn bounded(value: &str) -> String {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    among(&mut known, value).to_owned()
}

/// The same, of those that `known` has or has room for.
pub(super) fn among<'a>(known: &mut HashSet<String>, value: &'a str) -> &'a str {
    if known.contains(value) {
        return value;
    }
    if known.len() >= MAX_LABELS {
        return OTHER;
    }
    known.insert(value.to_owned());
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_and_no_more() {
        let mut known = HashSet::new();
        for number in 0..MAX_LABELS {
            let value = format!("f{number}");
            assert_eq!(among(&mut known, &value), value);
        }
        assert_eq!(among(&mut known, "more"), OTHER);
        assert_eq!(among(&mut known, "f7"), "f7");
    }
}
