//! On the world of the fixture: jane's commission 2 of 10.05 waits, sandra's 3 is approved.

use super::*;
use crate::{
    bulk::Caller,
    db::{
        Connection, Pool,
        audit::{Actor, Author},
        fixture, ledger_check,
    },
    domain::{CommissionId, Dialect, OrgId, ProgramId},
    message::EventIds,
};

async fn ids(conn: &mut Connection, org: i64, filter: &PendingFilter) -> Vec<i64> {
    let found = select(conn, OrgId(org), filter).await.unwrap();
    assert!(!found.more);
    found.ids.iter().map(|id| id.0).collect()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_waits_is_chosen_and_slips_are_told(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    let none = PendingFilter::default;
    assert_eq!(ids(&mut conn, 1, &none()).await, [2]);
    assert_eq!(ids(&mut conn, 2, &none()).await, [0; 0], "another tenant");
    let of = |text: &str| Some(text.to_owned());
    let day = |text: &str| Some(text.parse().unwrap());
    for (filter, want) in [
        (
            PendingFilter {
                program: of("johns"),
                ..none()
            },
            [2].as_slice(),
        ),
        (
            PendingFilter {
                program: of("partner"),
                ..none()
            },
            &[],
        ),
        (
            PendingFilter {
                affiliate: of("jane"),
                ..none()
            },
            &[2],
        ),
        (
            PendingFilter {
                affiliate: of("sandra"),
                ..none()
            },
            &[],
        ),
        (
            PendingFilter {
                before: day("2026-11-20T12:00:00Z"),
                ..none()
            },
            &[],
        ),
        (
            PendingFilter {
                before: day("2026-11-21T00:00:00Z"),
                ..none()
            },
            &[2],
        ),
        (
            PendingFilter {
                scope: Some(ProgramId(1)),
                ..none()
            },
            &[2],
        ),
        (
            PendingFilter {
                scope: Some(ProgramId(2)),
                ..none()
            },
            &[],
        ),
    ] {
        assert_eq!(ids(&mut conn, 1, &filter).await, want, "{filter:?}");
    }
    let all = select(&mut conn, OrgId(1), &none()).await.unwrap();
    assert_eq!(all.amounts["USD"], "10.05".parse().unwrap());
    for filter in [
        PendingFilter {
            program: of("nowhere"),
            ..none()
        },
        PendingFilter {
            affiliate: of("nobody"),
            ..none()
        },
        PendingFilter {
            program: of("other-program"),
            ..none()
        },
    ] {
        let error = select(&mut conn, OrgId(1), &filter).await.unwrap_err();
        assert!(error.to_string().ends_with("is not known"), "{error}");
    }
}

fn approval(approved: bool) -> Decision {
    Decision {
        approved,
        caller: Caller {
            author: Author {
                org: OrgId(1),
                actor: Actor::Cli("tester".into()),
                request_id: None,
                now: fixture::now(),
            },
            scope: None,
            dialect: Dialect::Native,
        },
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn only_what_still_waits_is_decided_and_noted(pool: Pool) {
    drop(fixture::world(&pool).await);
    let event_ids = EventIds::new(&"secret".into()).unwrap();
    let chosen = [2, 3, 99].map(CommissionId);
    let mut told = Vec::new();
    let first = decide(&pool, &event_ids, &chosen, &approval(true), |progress| {
        told.push(progress);
    })
    .await;
    assert_eq!(first.unwrap(), Progress { done: 3, changed: 1 });
    assert_eq!(told.len(), 1);
    let again = decide(&pool, &event_ids, &chosen, &approval(false), |_| {}).await;
    assert_eq!(again.unwrap().changed, 0, "a person has decided meanwhile");
    let approved: Option<bool> =
        sqlx::query_scalar("SELECT approved FROM commissions WHERE commission_id = 2")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(approved, Some(true));
    let trail: Vec<String> = sqlx::query_scalar("SELECT subject FROM audit_entries WHERE actor_kind = 'cli'")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(trail, ["commission/2"]);
    let report = ledger_check::run(&pool, fixture::now(), |_| {}).await.unwrap();
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}
