//! What the server says to a pool's connections. In a process of its own: it listens to the log, as another test does.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, helpers included"
)]

use std::sync::{Arc, Mutex};

use common::db::{Pool, begin, commit, connect, ping, rollback};
use secrecy::SecretString;
use sqlx::{ConnectOptions as _, Executor as _};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

async fn lock_timeout(connection: &mut common::db::Connection) -> String {
    sqlx::query_scalar("SELECT current_setting('lock_timeout')")
        .fetch_one(connection)
        .await
        .unwrap()
}

/// Gathers what the server warns of.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
}

#[sqlx::test]
async fn what_is_given_back_has_no_transaction_and_the_server_warns_of_nothing(pool: Pool) {
    let url = SecretString::from(pool.connect_options().to_url_lossy().as_str());
    let pool = connect(&url, 1, "test").await.unwrap();
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..3 {
        rollback(begin(&pool).await.unwrap()).await.unwrap();
        commit(begin(&pool).await.unwrap()).await.unwrap();
        ping(&pool).await.unwrap();
    }
    let seen = warnings.0.lock().unwrap().clone();
    assert_eq!(seen, Vec::<String>::new());
    // As a future dropped at the wrong moment leaves it.
    let left = "BEGIN; SET LOCAL lock_timeout = '77ms'";
    pool.acquire().await.unwrap().execute(left).await.unwrap();
    let mut next = pool.acquire().await.unwrap();
    assert_eq!(
        lock_timeout(&mut next).await,
        "10s",
        "the transaction of another is over"
    );
    assert!(!warnings.0.lock().unwrap().is_empty(), "warnings are seen at all");
    drop(guard);
}
