//! What Affitor's integrators ask while they set up: have test events come, and is the program ready?

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Connection, DbError, id_range::first_id_at};
use crate::domain::{OrgId, ProgramId};

/// How far back test events are looked for.
pub const TEST_WINDOW: TimeDelta = TimeDelta::hours(24);
/// Test events that are counted, of each kind and way in which they can name the program (slug or number, with a key or
/// without): enough to see that something comes.
pub const MAX_TEST_EVENTS: i64 = 1_000;
/// Clicks and sales of the organisation, newest first, among which one of the program is looked for.
const MAX_LOOKED_AT: i64 = 10_000;

/// Recent test events by what they imitate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestCounts {
    pub click: i64,
    pub lead: i64,
    pub sale: i64,
}

/// Test events of the last [`TEST_WINDOW`] that name `program` by its slug or number. Without `org` (nobody has shown a
/// key) a program counts only if no other organisation has one of this name.
pub async fn test_counts(
    conn: &mut Connection,
    org: Option<OrgId>,
    program: &str,
    now: DateTime<Utc>,
) -> Result<TestCounts, DbError> {
    // Who tests without a key names only the program: such an event belongs to no organisation, or to the program's. Each
    // kind, and each way in which an event can name the program, has its own limit: tests without a key cannot hide the others.
    sqlx::query_as!(
        TestCounts,
        r#"WITH named AS (
             SELECT org_id, slug, program_id::text AS number FROM programs
              WHERE ($1::bigint IS NULL OR org_id = $1) AND (slug = $2 OR program_id::text = $2)),
         program AS (SELECT * FROM named WHERE (SELECT count(*) FROM named) = 1),
         way AS (
             SELECT o.org_id, n.name, k.what
               FROM program p, unnest(ARRAY[0, p.org_id]) o (org_id), unnest(ARRAY[p.slug, p.number]) n (name),
                    unnest(ARRAY['click', 'lead', 'sale']) k (what)
              GROUP BY o.org_id, n.name, k.what)
         SELECT count(*) FILTER (WHERE w.what = 'click') AS "click!",
                count(*) FILTER (WHERE w.what = 'lead') AS "lead!",
                count(*) FILTER (WHERE w.what = 'sale') AS "sale!"
           FROM way w
          CROSS JOIN LATERAL (
             SELECT FROM events e
              WHERE e.org_id = w.org_id AND e.body -> 'test' ->> 'program' = w.name
                AND e.body -> 'test' ->> 'what' = w.what AND e.kind = 'test' AND e.event_id >= $3
              LIMIT $4) t"#,
        org.map(|org| org.0),
        program,
        first_id_at(now - TEST_WINDOW),
        MAX_TEST_EVENTS
    )
    .fetch_one(conn)
    .await
    .map_err(|error| DbError::new("affitor.test_counts", error))
}

/// What a program has and what has come for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a gate of its own")]
pub struct Readiness {
    pub program: String,
    pub number: i64,
    /// A host is its own, or that of its landing page is its organisation's, so that clicks without a key find it by any of
    /// its codes. (Otherwise only by codes that no other organisation has.)
    pub has_landing_page: bool,
    /// Its default commission type brings something.
    pub has_commission: bool,
    /// Somebody is approved and has a code.
    pub has_affiliate: bool,
    pub has_click: bool,
    pub has_sale: bool,
}

