use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::*;
use crate::{
    db::{
        self, Connection, Pool,
        audit::{Actor, Author, Note, append},
    },
    domain::OrgId,
};

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn write(conn: &mut Connection, org: i64, actor: Actor, subjects: &[&str]) {
    let notes: Vec<Note> = subjects
        .iter()
        .map(|subject| Note {
            action: "affiliate.create".into(),
            subject: (*subject).to_owned(),
            before: None,
            after: Some(json!({"name": subject})),
            event: None,
        })
        .collect();
    let author = Author {
        org: OrgId(org),
        actor,
        request_id: None,
        now: now(),
    };
    append(conn, &author, &notes).await.unwrap();
}

/// Two trails, of five entries and of one.
async fn world(pool: &Pool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO orgs (org_id, slug, title) VALUES (1, 'one', 'One'), (2, 'two', 'Two'), (3, 'none', 'None')",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let ada = || Actor::Cli("ada".into());
    write(&mut conn, 1, ada(), &["affiliate/a", "affiliate/b"]).await;
    let key = Actor::Key {
        key_id: 7,
        owner: "John".into(),
    };
    write(&mut conn, 1, key, &["affiliate/c", "affiliation/a/p"]).await;
    write(&mut conn, 1, ada(), &["affiliate/a"]).await;
    write(&mut conn, 2, ada(), &["affiliate/a"]).await;
    conn
}

