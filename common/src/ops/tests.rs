use std::time::Duration;

use super::*;
use crate::{
    db::{Connection, Pool, fixture, orgs},
    domain::{EventId, EventKind, EventStatus, OrgId},
    reads::audit::{self, AuditEntry, AuditFilter},
};

fn failed() -> Filter {
    Filter {
        statuses: vec![EventStatus::Dead, EventStatus::Refused],
        ..Default::default()
    }
}

/// The last digits of the ids that match.
async fn found(conn: &mut Connection, filter: Filter) -> Vec<u128> {
    let listed = list(conn, &filter, 100).await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|event| event.event_id.as_u128() & 0xff)
        .collect();
    let selected = select(conn, &filter, 100).await.unwrap().ids;
    assert_eq!(
        listed,
        selected
            .iter()
            .map(|id| id.0.as_u128() & 0xff)
            .collect::<Vec<_>>()
    );
    listed
}

async fn status(conn: &mut Connection, id: EventId) -> (EventStatus, Option<String>, i32) {
    let shown = show(conn, id).await.unwrap().unwrap().summary;
    (shown.status, shown.reason, shown.attempt)
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn filters_find_what_they_name(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    let at = fixture::now();
    let none = Filter::default;
    for (filter, want) in [
        (none(), [7, 6, 5, 3, 2, 1].as_slice()),
        (failed(), &[7, 5, 3]),
        (
            Filter {
                duplicates: true,
                ..failed()
            },
            &[7, 5, 4, 3],
        ),
        (
            Filter {
                code: Some("duplicate_order".into()),
                ..failed()
            },
            &[4],
        ),
        (
            Filter {
                code: Some("data_error".into()),
                ..none()
            },
            &[5],
        ),
        (
            Filter {
                org: Some(OrgId(1)),
                ..failed()
            },
            &[5, 3],
        ),
        (
            Filter {
                org: Some(OrgId(2)),
                ..none()
            },
            &[],
        ),
        (
            Filter {
                kind: Some(EventKind::Refund),
                ..none()
            },
            &[6],
        ),
        (
            Filter {
                order: Some("ORD1".into()),
                ..none()
            },
            &[2, 1],
        ),
        (
            Filter {
                from: Some(at),
                ..failed()
            },
            &[7, 5, 3],
        ),
        (
            Filter {
                until: Some(at),
                ..failed()
            },
            &[],
        ),
        (
            Filter {
                before: Some(fixture::event(5)),
                ..failed()
            },
            &[3],
        ),
        (
            Filter {
                before: Some(fixture::event(5)),
                until: Some(at),
                ..failed()
            },
            &[],
        ),
    ] {
        assert_eq!(found(&mut conn, filter.clone()).await, want, "{filter:?}");
    }
    let one = select(&mut conn, &failed(), 1).await.unwrap();
    assert_eq!((one.ids, one.more), (vec![fixture::event(7)], true));
    assert_eq!(orgs::by_slug(&mut conn, "other").await.unwrap(), Some(OrgId(2)));
    assert_eq!(orgs::by_slug(&mut conn, "nobody").await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn showing_tells_why(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    let refused = show(&mut conn, fixture::event(3)).await.unwrap().unwrap();
    assert_eq!(
        refused.summary.detail.as_deref(),
        Some("coupon \"NO\" is not known")
    );
    assert_eq!(
        refused.body.to_string(),
        r#"{"create_conversion":{"amount":"1.10","external_id":"ORD3"}}"#
    );
    let undecodable = show(&mut conn, fixture::event(7)).await.unwrap().unwrap();
    assert_eq!(undecodable.summary.detail.as_deref(), Some("not an envelope"));
    let json = serde_json::to_value(&undecodable).unwrap();
    assert_eq!(json["failure"]["original"], "7b22");
    assert_eq!(
        (&json["org"], &json["status"]),
        (&serde_json::Value::Null, &"dead".into())
    );
    assert_eq!(show(&mut conn, fixture::event(99)).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn replay_queues_what_failed_and_nothing_else(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    let mut listener = sqlx::postgres::PgListener::connect_with(&pool).await.unwrap();
    listener.listen("commissary_events").await.unwrap();
    let mut all: Vec<_> = (1..=7).map(fixture::event).collect();
    all.extend([fixture::event(99), fixture::event(3)]);
    let counts = replay(&mut conn, &all, "ann", fixture::now()).await.unwrap();
    let skipped: Vec<_> = counts
        .skipped
        .iter()
        .map(|(why, count)| (why.as_str(), *count))
        .collect();
    assert_eq!(counts.done, 3);
    assert_eq!(
        skipped,
        [("applied", 2), ("parked", 1), ("undecodable", 1), ("unknown", 1)]
    );
    tokio::time::timeout(Duration::from_secs(5), listener.recv())
        .await
        .expect("the workers are told")
        .unwrap();

    let trail = trail(&pool, "event.replay").await;
    assert_eq!(trail.len(), 3);
    assert_eq!(trail[0].subject, format!("event/{}", fixture::event(5)));
    assert!(
        trail
            .iter()
            .all(|entry| entry.event_id.is_some() && entry.before.is_some())
    );
    for n in [3, 4, 5] {
        assert_eq!(
            status(&mut conn, fixture::event(n)).await,
            (EventStatus::Queued, None, 2)
        );
    }
    assert_eq!(
        status(&mut conn, fixture::event(1)).await,
        (EventStatus::Applied, None, 1)
    );
    let shown = show(&mut conn, fixture::event(5)).await.unwrap().unwrap();
    assert_eq!(shown.summary.due_at, Some(fixture::now()));
    assert_eq!(
        serde_json::from_value::<crate::domain::Outcome>(shown.outcome.unwrap()).unwrap(),
        crate::domain::Outcome::Queued
    );
    assert_eq!(
        shown.actions,
        [Action {
            action: "replay".into(),
            actor: "ann".into(),
            reason: Some("was dead: data_error".into()),
            at: fixture::now(),
        }]
    );

    let again = replay(&mut conn, &all, "ann", fixture::now()).await.unwrap();
    assert_eq!((again.done, again.skipped.get("queued")), (0, Some(&3)));
    assert_eq!(
        show(&mut conn, fixture::event(5))
            .await
            .unwrap()
            .unwrap()
            .actions
            .len(),
        1
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn discarding_keeps_why_it_failed(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    let all: Vec<_> = (1..=7).map(fixture::event).collect();
    let counts = discard(&mut conn, &all, "test data", "ann", fixture::now())
        .await
        .unwrap();
    assert_eq!((counts.done, counts.skipped.get("applied")), (5, Some(&2)));
    let shown = show(&mut conn, fixture::event(7)).await.unwrap().unwrap();
    assert_eq!(
        (shown.summary.status, shown.summary.reason.as_deref()),
        (EventStatus::Discarded, Some("undecodable"))
    );
    assert_eq!(shown.actions[0].reason.as_deref(), Some("test data"));
    let parked = show(&mut conn, fixture::event(6)).await.unwrap().unwrap();
    assert_eq!(
        (parked.summary.status, parked.summary.due_at),
        (EventStatus::Discarded, None)
    );
    let replayed = replay(&mut conn, &all, "ann", fixture::now()).await.unwrap();
    assert_eq!(replayed.done, 0);
    // The undecodable one belongs to no organisation.
    let trail = trail(&pool, "event.discard").await;
    assert_eq!(trail.len(), 4);
    assert_eq!(trail[0].after.as_ref().unwrap()["reason"], "test data");
}

/// What the audit trail says of an action, latest first; and that the trail holds.
async fn trail(pool: &Pool, action: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter {
        action: Some(action.to_owned()),
        ..AuditFilter::default()
    };
    let mut conn = pool.acquire().await.unwrap();
    let entries = audit::list(&mut conn, &filter, 100).await.unwrap();
    assert!(
        entries
            .iter()
            .all(|entry| (entry.actor_kind.as_str(), entry.actor.as_str()) == ("cli", "ann"))
    );
    assert_eq!(audit::verify(pool, None, |_| {}).await.unwrap().faulty, 0);
    entries
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn two_operators_replay_once(pool: Pool) {
    drop(fixture::world(&pool).await);
    let ids = [fixture::event(3), fixture::event(5)];
    let one = async || {
        let mut conn = pool.acquire().await.unwrap();
        replay(&mut conn, &ids, "ann", fixture::now()).await.unwrap().done
    };
    let (a, b) = tokio::join!(one(), one());
    assert_eq!(a + b, 2);
    assert_eq!(trail(&pool, "event.replay").await.len(), 2);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(status(&mut conn, fixture::event(5)).await.2, 2);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_event_applied_meanwhile_is_left_alone(pool: Pool) {
    drop(fixture::world(&pool).await);
    let id = fixture::event(3);
    let mut worker = pool.begin().await.unwrap();
    sqlx::query("UPDATE events SET status = 'applied', reason = NULL WHERE event_id = $1")
        .bind(id.0)
        .execute(&mut *worker)
        .await
        .unwrap();
    let operator = async {
        let mut conn = pool.acquire().await.unwrap();
        replay(&mut conn, &[id], "ann", fixture::now()).await.unwrap()
    };
    let commit = async {
        let mut conn = pool.acquire().await.unwrap();
        // Until the operator waits for the worker's row.
        while !sqlx::query_scalar::<_, bool>(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')",
        )
        .fetch_one(&mut *conn)
        .await
        .unwrap()
        {
            tokio::task::yield_now().await;
        }
        worker.commit().await.unwrap();
    };
    let (counts, ()) = tokio::join!(operator, commit);
    assert_eq!(counts.done, 0);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(status(&mut conn, id).await.0, EventStatus::Applied);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn failures_are_found_by_what_they_have_in_common(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    let grouped = groups::groups(&mut conn, &failed()).await.unwrap();
    let totals = &grouped.totals;
    assert_eq!(
        (totals.refused, totals.dead, totals.again, grouped.grouped),
        (1, 2, 0, 3)
    );
    let mut texts: Vec<_> = grouped
        .groups
        .iter()
        .map(|group| group.fingerprint.as_str())
        .collect();
    texts.sort_unstable();
    assert_eq!(
        texts,
        [
            "data_error: f1",
            "undecodable: f2",
            "unknown_partner: nothing that names a partner"
        ]
    );
    for group in &grouped.groups {
        for fingerprint in [&group.id, &group.fingerprint] {
            let filter = Filter {
                fingerprint: Some(fingerprint.clone()),
                ..failed()
            };
            let listed = list(&mut conn, &filter, 9).await.unwrap();
            assert_eq!(listed.len(), 1, "{fingerprint}");
            assert_eq!(listed[0].event_id, group.sample);
            assert_eq!(listed[0].group.as_deref(), Some(group.id.as_str()));
        }
    }
    let with = |text: &str| Filter {
        text: Some(text.to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(&mut conn, with("oRd3\"")).await, [3]);
    assert_eq!(
        found(&mut conn, with("{\"")).await,
        [7, 6, 5, 3, 2, 1],
        "also of undecodable bytes"
    );
    let since = fixture::now() + chrono::TimeDelta::milliseconds(500);
    let changed = changed_since(&mut conn, &failed(), since, 9).await.unwrap();
    assert_eq!(changed.len(), 1, "the one that died a second later");
}