/// Of the program `scope` to which the key is bound, else of the organisation's default. `None`: there is none.
pub async fn readiness(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
) -> Result<Option<Readiness>, DbError> {
    sqlx::query_as!(
        Readiness,
        r#"SELECT p.slug AS program, p.program_id AS number,
                EXISTS (SELECT FROM program_hosts h
                         WHERE h.org_id = p.org_id
                           AND (h.program_id = p.program_id
                                OR h.host = lower(substring(p.landing_page FROM '^https?://([^/:?#]+)')))) AS "has_landing_page!",
                EXISTS (SELECT FROM commission_types t
                         WHERE t.org_id = p.org_id AND t.program_id = p.program_id AND t.identifier = p.default_type
                           AND t.value > 0) AS "has_commission!",
                EXISTS (SELECT FROM affiliations f
                         WHERE f.org_id = p.org_id AND f.program_id = p.program_id AND f.approved
                           AND f.referral_code IS NOT NULL) AS "has_affiliate!",
                EXISTS (SELECT FROM (SELECT k.program_id FROM clicks k WHERE k.org_id = $1
                                      ORDER BY k.click_id DESC LIMIT $3) latest
                         WHERE latest.program_id = p.program_id) AS "has_click!",
                EXISTS (SELECT FROM (SELECT c.program_id FROM conversions c WHERE c.org_id = $1
                                      ORDER BY c.conversion_id DESC LIMIT $3) latest
                         WHERE latest.program_id = p.program_id) AS "has_sale!"
           FROM programs p
          WHERE p.org_id = $1 AND CASE WHEN $2::bigint IS NULL THEN p.is_default ELSE p.program_id = $2 END"#,
        org.0,
        scope.map(|program| program.0),
        MAX_LOOKED_AT
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("affitor.readiness", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn test_events_are_counted_by_program_and_tenant(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let at = |hours: i64| first_id_at(fixture::now() - TimeDelta::hours(hours)).as_u128();
        let rows = [
            (at(1) + 1, 1, "click", "johns"),
            (at(1) + 2, 1, "sale", "1"),
            (at(1) + 3, 0, "lead", "johns"),
            (at(1) + 4, 2, "click", "johns"),
            (at(25) + 1, 1, "lead", "johns"),
            (at(1) + 5, 1, "click", "partner"),
        ];
        for (id, org, what, program) in rows {
            sqlx::query(
                "INSERT INTO events (event_id, org_id, kind, dialect, status, received_at, trusted, body)
                 VALUES ($1, $2, 'test', 'affitor', 'applied', now(), true,
                         json_build_object('test', json_build_object('what', $3::text, 'program', $4::text)))",
            )
            .bind(uuid::Uuid::from_u128(id))
            .bind(org)
            .bind(what)
            .bind(program)
            .execute(&mut *conn)
            .await
            .unwrap();
        }
        let counts = async |conn: &mut Connection, org: Option<i64>, program: &str| {
            let found = test_counts(conn, org.map(OrgId), program, fixture::now()).await;
            let TestCounts { click, lead, sale } = found.unwrap();
            (click, lead, sale)
        };
        for org in [None, Some(1)] {
            assert_eq!(counts(&mut conn, org, "johns").await, (1, 1, 1));
            assert_eq!(counts(&mut conn, org, "1").await, (1, 1, 1), "by number");
            assert_eq!(counts(&mut conn, org, "nowhere").await, (0, 0, 0));
        }
        assert_eq!(
            counts(&mut conn, Some(2), "johns").await,
            (0, 0, 0),
            "another tenant's"
        );
        sqlx::raw_sql("INSERT INTO programs (org_id, program_id, slug, title, currency) VALUES (2, 4, 'johns', 'J', 'USD')")
            .execute(&mut *conn)
            .await
            .unwrap();
        assert_eq!(counts(&mut conn, None, "johns").await, (0, 0, 0), "whose?");
        assert_eq!(counts(&mut conn, Some(1), "johns").await, (1, 1, 1));
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn only_so_many_test_events_are_counted_and_others_hide_none(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        // The program's own sale and a lead, and later so many clicks without a key or of others: on the program itself, and elsewhere.
        for (first, count, org, what, program) in [
            (1, 1, 1, "sale", "johns"),
            (2, 1, 0, "lead", "johns"),
            (10, MAX_TEST_EVENTS + 1, 0, "click", "johns"),
            (10_000, MAX_TEST_EVENTS + 1, 0, "lead", "elsewhere"),
            (20_000, MAX_TEST_EVENTS + 1, 2, "lead", "johns"),
        ] {
            sqlx::query(
                "INSERT INTO events (event_id, org_id, kind, dialect, status, received_at, trusted, body)
                 SELECT ($1::text || lpad(to_hex(n), 12, '0'))::uuid, $4, 'test', 'affitor', 'applied', now(), false,
                        json_build_object('test', json_build_object('what', $5::text, 'program', $6::text))
                   FROM generate_series($2, $2 + $3 - 1) n",
            )
            .bind(&first_id_at(fixture::now()).to_string()[..24])
            .bind(first)
            .bind(count)
            .bind(org)
            .bind(what)
            .bind(program)
            .execute(&mut *conn)
            .await
            .unwrap();
        }
        for org in [None, Some(OrgId(1))] {
            let found = test_counts(&mut conn, org, "johns", fixture::now())
                .await
                .unwrap();
            let want = TestCounts {
                click: MAX_TEST_EVENTS,
                lead: 1,
                sale: 1,
            };
            assert_eq!(found, want, "{org:?}");
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_program_is_ready_gate_by_gate(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let gates = async |conn: &mut Connection, org, scope: Option<i64>| {
            let found = readiness(conn, OrgId(org), scope.map(ProgramId)).await.unwrap()?;
            let gates = [
                found.has_landing_page,
                found.has_commission,
                found.has_affiliate,
                found.has_click,
                found.has_sale,
            ];
            Some((found.program, gates))
        };
        let johns = |gates| Some(("johns".to_owned(), gates));
        assert_eq!(
            gates(&mut conn, 1, None).await,
            johns([false, false, false, false, true])
        );
        sqlx::raw_sql(
            "INSERT INTO program_hosts VALUES ('shop.example', 1, 1), ('other.example', 2, 3);
             INSERT INTO commission_types (org_id, program_id, identifier, title, form, value)
             VALUES (1, 1, 'standard', 'standard', 'percentage', 10);
             UPDATE affiliations SET referral_code = 'jane1' WHERE affiliate_id = 1;
             INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
                                 created_at, clicked_at)
             VALUES (1, 1, 1, 1, 'jane1', gen_random_uuid(), 'affitor', false, now(), now())",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        assert_eq!(gates(&mut conn, 1, None).await, johns([true; 5]));
        let partner = gates(&mut conn, 1, Some(2)).await;
        assert_eq!(partner, Some(("partner".to_owned(), [false; 5])));
        // A page under a host that another program of the organisation holds; then under another organisation's.
        for (page, passes) in [
            ("https://Shop.example/pricing", true),
            ("https://other.example/", false),
        ] {
            sqlx::query("UPDATE programs SET landing_page = $1 WHERE program_id = 2")
                .bind(page)
                .execute(&mut *conn)
                .await
                .unwrap();
            let (_, [landing_page, ..]) = gates(&mut conn, 1, Some(2)).await.unwrap();
            assert_eq!(landing_page, passes, "{page}");
        }
        assert_eq!(gates(&mut conn, 2, Some(1)).await, None, "another tenant's");
    }
}
