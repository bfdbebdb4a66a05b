//! The id of an event's request is in its row, whatever became of the event.

use super::*;
use crate::ops;

fn with_id(mut incoming: Incoming, id: &str) -> Incoming {
    incoming.event.request_id = Some(id.to_owned());
    incoming
}

async fn shown(pool: &Pool, event: EventId) -> (String, Option<String>) {
    let mut conn = pool.acquire().await.unwrap();
    let details = ops::show(&mut conn, event).await.unwrap().unwrap();
    (details.summary.status.name().to_owned(), details.request_id)
}

fn row(status: &str, id: &str) -> (String, Option<String>) {
    (status.to_owned(), Some(id.to_owned()))
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn applied_parked_and_read_again(pool: Pool) {
    let org = demo(&pool).await;
    let sale = with_id(sale(org, "o1", "jane10off", 100), "req-sale");
    let refund = with_id(refund(org, "o2"), "req-refund");
    let (sold, refunded) = (sale.event.id, refund.event.id);
    commit(&pool, vec![sale, refund]).await;
    assert_eq!(shown(&pool, sold).await, row("applied", "req-sale"));
    assert_eq!(shown(&pool, refunded).await, row("parked", "req-refund"));
    let mut conn = pool.acquire().await.unwrap();
    let parked = events::parked(&mut conn, &[refunded]).await.unwrap();
    assert_eq!(parked.first().unwrap().request_id.as_deref(), Some("req-refund"));
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn postponed_and_dead(pool: Pool) {
    let org = demo(&pool).await;
    let late = with_id(sale(org, "o1", "jane10off", 100), "req-late").event;
    let dead = with_id(sale(org, "o2", "jane10off", 100), "req-dead").event;
    let mut conn = pool.acquire().await.unwrap();
    assert!(
        dead_letters::postpone(&mut conn, &late, false, now())
            .await
            .unwrap()
    );
    let later = now() + TimeDelta::hours(1);
    let due = events::due(&mut conn, later, 10).await.unwrap().events;
    assert_eq!(due.first().unwrap().request_id.as_deref(), Some("req-late"));
    let failure = Failure::new("panic", "a bug", "a bug");
    for (event, id) in [(&dead, "req-dead"), (&late, "req-late")] {
        assert!(
            dead_letters::record(&mut conn, event, &failure, now())
                .await
                .unwrap()
        );
        assert_eq!(shown(&pool, event.id).await, row("dead", id));
    }
}
