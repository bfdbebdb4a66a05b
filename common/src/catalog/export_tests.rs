//! An export is a catalog file.

use chrono::{DateTime, Utc};

use super::*;
use crate::db::Pool;

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn apply(pool: &Pool, text: &str) -> Result<SyncReport, SyncError> {
    sync(pool, &parse(text).unwrap(), now()).await
}

async fn exported(pool: &Pool, with_secrets: bool) -> String {
    let options = ExportOptions {
        org: None,
        with_secrets,
    };
    export(pool, options).await.unwrap()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_export_changes_nothing_where_it_comes_from(pool: Pool) {
    apply(&pool, DEMO).await.unwrap();
    for with_secrets in [false, true] {
        let text = exported(&pool, with_secrets).await;
        assert_eq!(text.contains("demo-pixel-secret"), with_secrets);
        let report = apply(&pool, &text).await.unwrap();
        assert!(report.is_unchanged(), "{report:?}\n{text}");
        assert_eq!(report.things[&Thing::Affiliate].unchanged, 10);
        assert_eq!(exported(&pool, with_secrets).await, text);
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_export_makes_the_same_world_elsewhere(pool: Pool) {
    apply(&pool, DEMO).await.unwrap();
    sqlx::raw_sql(
        r#"UPDATE api_keys SET name = 'the shop''s "backend"', hint = 'ck_live_x' WHERE name = 'demo-key';
           UPDATE api_keys SET name = 'the shop''s "backend"' WHERE name = 'demo-read-key';
           UPDATE affiliates SET firstname = E'Q"u\\o\nte', profile = jsonb_set(profile, '{meta_data}', '{"a.b c": [1, 2.50]}')
           WHERE slug = 'goldgary'"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    let text = exported(&pool, true).await;
    let keys = "SELECT encode(key_hash, 'hex') || name || hint || scopes::text FROM api_keys ORDER BY 1";
    let keys_before: Vec<String> = sqlx::query_scalar(keys).fetch_all(&pool).await.unwrap();
    sqlx::query("TRUNCATE orgs CASCADE").execute(&pool).await.unwrap();
    apply(&pool, &text).await.unwrap();
    assert_eq!(exported(&pool, true).await, text);
    let keys_after: Vec<String> = sqlx::query_scalar(keys).fetch_all(&pool).await.unwrap();
    assert_eq!(keys_after, keys_before);
    // Without the secret of the pixel it says what is missing.
    let text = text.replace("secret = \"demo-pixel-secret\", ", "");
    sqlx::query("TRUNCATE orgs CASCADE").execute(&pool).await.unwrap();
    let error = apply(&pool, &text).await.unwrap_err().to_string();
    assert!(
        error.ends_with("pixel key \"demo-pixel\": secret is missing"),
        "{error}"
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_is_gone_is_not_exported(pool: Pool) {
    apply(&pool, DEMO).await.unwrap();
    sqlx::raw_sql(
        "UPDATE affiliates SET deleted_at = now() WHERE slug = 'patpartner';
         UPDATE api_keys SET revoked_at = now() WHERE name = 'demo-read-key';
         UPDATE pixel_keys SET revoked_at = now();
         UPDATE custom_fields SET retired_at = now();
         UPDATE program_bonuses SET retired_at = now();
         UPDATE commission_types SET retired = true WHERE identifier = 'flat';
         UPDATE programs SET retired_at = now() WHERE slug = 'partner-program'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let text = exported(&pool, true).await;
    for gone in [
        "patpartner",
        "read-key",
        "pixel",
        "field1",
        "bonus",
        "flat",
        "partner-program",
    ] {
        assert!(!text.contains(gone), "{gone} is in\n{text}");
    }
    assert!(text.contains("[orgs.demo.affiliates.flofixed]"));
    let report = apply(&pool, &text).await.unwrap();
    assert!(report.is_unchanged(), "{report:?}");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_export_reads_like_the_demo(pool: Pool) {
    let file = "[orgs.tea]\ntitle = 'The tea shop'\n[orgs.tea.programs.friends]\ncurrency = 'EUR'\n\
        types.standard.percentage = 12\nlevels.level-2.percentage = 1.5\n\
        [orgs.tea.affiliates.mint]\nfirstname = 'Mint'\nlastname = 'Leaf'\nprograms.friends.coupon = 'MINT10'\n";
    apply(&pool, file).await.unwrap();
    let text = exported(&pool, false).await;
    let (_, body) = text.split_once("\n\n").unwrap();
    let want = r#"[orgs.tea]
title = "The tea shop"
affiliates_feature = true

[orgs.tea.programs.friends]
title = "friends"
default = false
currency = "EUR"
cookie_time = 45
recurring = false
approval = "manual"
default_type = "standard"
keyed_leads_only = false

[orgs.tea.programs.friends.types]
standard = { title = "standard", percentage = 12, count_towards_cap = true, recurrence = "once" }

[orgs.tea.programs.friends.levels]
level-2 = { title = "Level 2", percentage = 1.5 }

[orgs.tea.affiliates.mint]
firstname = "Mint"
lastname = "Leaf"

[orgs.tea.affiliates.mint.programs]
friends = { status = "approved", coupon = "MINT10", ignore_product_rate = false }
"#;
    assert_eq!(body, want);
}
