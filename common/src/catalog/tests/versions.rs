//! From when changed rules hold, and what is retired.

use super::*;

/// What is written, by whom and when, with rules that hold from `from`.
fn from(from: DateTime<Utc>) -> SyncOptions<'static> {
    SyncOptions {
        actor: "ada",
        now: now(),
        rules_from: Some(from),
    }
}

/// The versions of a table, oldest first, as their texts.
async fn versions(pool: &Pool, columns: &str, table: &str) -> Vec<String> {
    let statement =
        format!("SELECT concat_ws(' ', valid_from, {columns}) FROM {table} t ORDER BY valid_from");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .fetch_all(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn limits_own_rates_and_groups_are_versions_from_the_time_that_is_given(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    let text = demo_with("cookie_time = 60", "cookie_time = 60\nrecurring_cap = 3")
        .replace("own_rate", "unused")
        .replace(
            "{ coupon = \"FLAT5\", fixed = 5",
            "{ coupon = \"FLAT5\", fixed = 6",
        )
        .replace("group = \"ag_eXampl3\"", "clear = [\"group\"]");
    let back = demo_with(
        "cookie_time = 60",
        "cookie_time = 60\nclear = [\"recurring_cap\"]",
    );
    let june = "2026-06-01T00:00:00Z".parse().unwrap();
    let report = sync_as(&pool, &parse(&text).unwrap(), from(june)).await.unwrap();
    let want = [
        (Thing::Program, vec!["demo/partner-program".to_owned()]),
        (Thing::Affiliate, vec!["demo/goldgary".to_owned()]),
        (
            Thing::Affiliation,
            vec!["demo/flofixed/partner-program".to_owned()],
        ),
    ];
    assert_eq!(changed(&report), want);
    let june = "2026-06-01 00:00:00+00";
    let terms = "coalesce(recurring_cap::text, 'none'), approval";
    let want = [
        "-infinity none immediate".to_owned(),
        format!("{june} 3 immediate"),
    ];
    assert_eq!(versions(&pool, terms, "program_terms").await, want);
    let rate = "own_rate_value::float8";
    let want = ["-infinity 5".to_owned(), format!("{june} 6")];
    assert_eq!(versions(&pool, rate, "affiliation_rates").await, want);
    let group = "coalesce(group_id, 'none')";
    let want = ["-infinity ag_eXampl3".to_owned(), format!("{june} none")];
    assert_eq!(versions(&pool, group, "group_memberships").await, want);
    // The columns say what was declared last, and so the file is what the database says.
    assert!(apply_text(&pool, &text, now()).await.unwrap().is_unchanged());

    // Not earlier than what holds, and then nothing changes.
    let before = everything(&pool).await;
    let may = "2026-05-31T00:00:00Z".parse().unwrap();
    let error = sync_as(&pool, &parse(&back).unwrap(), from(may))
        .await
        .unwrap_err();
    assert!(matches!(error, SyncError::NotLater { .. }), "{error}");
    let want = "program demo/partner-program: its last version holds from 2026-06-01 00:00:00 UTC on, \
                a change must hold from later than that, not from 2026-05-31 00:00:00 UTC";
    assert_eq!(error.to_string(), want);
    assert_eq!(everything(&pool).await, before);
    // A plan.
    let next_year = "2027-01-01T00:00:00Z".parse().unwrap();
    sync_as(&pool, &parse(&back).unwrap(), from(next_year))
        .await
        .unwrap();
    let planned = format!("{} none immediate", "2027-01-01 00:00:00+00");
    assert_eq!(
        versions(&pool, terms, "program_terms").await.last(),
        Some(&planned)
    );
    // What is declared without a time before the plan holds comes right after it, and is told.
    let report = apply_text(&pool, &text, now()).await.unwrap();
    assert_eq!(report.notes.len(), 3, "{:?}", report.notes);
    assert_eq!(
        report.notes[0],
        "program demo/partner-program: its last version holds from 2027-01-01 00:00:00 UTC on, and the new one right after it"
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_is_new_in_a_program_holds_from_the_time_that_is_given(pool: Pool) {
    let june = "2026-06-01T00:00:00Z".parse().unwrap();
    sync_as(&pool, &parse(DEMO).unwrap(), from(june)).await.unwrap();
    let first: Vec<String> = versions(&pool, "identifier", "commission_types").await;
    assert!(
        first.iter().all(|version| version.starts_with("-infinity")),
        "of new programs {first:?}"
    );
    let text = demo_with(
        "flat = { fixed = 7.50 }",
        "flat = { fixed = 7.50 }\nlate.percentage = 1",
    )
    .replace("level-3 = {", "level-4 = { percentage = 1 }\nlevel-3 = {");
    let report = sync_as(&pool, &parse(&text).unwrap(), from(june)).await.unwrap();
    let johns = |id: &str| vec![format!("demo/johns-affiliate-program/{id}")];
    assert_eq!(report.things[&Thing::CommissionType].created, johns("late"));
    assert_eq!(report.things[&Thing::Level].created, johns("level-4"));
    let last = |versions: Vec<String>| versions.last().cloned().unwrap();
    let types = versions(&pool, "identifier", "commission_types").await;
    assert_eq!(last(types), "2026-06-01 00:00:00+00 late");
    let levels = versions(&pool, "level", "program_levels").await;
    assert_eq!(last(levels), "2026-06-01 00:00:00+00 4");
}

/// Retired since the first time it was said, and offered again when it is no more said.
#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_is_retired_says_since_when(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    let text = demo_with("choices = []", "choices = [], retired = true")
        .replace("cookie_time = 60", "cookie_time = 60\nretired = true")
        .replace(
            "flat = { fixed = 7.50 }",
            "flat = { fixed = 7.50, retired = true }",
        )
        .replace(
            "\"Level 3\", percentage",
            "\"Level 3\", retired = true, percentage",
        )
        .replace("target = 1_000\n", "target = 1_000\nretired = true\n");
    let since = now() + TimeDelta::hours(1);
    let report = apply_text(&pool, &text, since).await.unwrap();
    let johns = |id: &str| vec![format!("demo/johns-affiliate-program/{id}")];
    let want = [
        (Thing::CustomField, vec!["demo/field1".to_owned()]),
        (Thing::Program, vec!["demo/partner-program".to_owned()]),
        (Thing::CommissionType, johns("flat")),
        (Thing::Level, johns("level-3")),
        (Thing::Bonus, johns("sales-bonus")),
    ];
    assert_eq!(changed(&report), want);
    let later = since + TimeDelta::days(1);
    assert!(apply_text(&pool, &text, later).await.unwrap().is_unchanged());
    let retired = || async {
        let (found,): (Vec<DateTime<Utc>>,) = sqlx::query_as(
            "SELECT array_agg(at) FROM (
                 SELECT retired_at FROM programs UNION ALL SELECT retired_at FROM program_bonuses
                 UNION ALL SELECT retired_at FROM custom_fields
                 UNION ALL SELECT valid_from FROM commission_types WHERE retired
                 UNION ALL SELECT valid_from FROM program_levels WHERE retired) t (at)
             WHERE at IS NOT NULL",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        found
    };
    assert_eq!(retired().await, [since; 5]);
    let mut conn = pool.acquire().await.unwrap();
    let trail = audit::list(&mut conn, &AuditFilter::default(), 5).await.unwrap();
    assert!(
        trail.iter().all(|entry| {
            let after = entry.after.as_ref().unwrap();
            after["retired"] == true || after["retired_at"].is_string()
        }),
        "{trail:?}"
    );
    // A file that says nothing of it leaves it retired.
    assert!(apply_text(&pool, DEMO, later).await.unwrap().is_unchanged());
    let back = text.replace("retired = true", "retired = false");
    let report = apply_text(&pool, &back, later).await.unwrap();
    assert_eq!(changed(&report), want);
    // Types and levels keep the version that was retired: it says what held meanwhile.
    assert_eq!(retired().await, [since; 2]);
}
