//! What a batch costs in round trips: as much as one event does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

use super::{commit, demo, sale};
use crate::db::Pool;

/// For a batch of sales with customers, whatever its size: BEGIN, the locks, what is loaded, what is written, COMMIT.
const MAX_STATEMENTS: usize = 32;

/// Counts what sqlx logs: every statement that it has sent.
struct Counter(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_batch_costs_as_many_statements_as_one_event(pool: Pool) {
    let org = demo(&pool).await;
    commit(&pool, vec![sale(org, "warm", "JANE10OFF", 10)]).await;
    let mut counts = Vec::new();
    for size in [1, 10, 300] {
        let batch = (0..size)
            .map(|order| sale(org, &format!("{size}-{order}"), "JANE10OFF", 10))
            .collect();
        let count = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Counter(Arc::clone(&count)));
        let guard = tracing::subscriber::set_default(subscriber);
        commit(&pool, batch).await;
        drop(guard);
        counts.push(count.load(Ordering::Relaxed));
    }
    assert!(counts[0] > 5, "they are counted at all: {counts:?}");
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    assert!(counts[0] <= MAX_STATEMENTS, "{counts:?}");
    println!("statements of a batch: {counts:?}");
}
