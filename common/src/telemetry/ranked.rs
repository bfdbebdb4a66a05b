//! Gauges of the few organisations that have the most of something: who is not among them any more falls to 0.

use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, Mutex, PoisonError},
};

use metrics::gauge;

use super::labels;

/// The organisations that were ever told apart.
static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
/// Which of them each gauge shows, and are not 0.
static SHOWN: LazyLock<Mutex<HashMap<&'static str, HashSet<String>>>> = LazyLock::new(Mutex::default);

/// Sets `name` for these organisations, and to 0 for those of before.
pub(super) fn set(name: &'static str, loads: &[(String, u32)]) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut loaded: HashMap<String, u32> = HashMap::new();
    for (org, count) in loads {
        let label = labels::among(&mut known, org).to_owned();
        *loaded.entry(label).or_default() += count;
    }
    drop(known);
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = shown.insert(name, loaded.keys().cloned().collect());
    for gone in before.unwrap_or_default() {
        loaded.entry(gone).or_default();
    }
    for (org, count) in loaded {
        gauge!(name, "org" => org).set(f64::from(count));
    }
}

/// Says that of all of them nobody knows.
pub(super) fn unknown(name: &'static str) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for org in shown.get(name).into_iter().flatten() {
        gauge!(name, "org" => org.clone()).set(f64::NAN);
    }
}
