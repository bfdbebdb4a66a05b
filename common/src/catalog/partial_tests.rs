//! Files that say a part, on a real database.

use chrono::{DateTime, Utc};

use super::*;
use crate::db::Pool;

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn apply(pool: &Pool, text: &str) -> Result<SyncReport, SyncError> {
    sync(pool, &parse(text).unwrap(), now()).await
}

async fn demo(pool: &Pool) {
    apply(pool, DEMO).await.unwrap();
}

/// What the apply changed, as `kind path`.
async fn changed(pool: &Pool, text: &str) -> Vec<String> {
    let report = apply(pool, text).await.unwrap();
    let each = report.things.iter();
    let each = each.flat_map(|(thing, changes)| {
        let all = changes.created.iter().chain(&changes.changed);
        all.map(|id| format!("{} {id}", thing.name()))
    });
    each.collect()
}

async fn text(pool: &Pool, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

/// The mistakes of a file that can only be found beside the database.
async fn wrong(pool: &Pool, text: &str) -> Vec<String> {
    match apply(pool, text).await {
        Err(SyncError::Wrong(error)) => error
            .problems
            .iter()
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_file_names_what_is_in_the_database(pool: Pool) {
    demo(&pool).await;
    let file = "[orgs.demo.affiliates.newton]\nfirstname = 'Isaac'\nlastname = 'Newton'\nparent = 'janejameson'\n\
        group = 'ag_eXampl3'\ncustom_fields.field1 = 'x'\n\
        programs.partner-program = { coupon = 'NEWTON', asset_id = '2-aaaaaa', source_id = 's' }\n\
        [orgs.demo.programs.partner-program.types]\nextra = { fixed = 2, groups.ag_eXampl3.fixed = 3 }\n\
        [orgs.demo]\nowner = { id = 'a', name = 'A' }\n\
        keys.reports = { key = 'reports-key', scopes = ['read'], program = 'partner-program' }\n";
    let want = [
        "commission type demo/partner-program/extra",
        "affiliate demo/newton",
        "affiliation demo/newton/partner-program",
        "key demo/reports",
    ];
    assert_eq!(changed(&pool, file).await, want);
    assert_eq!(changed(&pool, file).await, [""; 0]);
    assert_eq!(changed(&pool, DEMO).await, [""; 0]);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_a_file_leaves_out_stays(pool: Pool) {
    demo(&pool).await;
    let file = "[orgs.demo.affiliates.janejameson]\nemail = 'jane@example.com'\naddress.city = 'Utrecht'\nmeta_data.more = 1\n\
        [orgs.demo.affiliates.pendingpenny.programs]\njohns-affiliate-program = { referral_code = 'penny' }\n\
        [orgs.demo.programs.johns-affiliate-program]\napproval = 'hold'\nhold_days = 3\n\
        types.standard.percentage = 11\nhosts = ['eu.tapper.inc']\n\
        [orgs.demo.keys]\ndemo-program-key = { key = 'demo-program-key', scopes = ['read'] }\n";
    changed(&pool, file).await;
    let jane = "SELECT concat_ws(' ', a.firstname, a.email, p.slug, a.profile -> 'address' ->> 'city',
        a.profile -> 'address' ->> 'postal_code', a.profile -> 'meta_data' ->> 'foo', a.profile -> 'meta_data' ->> 'more',
        a.profile -> 'custom_fields' ->> 'field1', a.profile -> 'company' ->> 'name')
        FROM affiliates a JOIN affiliates p ON p.affiliate_id = a.parent_id WHERE a.slug = 'janejameson'";
    assert_eq!(
        text(&pool, jane).await,
        "Jane jane@example.com sandrasanderson Utrecht 1011 VM bar 1 value1 Example blog Inc."
    );
    let penny = "SELECT concat_ws(' ', coalesce(o.approved::text, 'pending'), o.coupon, o.referral_code)
        FROM affiliations o JOIN affiliates a USING (affiliate_id) WHERE a.slug = 'pendingpenny'";
    assert_eq!(text(&pool, penny).await, "pending PENNY10 penny");
    let program = "SELECT concat_ws(' ', p.title, p.is_default, p.cookie_time, p.recurring, p.approval, p.hold_days,
        (SELECT group_overrides #>> '{0,value}' FROM commission_types t WHERE t.program_id = p.program_id
         AND identifier = 'standard' ORDER BY valid_from DESC LIMIT 1), (SELECT count(*) FROM program_hosts h WHERE h.program_id = p.program_id))
        FROM programs p WHERE slug = 'johns-affiliate-program'";
    assert_eq!(
        text(&pool, program).await,
        "John's affiliate program t 45 t hold 3 20 2"
    );
    let key = "SELECT concat_ws(' ', scopes::text, p.slug, owner, rate_per_minute) FROM api_keys k
        JOIN programs p USING (program_id) WHERE name = 'demo-program-key'";
    assert_eq!(
        text(&pool, key).await,
        "{read} partner-program John Tapper 100000"
    );
    // What excludes it is gone; what is said otherwise, too.
    let back =
        "[orgs.demo.programs.johns-affiliate-program]\napproval = 'manual'\ntypes.flat.percentage = 1\n";
    let want = [
        "program demo/johns-affiliate-program",
        "commission type demo/johns-affiliate-program/flat",
    ];
    assert_eq!(changed(&pool, back).await, want);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn quotas_are_set_kept_exported_and_cleared(pool: Pool) {
    demo(&pool).await;
    let quotas = async || {
        let mut connection = pool.acquire().await.unwrap();
        crate::db::keys::snapshot(&mut connection).await.unwrap().quotas
    };
    assert_eq!(quotas().await, []);
    let file = "[orgs.demo]\nevents_per_minute = 60_000\nevents_under_way = 5_000\n";
    assert_eq!(changed(&pool, file).await, ["organisation demo"]);
    assert_eq!(
        changed(&pool, DEMO).await,
        [""; 0],
        "what a file leaves out stays"
    );
    let [quota] = quotas().await[..] else {
        panic!("one organisation has quotas")
    };
    assert_eq!((quota.per_minute, quota.under_way), (Some(60_000), Some(5_000)));
    let options = ExportOptions {
        org: None,
        with_secrets: true,
    };
    let exported = export(&pool, options).await.unwrap();
    assert!(exported.contains("events_per_minute = 60000"), "{exported}");
    assert_eq!(changed(&pool, &exported).await, [""; 0]);
    changed(&pool, "[orgs.demo]\nclear = ['events_per_minute']\n").await;
    assert_eq!(quotas().await.first().and_then(|quota| quota.per_minute), None);
    let wrong = parse("[orgs.demo]\nevents_per_minute = 0\nevents_under_way = 100_001\n").unwrap_err();
    assert_eq!(wrong.problems.len(), 2, "{wrong:?}");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_is_cleared_is_gone(pool: Pool) {
    demo(&pool).await;
    let file = "[orgs.demo]\nclear = ['client_id']\n\
        [orgs.demo.affiliates.janejameson]\nclear = ['email', 'parent', 'meta_data', 'company']\nmeta_data.only = 1\n\
        address = { clear = ['state'] }\n\
        programs.johns-affiliate-program.clear = ['coupon', 'asset_id', 'source_id']\n\
        [orgs.demo.affiliates.flofixed.programs]\npartner-program.clear = ['fixed', 'ignore_product_rate']\n\
        [orgs.demo.programs.johns-affiliate-program]\nclear = ['category', 'default']\ntypes.standard.clear = ['groups']\n";
    changed(&pool, file).await;
    assert_eq!(changed(&pool, file).await, [""; 0]);
    let jane = "SELECT concat_ws(' ', a.email, a.parent_id, a.profile -> 'meta_data', a.profile -> 'address' ->> 'state',
        a.profile -> 'address' ->> 'city', a.profile -> 'company', o.coupon, o.referral_code, o.asset_id)
        FROM affiliates a JOIN affiliations o USING (affiliate_id) WHERE a.slug = 'janejameson'";
    assert_eq!(text(&pool, jane).await, "{\"only\": 1} Amsterdam null nwjinmy");
    let rest = "SELECT concat_ws(' ', (SELECT count(client_id) FROM orgs WHERE slug = 'demo'),
        (SELECT count(*) FROM affiliations WHERE own_rate_form IS NOT NULL), (SELECT count(category) FROM programs),
        (SELECT count(*) FROM programs WHERE is_default),
        (SELECT group_overrides FROM commission_types ORDER BY valid_from DESC LIMIT 1))";
    assert_eq!(text(&pool, rest).await, "0 0 0 1 []");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_file_is_checked_against_the_database(pool: Pool) {
    demo(&pool).await;
    for (file, want) in [
        (
            "[orgs.demo.affiliates.newton]\nfirstname = 'I'\n",
            "1: affiliate \"newton\": lastname is missing",
        ),
        (
            "[orgs.demo.programs.p]\ntypes.standard.fixed = 1\n",
            "1: program \"p\": currency is missing",
        ),
        (
            "[orgs.demo.affiliates.janejameson]\nparent = 'nobody'\n",
            "2: affiliate \"janejameson\": unknown parent \"nobody\"",
        ),
        (
            "[orgs.demo.affiliates.sandrasanderson]\nparent = 'janejameson'\n",
            "2: affiliate \"sandrasanderson\": parents in a circle: sandrasanderson → janejameson → sandrasanderson",
        ),
        (
            "[orgs.demo.affiliates.janejameson]\ngroup = 'none'\n",
            "2: affiliate \"janejameson\": unknown group \"none\"",
        ),
        (
            "[orgs.demo.affiliates.janejameson.programs]\nother-program = {}\n",
            "2: affiliation of \"janejameson\": unknown program \"other-program\"",
        ),
        (
            "[orgs.demo.affiliates.janejameson.programs]\njohns-affiliate-program.referral_code = 'goldgary'\n",
            "2: affiliation of \"janejameson\": referral_code \"goldgary\" is the id of another affiliate",
        ),
        (
            "[orgs.demo.programs.partner-program]\ndefault_type = 'none'\n",
            "2: program \"partner-program\": default_type \"none\" is none of its types",
        ),
        (
            "[orgs.demo.programs.partner-program]\nhold_days = 3\n",
            "1: program \"partner-program\": approval \"hold\" and hold_days go together",
        ),
        (
            "[orgs.demo.programs.johns-affiliate-program]\nlevels.level-5.percentage = 3\n",
            "2: program \"johns-affiliate-program\": level-5 is never paid without level-4",
        ),
        (
            "[orgs.demo.pixel_keys]\np = {}\n",
            "2: pixel key \"p\": secret is missing",
        ),
    ] {
        assert_eq!(wrong(&pool, file).await, [want], "{file}");
        let found = mistakes(&pool, file).await.unwrap().unwrap();
        assert_eq!(found.problems.len(), 1);
    }
    assert!(mistakes(&pool, DEMO).await.unwrap().is_none());
    let taken = "[orgs.demo.affiliates.janejameson.programs]\njohns-affiliate-program.coupon = 'GOLD20'\n";
    let taken = apply(&pool, taken).await.unwrap_err();
    assert!(matches!(taken, SyncError::Taken { .. }), "{taken}");
}

/// What a request has stored, TOML cannot say all of: null, a number in a custom field, a company without a name.
#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_no_file_can_say_stays(pool: Pool) {
    demo(&pool).await;
    sqlx::query(
        r#"UPDATE affiliates SET email = 'odd', profile = '{"company": {"name": null, "description": "x"}, "address": null,
            "meta_data": {"a": null, "b": 1.50}, "custom_fields": {"field1": 5}}' WHERE slug = 'janejameson'"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    let file = "[orgs.demo.affiliates.janejameson]\nlastname = 'J'\nmeta_data.c = 'd'\n";
    changed(&pool, file).await;
    let jane = "SELECT profile::text || email FROM affiliates WHERE slug = 'janejameson'";
    assert_eq!(
        text(&pool, jane).await,
        r#"{"address": null, "company": {"name": null, "description": "x"}, "meta_data": {"a": null, "b": 1.50, "c": "d"}, "custom_fields": {"field1": 5}}odd"#
    );
}
