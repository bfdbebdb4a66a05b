//! The migrations that change names, over rows of the version before: click names and sessions of organisations, codes in one spelling.

use sqlx::migrate::Migrator;

use super::{MIGRATOR, Pool};

/// The last migration of the version before.
const BEFORE: i64 = 34;

/// Coupons 1 and 2 differ in what nobody sees and in nothing else, so neither is changed; 3 is decomposed, 4 has a zero-width space.
const HISTORY: &str = "
    INSERT INTO orgs (org_id, slug, title) VALUES (1, 'one', 'One'), (2, 'two', 'Two');
    INSERT INTO programs (org_id, program_id, slug, title, currency, is_default) VALUES (1, 1, 'p', 'P', 'USD', true);
    INSERT INTO affiliates (org_id, affiliate_id, slug, firstname, lastname)
    SELECT 1, number, 'a' || number, 'A', 'A' FROM generate_series(1, 5) number;
    INSERT INTO affiliations (org_id, program_id, affiliate_id, coupon, coupon_folded, referral_code)
    VALUES (1, 1, 1, 'SAVE', 'save', E'nwju\\u0308n'),
           (1, 1, 2, E'SAV\\u200bE', E'sav\\u200be', E'nw\\u00fcn'),
           (1, 1, 3, E'CAFE\\u0301', E'cafe\\u0301', E'o\\u0308l'),
           (1, 1, 4, E'TEN\\u200b', E'ten\\u200b', E'\\u00f6ll'),
           (1, 1, 5, 'PLAIN', 'plain', NULL);
    INSERT INTO clicks (org_id, click_id, name, program_id, affiliate_id, referral_code, event_id, dialect, trusted, created_at, clicked_at)
    VALUES (1, 7, 'click-1', 1, 1, 'x', gen_random_uuid(), 'affy', false, now(), now());
    INSERT INTO sessions (session, org_id, click_id) VALUES ('s1', 1, 7);";

/// As a worker of the version before notes a session.
const NOTE_OF_BEFORE: &str = "INSERT INTO sessions AS s (session, org_id, click_id) VALUES ('s1', 1, 8)
     ON CONFLICT ON CONSTRAINT sessions_pkey DO UPDATE SET click_id = excluded.click_id WHERE s.org_id = excluded.org_id";

const OF_ANOTHER: &str = "
    INSERT INTO clicks (org_id, click_id, name, program_id, affiliate_id, referral_code, event_id, dialect, trusted, created_at, clicked_at)
    VALUES (2, 9, 'click-1', 1, 1, 'x', gen_random_uuid(), 'affy', false, now(), now());
    INSERT INTO sessions (session, org_id, click_id) VALUES ('s1', 2, 9);";

#[sqlx::test]
async fn names_of_before_stay_and_may_come_again_elsewhere(pool: Pool) {
    let before = MIGRATOR.iter().filter(|migration| migration.version <= BEFORE);
    let before = Migrator::with_migrations(before.cloned().collect());
    before.run(&pool).await.unwrap();
    sqlx::raw_sql(HISTORY).execute(&pool).await.unwrap();
    MIGRATOR.run(&pool).await.unwrap();
    let codes: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws(' ', affiliate_id, coupon_folded, referral_code) FROM affiliations ORDER BY affiliate_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(
        codes,
        [
            "1 save nwj\u{fc}n",
            "2 sav\u{200b}e nw\u{fc}n",
            "3 caf\u{e9} \u{f6}l",
            "4 ten \u{f6}ll",
            "5 plain",
        ]
    );
    sqlx::raw_sql(NOTE_OF_BEFORE).execute(&pool).await.unwrap();
    sqlx::raw_sql(OF_ANOTHER).execute(&pool).await.unwrap();
    let sessions: Vec<String> =
        sqlx::query_scalar("SELECT concat_ws(' ', session, org_id, click_id) FROM sessions ORDER BY org_id")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(sessions, ["s1 1 8", "s1 2 9"]);
}
