//! Applying on a real database.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::types::Json;
use strum::IntoEnumIterator as _;

use super::*;
use crate::{
    db::Pool,
    domain::catalog::GroupOverride,
    reads::audit::{self, AuditFilter},
};

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn apply_text(pool: &Pool, text: &str, at: DateTime<Utc>) -> Result<SyncReport, SyncError> {
    sync(pool, &parse(text).unwrap(), at).await
}

/// The demo with one thing said differently.
fn demo_with(from: &str, to: &str) -> String {
    assert_eq!(
        DEMO.matches(from).count(),
        1,
        "{from} must stand once in the demo"
    );
    DEMO.replace(from, to)
}

fn changed(report: &SyncReport) -> Vec<(Thing, Vec<String>)> {
    assert!(
        report.things.values().all(|changes| changes.created.is_empty()),
        "{report:?}"
    );
    let things = report
        .things
        .iter()
        .filter(|(_, changes)| !changes.changed.is_empty());
    things
        .map(|(thing, changes)| (*thing, changes.changed.clone()))
        .collect()
}

/// All rows of the catalog's tables.
async fn everything(pool: &Pool) -> Value {
    let (Json(all),): (Json<Value>,) = sqlx::query_as(
        "SELECT jsonb_build_object(
            'orgs', (SELECT jsonb_agg(t ORDER BY t::text) FROM orgs t),
            'programs', (SELECT jsonb_agg(t ORDER BY t::text) FROM programs t),
            'assets', (SELECT jsonb_agg(t ORDER BY t::text) FROM program_assets t),
            'groups', (SELECT jsonb_agg(t ORDER BY t::text) FROM affiliate_groups t),
            'types', (SELECT jsonb_agg(t ORDER BY t::text) FROM commission_types t),
            'levels', (SELECT jsonb_agg(t ORDER BY t::text) FROM program_levels t),
            'bonuses', (SELECT jsonb_agg(t ORDER BY t::text) FROM program_bonuses t),
            'fields', (SELECT jsonb_agg(t ORDER BY t::text) FROM custom_fields t),
            'affiliates', (SELECT jsonb_agg(t ORDER BY t::text) FROM affiliates t),
            'affiliations', (SELECT jsonb_agg(t ORDER BY t::text) FROM affiliations t),
            'keys', (SELECT jsonb_agg(t ORDER BY t::text) FROM api_keys t),
            'pixels', (SELECT jsonb_agg(t ORDER BY t::text) FROM pixel_keys t))",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    all
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_second_apply_changes_nothing(pool: Pool) {
    let first = apply_text(&pool, DEMO, now()).await.unwrap();
    let created: Vec<_> = first
        .things
        .iter()
        .map(|(thing, changes)| (*thing, changes.created.len()))
        .collect();
    let want = [3, 1, 1, 3, 3, 5, 2, 1, 10, 10, 5, 1];
    assert_eq!(created, Thing::iter().zip(want).collect::<Vec<_>>());
    assert!(
        first
            .things
            .values()
            .all(|changes| changes.changed.len() + changes.unchanged == 0),
        "{first:?}"
    );
    assert!(
        first.things[&Thing::CommissionType]
            .created
            .contains(&"demo/johns-affiliate-program/flat".to_owned())
    );

    let before = everything(&pool).await;
    let second = apply_text(&pool, DEMO, now() + TimeDelta::days(1)).await.unwrap();
    assert!(second.is_unchanged(), "{second:?}");
    assert_eq!(second.things[&Thing::Affiliate].unchanged, 10);
    assert_eq!(everything(&pool).await, before);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_an_apply_changes_is_in_the_audit_trail(pool: Pool) {
    let count = |report: &SyncReport| {
        let each = report.things.values();
        each.map(|changes| changes.created.len() + changes.changed.len())
            .sum::<usize>()
    };
    let of_demo = || AuditFilter {
        actor: Some("catalog".to_owned()),
        ..AuditFilter::default()
    };
    let mut conn = pool.acquire().await.unwrap();
    let created = apply_text(&pool, DEMO, now()).await.unwrap();
    let entries = audit::list(&mut conn, &of_demo(), 1_000).await.unwrap();
    assert_eq!(entries.len(), count(&created));
    assert!(
        entries
            .iter()
            .all(|entry| entry.before.is_none() && entry.action.ends_with(".create"))
    );
    let text =
        demo_with("cookie_time = 60", "cookie_time = 61").replace("\"demo-pixel-secret\"", "\"another\"");
    let later = now() + TimeDelta::hours(1);
    let by_ada = SyncOptions {
        actor: "ada",
        now: later,
        rules_from: None,
    };
    sync_as(&pool, &parse(&text).unwrap(), by_ada).await.unwrap();
    let since = AuditFilter {
        since: Some(later),
        ..of_demo()
    };
    let changed = audit::list(&mut conn, &since, 1_000).await.unwrap();
    let subjects: Vec<_> = changed
        .iter()
        .map(|entry| {
            (
                entry.actor.as_str(),
                entry.action.as_str(),
                entry.subject.as_str(),
            )
        })
        .collect();
    let want = [
        ("ada", "program.change", "program/partner-program"),
        ("ada", "pixel_key.change", "pixel_key/demo-pixel"),
    ];
    assert_eq!(subjects, want);
    let cookie_time = |value: &Option<Value>| value.as_ref().unwrap()["cookie_time"].clone();
    assert_eq!(cookie_time(&changed[0].before), 60);
    assert_eq!(cookie_time(&changed[0].after), 61);
    for secret in ["another", "demo-pixel-secret"] {
        assert!(changed.iter().all(|entry| !format!("{entry:?}").contains(secret)));
    }
    apply_text(&pool, &text, later).await.unwrap();
    assert_eq!(audit::list(&mut conn, &since, 1_000).await.unwrap().len(), 2);
    assert_eq!(audit::verify(&pool, None, |_| {}).await.unwrap().faulty, 0);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_demo_is_stored_as_the_columns_want_it(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    let (profile, parent): (Json<Value>, String) = sqlx::query_as(
        "SELECT a.profile, p.slug FROM affiliates a JOIN affiliates p ON p.affiliate_id = a.parent_id
         WHERE a.slug = 'janejameson'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(parent, "sandrasanderson");
    assert_eq!(profile.0["address"]["address_two"], Value::Null);
    assert_eq!(profile.0["address"]["country"]["code"], "NL");
    assert_eq!(profile.0["custom_fields"]["field1"], "value1");
    assert_eq!(profile.0["meta_data"]["meta"], "data");

    let (overrides,): (Json<Vec<GroupOverride>>,) = sqlx::query_as(
        "SELECT group_overrides FROM commission_types WHERE identifier = 'standard' AND group_overrides <> '[]'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(overrides.0[0].group_id, "ag_eXampl3");
    let own: Vec<(String, Option<String>, bool)> = sqlx::query_as(
        "SELECT a.slug, o.own_rate_form || ' ' || o.own_rate_value::float8, o.ignore_product_rate
         FROM affiliations o JOIN affiliates a USING (org_id, affiliate_id)
         WHERE o.own_rate_form IS NOT NULL OR o.approved IS NULL ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let flo = ("flofixed".to_owned(), Some("fixed 5".to_owned()), true);
    assert_eq!(own, [flo, ("pendingpenny".to_owned(), None, false)]);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_changed_rate_is_a_new_version(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    let text = demo_with(
        "mycommissiontype = { percentage = 4 }",
        "mycommissiontype = { percentage = 4.5 }",
    )
    .replace(
        "percentage = 10, groups.ag_eXampl3.percentage = 20",
        "percentage = 10, groups.ag_eXampl3.fixed = 3",
    )
    .replace("\"Level 2\", percentage = 5", "\"Level 2\", percentage = 6");
    let later = now() + TimeDelta::hours(1);
    let report = apply_text(&pool, &text, later).await.unwrap();
    let johns = |id: &str| format!("demo/johns-affiliate-program/{id}");
    let want = [
        (
            Thing::CommissionType,
            vec![johns("mycommissiontype"), johns("standard")],
        ),
        (Thing::Level, vec![johns("level-2")]),
    ];
    assert_eq!(changed(&report), want);
    // The clock went back: the next version still comes after the last.
    apply_text(&pool, DEMO, now()).await.unwrap();
    assert!(apply_text(&pool, DEMO, now()).await.unwrap().is_unchanged());
    let versions: Vec<(String, String)> = sqlx::query_as(
        "SELECT valid_from::text, value::float8::text FROM commission_types WHERE identifier = 'mycommissiontype'
         ORDER BY valid_from",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let versions: Vec<_> = versions
        .iter()
        .map(|(from, value)| (from.as_str(), value.as_str()))
        .collect();
    let want = [
        ("-infinity", "4"),
        ("2026-11-20 13:00:00+00", "4.5"),
        ("2026-11-20 13:00:00.000001+00", "4"),
    ];
    assert_eq!(versions, want);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_differs_is_changed_and_named(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    for (from, to, thing, id) in [
        (
            "title = \"Tapper Inc.\"",
            "title = \"Tapper\"",
            Thing::Org,
            "demo",
        ),
        ("\"Gold affiliates\"", "\"Gold\"", Thing::Group, "demo/ag_eXampl3"),
        (
            "choices = []",
            "choices = [\"value1\"]",
            Thing::CustomField,
            "demo/field1",
        ),
        (
            "cookie_time = 60",
            "cookie_time = 61",
            Thing::Program,
            "demo/partner-program",
        ),
        (
            "target = 1_000",
            "target = 2_000",
            Thing::Bonus,
            "demo/johns-affiliate-program/sales-bonus",
        ),
        (
            "\"jane@example-blog.inc\"",
            "\"jane@example.inc\"",
            Thing::Affiliate,
            "demo/janejameson",
        ),
        (
            "parent = \"sandrasanderson\"",
            "parent = \"goldgary\"",
            Thing::Affiliate,
            "demo/janejameson",
        ),
        (
            "status = \"pending\", ",
            "status = \"approved\", ",
            Thing::Affiliation,
            "demo/pendingpenny/johns-affiliate-program",
        ),
        (
            "coupon = \"FLAT5\", ",
            "clear = [\"coupon\"], ",
            Thing::Affiliation,
            "demo/flofixed/partner-program",
        ),
        (
            "[\"read\"]",
            "[\"read\", \"ingest\"]",
            Thing::Key,
            "demo/demo-read-key",
        ),
        (
            "\"demo-pixel-secret\"",
            "\"another\"",
            Thing::PixelKey,
            "demo/demo-pixel",
        ),
    ] {
        let report = apply_text(&pool, &demo_with(from, to), now()).await.unwrap();
        assert_eq!(changed(&report), [(thing, vec![id.to_owned()])], "{from} to {to}");
        let back = apply_text(&pool, DEMO, now()).await.unwrap();
        assert_eq!(
            changed(&back),
            [(thing, vec![id.to_owned()])],
            "{to} back to {from}"
        );
    }
    assert!(apply_text(&pool, DEMO, now()).await.unwrap().is_unchanged());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn codes_defaults_and_client_ids_can_change_hands(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    let swap = |text: String, one: &str, other: &str| {
        text.replace(one, "swapping")
            .replace(other, one)
            .replace("swapping", other)
    };
    let mut text = swap(DEMO.to_owned(), "\"SANDRA10\"", "\"PETER10\"");
    text = swap(text, "\"nwjinmy\"", "\"goldg20\"");
    text = swap(text, "12345", "67890");
    text = text.replace(
        "title = \"Partner program\"\n",
        "title = \"Partner program\"\ndefault = true\n",
    );
    text = text.replace("default = true # calls", "default = false # calls");
    let report = apply_text(&pool, &text, now()).await.unwrap();
    let of = |slug: &str| format!("demo/{slug}/johns-affiliate-program");
    let want = [
        (Thing::Org, vec!["demo".to_owned(), "other".to_owned()]),
        (
            Thing::Program,
            vec![
                "demo/johns-affiliate-program".to_owned(),
                "demo/partner-program".to_owned(),
            ],
        ),
        (
            Thing::Affiliation,
            vec![
                of("goldgary"),
                of("janejameson"),
                of("peterpeterson"),
                of("sandrasanderson"),
            ],
        ),
    ];
    assert_eq!(changed(&report), want);
    assert!(apply_text(&pool, &text, now()).await.unwrap().is_unchanged());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_others_hold_is_named_and_nothing_changes(pool: Pool) {
    let outside = "[orgs.demo]\nclient_id = 1\nowner = { id = 'a', name = 'A' }\n\
        [orgs.demo.programs.theirs]\ncurrency = 'EUR'\ntypes.standard.fixed = 1\nassets = ['x']\n\
        [orgs.demo.affiliates.them]\nfirstname = 'T'\nlastname = 'T'\nprograms.theirs.PLACE\n\
        [orgs.outsider]\nowner = { id = 'a', name = 'A' }\n";
    for (place, more, want) in [
        (
            "coupon = 'jane 10 OFF'",
            "",
            "coupon \"jane10off\" of org \"demo\" belongs to an affiliation that the file does not declare",
        ),
        (
            "referral_code = 'peterp1'",
            "",
            "referral_code \"peterp1\" of org \"demo\" belongs to an affiliation that the file does not declare",
        ),
        (
            "status = 'pending'",
            "client_id = 12345",
            "client_id 12345 belongs to an organisation that the file does not declare",
        ),
        (
            "status = 'pending'",
            "keys.k = { key = 'demo-read-key', scopes = ['all'] }",
            "key \"demo-read-key\" belongs to another organisation",
        ),
        (
            "status = 'pending'",
            "pixel_keys.demo-pixel.secret = 'x'",
            "pixel key \"demo-pixel\" belongs to another organisation",
        ),
    ] {
        sqlx::query("TRUNCATE orgs CASCADE").execute(&pool).await.unwrap();
        apply_text(
            &pool,
            &format!("{}{more}\n", outside.replace("PLACE", place)),
            now(),
        )
        .await
        .unwrap();
        let before = everything(&pool).await;
        let error = apply_text(&pool, DEMO, now()).await.unwrap_err();
        assert!(matches!(error, SyncError::Taken { .. }));
        assert_eq!(error.to_string(), want);
        assert_eq!(everything(&pool).await, before, "{want}");
    }
    sqlx::query("TRUNCATE orgs CASCADE").execute(&pool).await.unwrap();
    apply_text(
        &pool,
        &outside
            .replace("programs.theirs.PLACE", "")
            .replace("assets", "default = true\nassets"),
        now(),
    )
    .await
    .unwrap();
    let error = apply_text(&pool, DEMO, now()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "org \"demo\" has a default program already, one that the file does not declare"
    );
    sqlx::query("UPDATE programs SET is_default = false")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO affiliations (org_id, program_id, affiliate_id, asset_id, source_id)
         SELECT org_id, program_id, affiliate_id, '1-aaaaaa', '1-ssssss' FROM programs JOIN affiliates USING (org_id)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let error = apply_text(&pool, DEMO, now()).await.unwrap_err().to_string();
    assert!(
        error.starts_with("asset_id and source_id \"1-aaaaaa, 1-ssssss\" of org \"demo\""),
        "{error}"
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_the_file_does_not_mention_is_left_alone(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    let before = everything(&pool).await;
    let only = "[orgs.demo]\ntitle = 'Tapper Inc.'\nclient_id = 12345\n";
    assert!(apply_text(&pool, only, now()).await.unwrap().is_unchanged());
    assert_eq!(everything(&pool).await, before);
    assert!(apply_text(&pool, "", now()).await.unwrap().things.is_empty());
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_dry_run_says_the_same_and_does_nothing(pool: Pool) {
    let demo = parse(DEMO).unwrap();
    let before = everything(&pool).await;
    let options = SyncOptions {
        actor: "ada",
        now: now(),
        rules_from: None,
    };
    let said = dry_run(&pool, &demo, options).await.unwrap();
    assert_eq!(everything(&pool).await, before);
    assert_eq!(sync(&pool, &demo, now()).await.unwrap(), said);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_revoked_key_stays_revoked(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    sqlx::query("UPDATE api_keys SET revoked_at = now() WHERE name = 'demo-key'")
        .execute(&pool)
        .await
        .unwrap();
    let report = apply_text(&pool, DEMO, now()).await.unwrap();
    assert!(report.is_unchanged());
    assert_eq!(
        report.notes,
        ["key \"demo-key\" of org \"demo\" was revoked and stays revoked"]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn applies_run_one_after_the_other(pool: Pool) {
    let demo = parse(DEMO).unwrap();
    let (one, other) = tokio::join!(sync(&pool, &demo, now()), sync(&pool, &demo, now()));
    let mut unchanged = [one.unwrap().is_unchanged(), other.unwrap().is_unchanged()];
    unchanged.sort_unstable();
    assert_eq!(unchanged, [false, true]);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_host_has_one_program_and_stays_with_its_first_organisation(pool: Pool) {
    const PROGRAMS: &str = "a = { currency = 'EUR', types.standard.fixed = 1, landing_page = 'https://Shop.test:8443/x' }\n\
        b = { currency = 'EUR', types.standard.fixed = 1, landing_page = 'http://shop.test?x', HOSTS }\n";
    let file = |org: &str, hosts: &str| {
        let programs = PROGRAMS.replace("HOSTS", hosts);
        format!("[orgs.{org}.programs]\n{programs}")
    };
    let held = || async {
        let held: Vec<(String, String)> = sqlx::query_as(
            "SELECT h.host, o.slug || '/' || p.slug FROM program_hosts h JOIN programs p USING (org_id, program_id)
             JOIN orgs o USING (org_id) ORDER BY 1",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        held
    };
    let pair = |host: &str, program: &str| (host.to_owned(), program.to_owned());
    apply_text(&pool, &file("one", "hosts = []"), now())
        .await
        .unwrap();
    assert_eq!(
        held().await,
        [pair("shop.test", "one/a")],
        "the first page's program"
    );

    let moved = file(
        "one",
        "hosts = ['shop.test', 'eu.shop.test'], keyed_leads_only = true",
    );
    let report = apply_text(&pool, &moved, now()).await.unwrap();
    assert_eq!(report.things[&Thing::Program].changed, ["one/b"]);
    let both = [pair("eu.shop.test", "one/b"), pair("shop.test", "one/b")];
    assert_eq!(held().await, both);
    assert!(apply_text(&pool, &moved, now()).await.unwrap().is_unchanged());

    let other = apply_text(&pool, &file("two", "hosts = ['two.test']"), now())
        .await
        .unwrap();
    assert_eq!(other.notes.len(), 1);
    assert!(other.notes[0].starts_with("host \"shop.test\" belongs to another organisation"));
    let all = [both[0].clone(), both[1].clone(), pair("two.test", "two/b")];
    assert_eq!(held().await, all);
}

/// Deleted by REST, and still in the file.
#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn who_was_deleted_stays_deleted(pool: Pool) {
    apply_text(&pool, DEMO, now()).await.unwrap();
    sqlx::raw_sql(
        "UPDATE affiliates SET deleted_at = now() WHERE slug = 'sandrasanderson';
         UPDATE affiliations o SET approved = false, coupon = NULL, coupon_folded = NULL, referral_code = NULL
         FROM affiliates a WHERE a.affiliate_id = o.affiliate_id AND a.slug = 'sandrasanderson';
         UPDATE affiliates SET parent_id = NULL WHERE slug = 'janejameson'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let before = everything(&pool).await;
    let report = apply_text(&pool, DEMO, now()).await.unwrap();
    assert!(report.is_unchanged(), "{report:?}");
    assert_eq!(everything(&pool).await, before);
}

mod versions;
