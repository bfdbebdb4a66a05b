use serde_json::json;

use super::*;
use crate::runtime::Clock;

async fn org(pool: &Pool) -> OrgId {
    let org: i64 =
        sqlx::query_scalar("INSERT INTO orgs (slug, title) VALUES ('demo', 'Demo') RETURNING org_id")
            .fetch_one(pool)
            .await
            .unwrap();
    OrgId(org)
}

fn author(org: OrgId) -> Author {
    Author {
        org,
        actor: Actor::Key {
            key_id: 7,
            owner: "John Tapper".into(),
        },
        request_id: Some("request-1".into()),
        now: Clock::default().now(),
    }
}

fn sent(hash: &str) -> Idempotency {
    Idempotency::plain("once".into(), hash.into())
}

fn answer() -> Answer {
    Answer {
        status: 200,
        body: Some(r#"{"z":1,"a":2}"#.into()),
    }
}

async fn fresh(pool: &Pool, org: OrgId, idempotency: Option<Idempotency>) -> Changeset {
    match begin(pool, author(org), idempotency).await.unwrap() {
        Begun::Fresh(change) => change,
        Begun::Repeated(answer) => panic!("repeated: {answer:?}"),
    }
}

async fn count(pool: &Pool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_repeated_change_gets_the_first_answer_and_another_is_told(pool: Pool) {
    let org = org(&pool).await;
    fresh(&pool, org, Some(sent("a1")))
        .await
        .finish(&answer())
        .await
        .unwrap();
    let again = begin(&pool, author(org), Some(sent("a1"))).await.unwrap();
    assert!(matches!(again, Begun::Repeated(first) if first == answer()));
    let other = begin(&pool, author(org), Some(sent("b2"))).await.unwrap_err();
    assert!(matches!(other, ChangeError::ReusedKey));
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_is_not_finished_does_not_hold(pool: Pool) {
    let org = org(&pool).await;
    let mut change = fresh(&pool, org, Some(sent("a1"))).await;
    change.note("affiliate.create", "affiliate/jane", None, Some(json!({})));
    drop(change);
    fresh(&pool, org, Some(sent("b2"))).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM audit_entries").await, 0);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_change_is_in_the_audit_trail_and_what_changed_nothing_is_not(pool: Pool) {
    let org = org(&pool).await;
    for name in ["a", "b"] {
        let mut change = fresh(&pool, org, None).await;
        change.note(
            "affiliate.rename",
            name,
            Some(json!({"n": 1})),
            Some(json!({"n": 2})),
        );
        change.note("affiliate.rename", "same", Some(json!({})), Some(json!({})));
        change.finish(&answer()).await.unwrap();
    }
    let chained = "SELECT count(*) FROM (
        SELECT hash = audit_hash(coalesce(lag(hash) OVER (ORDER BY entry), ''), e) AS holds
        FROM audit_entries e WHERE subject IN ('a', 'b')) checked WHERE holds";
    assert_eq!(count(&pool, chained).await, 2);
    let head =
        "SELECT count(*) FROM audit_heads h JOIN audit_entries e USING (org_id, entry, hash) WHERE entry = 2";
    assert_eq!(count(&pool, head).await, 1);
}

/// Neither may a second change begin before the first has ended.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn changes_of_one_catalog_follow_each_other(pool: Pool) {
    let org = org(&pool).await;
    let first = fresh(&pool, org, None).await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { fresh(&pool, org, None).await.finish(&answer()).await }
    });
    while count(&pool, waiting).await == 0 {
        assert!(!second.is_finished());
        tokio::task::yield_now().await;
    }
    first.finish(&answer()).await.unwrap();
    second.await.unwrap().unwrap();
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_group_is_a_version_from_the_change_on(pool: Pool) {
    let org = org(&pool).await;
    sqlx::raw_sql(
        "INSERT INTO affiliate_groups SELECT org_id, 'gold', 'Gold' FROM orgs;
         INSERT INTO affiliates (org_id, slug, firstname, lastname) SELECT org_id, 'jane', '', '' FROM orgs",
    )
    .execute(&pool)
    .await
    .unwrap();
    for group in [Some("gold"), Some("gold"), None] {
        let mut change = fresh(&pool, org, None).await;
        group_of::set(&mut change, "jane", group).await.unwrap();
        change.finish(&answer()).await.unwrap();
    }
    let versions: Vec<(bool, Option<String>)> = sqlx::query_as(
        "SELECT valid_from = '-infinity', group_id FROM group_memberships ORDER BY valid_from",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let want = [(true, None), (false, Some("gold".to_owned())), (false, None)];
    assert_eq!(versions, want, "the same group again is no change");
}
