//! End-to-end tests: real processes of `commissary` on real servers. Run them by ./scripts/test.
//!
//! Every promise of the README has its test here; every test ends with `World::finish`, which proves the ledger.

#![expect(
    clippy::disallowed_methods,
    reason = "what a test starts ends with its runtime"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "these are tests: what is not as expected shall end them"
)]

/// Runs each test by way of the spool and by way of the broker.
macro_rules! on_both_queues {
    ($($test:ident),+ $(,)?) => {
        mod spool {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(commissary_tests::Queue::Spool).await;
            })+
        }
        mod rabbit {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(commissary_tests::Queue::Rabbit).await;
            })+
        }
    };
}

mod attack;
mod audit;
mod backlog;
mod backup;
mod batch;
mod bench;
mod broker;
mod commissions;
mod conversions;
mod crashes;
mod database;
mod deploy;
mod dev;
mod exactly_once;
mod explain;
mod fair;
mod first_answers;
mod fixtures;
mod hang_up;
mod http_layers;
mod import_memory;
mod keys;
mod least_privilege;
mod lifecycle;
mod odd_values;
mod openapi;
mod ordering;
mod pixel;
mod poison;
mod prometheus;
mod proxies;
mod quotas;
mod readme;
mod rejections;
mod repeats;
mod rest;
mod rest_calls;
mod restarts;
mod scripts;
mod secrets;
mod terminal;
mod tidy;
mod tls;
mod traces;
mod tracking;
mod truth;
mod waiting;