/// What a tampered trail of organisation 1 is told to be.
async fn faults(pool: &Pool, tampering: &'static str) -> Vec<(i64, FaultKind)> {
    let mut conn = world(pool).await;
    sqlx::raw_sql("ALTER TABLE audit_entries DISABLE TRIGGER ALL")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::raw_sql(tampering).execute(&mut *conn).await.unwrap();
    let report = verify(pool, None, |_| {}).await.unwrap();
    assert_eq!(report.faulty, report.faults.len() as u64);
    assert!(report.faults.iter().all(|fault| fault.org == "one"), "{report:?}");
    let other = verify(pool, Some(OrgId(2)), |_| {}).await.unwrap();
    assert_eq!(other.faulty, 0, "another tenant's is not touched");
    report
        .faults
        .iter()
        .map(|fault| (fault.entry, fault.what))
        .collect()
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_untouched_trail_holds(pool: Pool) {
    let mut conn = world(&pool).await;
    assert_eq!(count(&mut conn, None).await.unwrap(), 6);
    let mut seen = 0;
    let report = verify(&pool, None, |more| seen += more).await.unwrap();
    assert_eq!((seen, report.faulty), (6, 0), "{report:?}");
    let trails: Vec<_> = report
        .trails
        .iter()
        .map(|trail| (trail.org.as_str(), trail.entries, trail.last, trail.hash.len()))
        .collect();
    assert_eq!(trails, [("one", 5, 5, 64), ("two", 1, 1, 64)]);
    let refused = sqlx::query("UPDATE audit_entries SET actor = 'eve'")
        .execute(&mut *conn)
        .await;
    assert!(refused.unwrap_err().to_string().contains("append-only"));
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_changed_entry_is_named(pool: Pool) {
    let tampering = "UPDATE audit_entries SET after = '{}' WHERE org_id = 1 AND entry = 3";
    assert_eq!(faults(&pool, tampering).await, [(3, FaultKind::Changed)]);
}

/// Whoever computes its hash anew is betrayed by the next entry.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_changed_entry_with_a_fitting_hash_is_found(pool: Pool) {
    let tampering = "UPDATE audit_entries SET actor = 'eve' WHERE org_id = 1 AND entry = 3;
        UPDATE audit_entries e SET hash = audit_hash(p.hash, e) FROM audit_entries p
         WHERE e.org_id = 1 AND e.entry = 3 AND p.org_id = 1 AND p.entry = 2";
    assert_eq!(faults(&pool, tampering).await, [(4, FaultKind::Changed)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_changed_last_entry_with_a_fitting_hash_is_found(pool: Pool) {
    let tampering = "UPDATE audit_entries SET actor = 'eve' WHERE org_id = 1 AND entry = 5;
        UPDATE audit_entries e SET hash = audit_hash(p.hash, e) FROM audit_entries p
         WHERE e.org_id = 1 AND e.entry = 5 AND p.org_id = 1 AND p.entry = 4";
    assert_eq!(faults(&pool, tampering).await, [(5, FaultKind::Head)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_removed_entry_is_named(pool: Pool) {
    let tampering = "DELETE FROM audit_entries WHERE org_id = 1 AND entry IN (2, 3)";
    assert_eq!(faults(&pool, tampering).await, [(2, FaultKind::Removed)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn the_last_entries_cannot_be_cut_off(pool: Pool) {
    let tampering = "DELETE FROM audit_entries WHERE org_id = 1 AND entry > 3";
    assert_eq!(faults(&pool, tampering).await, [(4, FaultKind::Removed)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_removed_entry_is_found_when_the_others_move_up(pool: Pool) {
    let tampering = "DELETE FROM audit_entries WHERE org_id = 1 AND entry = 4;
        UPDATE audit_entries SET entry = 4 WHERE org_id = 1 AND entry = 5";
    let found = faults(&pool, tampering).await;
    assert_eq!(found, [(4, FaultKind::Changed), (5, FaultKind::Removed)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_inserted_entry_is_named(pool: Pool) {
    let tampering = "INSERT INTO audit_entries
        SELECT org_id, 6, at, actor_kind, actor, key_id, request_id, event_id, action, 'affiliate/eve', before, after, hash
          FROM audit_entries WHERE org_id = 1 AND entry = 5";
    assert_eq!(faults(&pool, tampering).await, [(6, FaultKind::Inserted)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_missing_head_is_told(pool: Pool) {
    let tampering = "DELETE FROM audit_heads WHERE org_id = 1";
    assert_eq!(faults(&pool, tampering).await, [(5, FaultKind::Head)]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn entries_are_filtered_and_tenants_do_not_meet(pool: Pool) {
    let mut conn = world(&pool).await;
    let of_one = || AuditFilter {
        org: Some(OrgId(1)),
        ..AuditFilter::default()
    };
    let text = |text: &str| Some(text.to_owned());
    for (filter, want) in [
        (of_one(), [5, 4, 3, 2, 1].as_slice()),
        (
            AuditFilter {
                subject: text("affiliate/a"),
                ..of_one()
            },
            &[5, 1],
        ),
        (
            AuditFilter {
                subject: text("affiliate"),
                ..of_one()
            },
            &[5, 3, 2, 1],
        ),
        (
            AuditFilter {
                subject: text("affiliation/a"),
                ..of_one()
            },
            &[4],
        ),
        (
            AuditFilter {
                subject: text("aff"),
                ..of_one()
            },
            &[],
        ),
        (
            AuditFilter {
                action: text("affiliate"),
                ..of_one()
            },
            &[5, 4, 3, 2, 1],
        ),
        (
            AuditFilter {
                action: text("affiliate.delete"),
                ..of_one()
            },
            &[],
        ),
        (
            AuditFilter {
                actor: text("ada"),
                ..of_one()
            },
            &[5, 2, 1],
        ),
        (
            AuditFilter {
                actor: text("key"),
                ..of_one()
            },
            &[4, 3],
        ),
        (
            AuditFilter {
                before: Some(3),
                ..of_one()
            },
            &[2, 1],
        ),
        (
            AuditFilter {
                since: Some(now() + TimeDelta::hours(1)),
                ..of_one()
            },
            &[],
        ),
        (
            AuditFilter {
                org: Some(OrgId(2)),
                ..AuditFilter::default()
            },
            &[1],
        ),
    ] {
        let found = list(&mut conn, &filter, 100).await.unwrap();
        let found: Vec<_> = found.iter().map(|entry| entry.entry).collect();
        assert_eq!(found, want, "{filter:?}");
    }
    let all = list(&mut conn, &AuditFilter::default(), 3).await.unwrap();
    assert_eq!((all.len(), all[0].org.as_str()), (3, "one"));
}
