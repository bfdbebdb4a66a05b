//! Clicks, leads and the sales that follow them, and how what comes without a key finds its organisation.

use super::*;
use crate::domain::{
    Applied, CreateCustomer, CustomerAction, CustomerTarget, Lead, MetaData, RecordClick, UpdateCustomer,
    click_name::click_code,
};

/// An event without a key.
fn keyless(dialect: Dialect, org: impl Into<Option<OrgId>>, body: Body) -> Incoming {
    let mut incoming = event(org, body);
    incoming.event.dialect = dialect;
    incoming.event.authenticated = false;
    incoming
}

fn affitor_click(code: &str, host: &str) -> Incoming {
    let click = RecordClick {
        referral_code: code.to_owned(),
        host: Some(host.to_owned()),
        ..Default::default()
    };
    keyless(Dialect::Affitor, None::<OrgId>, Body::Click(Box::new(click)))
}

fn affy_click(org: OrgId, name: &str, session: &str) -> Incoming {
    let click = RecordClick {
        referral_code: "aff_xyz123".to_owned(),
        name: Some(name.to_owned()),
        session: Some(session.to_owned()),
        ..Default::default()
    };
    keyless(Dialect::Affy, org, Body::Click(Box::new(click)))
}

fn lead(dialect: Dialect, click: &str, session: Option<&str>) -> Incoming {
    let lead = Lead {
        click_ids: vec![click.to_owned()],
        session: session.map(ToOwned::to_owned),
        ..Default::default()
    };
    keyless(dialect, None::<OrgId>, Body::Lead(Box::new(lead)))
}

fn session_sale(org: OrgId, order: &str, session: &str) -> Incoming {
    let create = CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            session: Some(session.to_owned()),
            ..Default::default()
        },
        amount: Decimal::from(100),
        ..Default::default()
    };
    keyless(Dialect::Affy, org, Body::CreateConversion(Box::new(create)))
}

/// The name of the click that was recorded.
fn code(decision: &Decision) -> String {
    match &decision.outcome {
        Outcome::Applied(Applied::Click(view)) => click_code(view.id, view.created_at),
        other => panic!("no click: {other:?}"),
    }
}

async fn org(pool: &Pool, slug: &str) -> OrgId {
    let found = sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = $1");
    OrgId(found.bind(slug).fetch_one(pool).await.unwrap())
}

/// Organisation `rival` has the code of demo's affiliate, and says that it has demo's host.
async fn rival(pool: &Pool) -> OrgId {
    const RIVAL: &str = "[orgs.rival.programs.main]\ncurrency = 'USD'\ntypes.standard.fixed = 1\ndefault = true\n\
        landing_page = 'https://tapper.inc/'\nhosts = ['rival.test']\n\
        [orgs.rival.affiliates.rick]\nfirstname = 'R'\nlastname = 'R'\n\
        programs.main = { referral_code = 'abc123' }\n\
        [orgs.rival.affiliates.rita]\nfirstname = 'R'\nlastname = 'R'\nprograms.main = {}\n";
    catalog::sync(pool, &catalog::parse(RIVAL).unwrap(), now())
        .await
        .unwrap();
    org(pool, "rival").await
}

/// A click on a link of the rival's.
fn rivals(rival: OrgId, name: &str, session: &str, authenticated: bool) -> Incoming {
    let mut click = affy_click(rival, name, session);
    if let Body::Click(click) = &mut click.event.body {
        "rita".clone_into(&mut click.referral_code);
    }
    click.event.authenticated = authenticated;
    click
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_visit_becomes_a_lead_and_a_sale_in_separate_batches(pool: Pool) {
    let org = demo(&pool).await;
    let clicked = commit(&pool, vec![affy_click(org, "click-1", "session-1")]).await;
    assert_eq!(reasons(&clicked), ["applied"]);
    let led = commit(&pool, vec![lead(Dialect::Affy, "click-1", Some("session-1"))]).await;
    assert_eq!(reasons(&led), ["applied"]);
    assert_eq!(led[0].event.org, Some(org), "found by the click");
    let sold = commit(&pool, vec![session_sale(org, "o1", "session-1")]).await;
    assert_eq!(reasons(&sold), ["applied"]);
    let joined = "SELECT count(*) FROM clicks k JOIN customers u USING (org_id, customer_id)
                  JOIN conversions c ON (c.org_id, c.customer_id, c.click_id) = (u.org_id, u.customer_id, k.click_id)";
    assert_eq!(count(&pool, joined).await, 1);
    let ten = Decimal::from(10);
    assert_eq!(
        balance(&pool, "affyann").await,
        (ten, Decimal::ZERO),
        "pending: unauthenticated"
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_visit_a_lead_and_a_sale_may_come_in_one_batch(pool: Pool) {
    let org = demo(&pool).await;
    let batch = vec![
        affy_click(org, "click-1", "session-1"),
        lead(Dialect::Affy, "click-1", None),
        session_sale(org, "o1", "session-1"),
    ];
    assert_eq!(reasons(&commit(&pool, batch).await), ["applied"; 3]);
    assert_eq!(count(&pool, "SELECT count(*) FROM customers").await, 1);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_session_moves_to_its_latest_click(pool: Pool) {
    let org = demo(&pool).await;
    for name in ["click-1", "click-2"] {
        let decided = commit(&pool, vec![affy_click(org, name, "session-1")]).await;
        assert_eq!(reasons(&decided), ["applied"]);
    }
    let latest = "SELECT count(*) FROM sessions JOIN clicks USING (org_id, click_id) WHERE name = 'click-2'";
    assert_eq!(count(&pool, latest).await, 1);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn names_and_sessions_belong_to_an_organisation(pool: Pool) {
    let (demo, rival) = (demo(&pool).await, rival(&pool).await);
    // A stranger takes the names first, in another organisation; then the shop's own click and sale come.
    for batch in [
        vec![rivals(rival, "click-1", "session-1", false)],
        vec![affy_click(demo, "click-1", "session-1")],
        vec![session_sale(demo, "o1", "session-1")],
    ] {
        assert_eq!(reasons(&commit(&pool, batch).await), ["applied"]);
    }
    assert_eq!(
        count(&pool, "SELECT count(*) FROM clicks WHERE name = 'click-1'").await,
        2
    );
    assert_eq!(
        count(&pool, "SELECT count(*) FROM sessions WHERE session = 'session-1'").await,
        2
    );
    let ten = Decimal::from(10);
    assert_eq!(
        balance(&pool, "affyann").await,
        (ten, Decimal::ZERO),
        "the shop's own partner earns"
    );
    let theirs = "SELECT count(*) FROM clicks k JOIN orgs o USING (org_id)
                  WHERE o.slug = 'rival' AND k.customer_id IS NOT NULL";
    assert_eq!(
        count(&pool, theirs).await,
        0,
        "the sale touched nothing of the other"
    );
    prove(&pool).await;
}

/// Two organisations have one name; who holds it by a key, and whom a registration without an organisation finds.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_name_that_several_have_leads_to_its_authenticated_holder_or_nowhere(pool: Pool) {
    let (demo, rival) = (demo(&pool).await, rival(&pool).await);
    for (n, (ours_keyed, theirs_keyed, found)) in [
        (false, false, None),
        (true, false, Some(demo)),
        (false, true, Some(rival)),
        (true, true, None),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, session) = (format!("click-{n}"), format!("session-{n}"));
        let mut ours = affy_click(demo, &name, &session);
        ours.event.authenticated = ours_keyed;
        let clicks = vec![ours, rivals(rival, &name, &session, theirs_keyed)];
        assert_eq!(reasons(&commit(&pool, clicks).await), ["applied"; 2], "{n}");
        for registration in [
            lead(Dialect::Affy, &name, None),
            lead(Dialect::Affy, "unknown", Some(&session)),
        ] {
            let led = commit(&pool, vec![registration]).await;
            let want = found.map_or("ambiguous_click", |_org| "applied");
            assert_eq!(reasons(&led), [want], "{n}");
            assert_eq!(led[0].event.org, found, "{n}");
        }
    }
    // The way out: the organisation is named, or the session is one organisation's alone.
    let mut named = lead(Dialect::Affy, "click-0", None);
    named.event.org = Some(demo);
    commit(&pool, vec![affy_click(demo, "click-9", "session-9")]).await;
    let by_session = lead(Dialect::Affy, "click-0", Some("session-9"));
    let led = commit(&pool, vec![named, by_session]).await;
    assert_eq!(reasons(&led), ["applied"; 2]);
    assert_eq!(led[1].event.org, Some(demo));
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_strangers_click_in_the_batch_leads_nobody_away(pool: Pool) {
    let (demo, rival) = (demo(&pool).await, rival(&pool).await);
    commit(&pool, vec![affy_click(demo, "click-1", "session-1")]).await;
    let led = commit(
        &pool,
        vec![
            rivals(rival, "click-1", "session-1", false),
            lead(Dialect::Affy, "click-1", None),
        ],
    )
    .await;
    assert_eq!(reasons(&led), ["applied"; 2]);
    assert_eq!(led[1].event.org, Some(demo), "who had it before the batch");
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn of_two_organisations_with_one_code_the_holder_of_the_host_gets_the_click(pool: Pool) {
    let (demo, rival) = (demo(&pool).await, rival(&pool).await);
    let decided = commit(
        &pool,
        vec![
            affitor_click("abc123", "Tapper.inc"),
            affitor_click("abc123", "rival.test"),
            affitor_click("abc123", "elsewhere.test"),
            affitor_click("rita", "tapper.inc"),
            affitor_click("nobody", "tapper.inc"),
        ],
    )
    .await;
    assert_eq!(
        reasons(&decided),
        [
            "applied",
            "applied",
            "unknown_partner",
            "applied",
            "unknown_partner"
        ]
    );
    let found: Vec<Option<OrgId>> = decided.iter().map(|decision| decision.event.org).collect();
    assert_eq!(
        found,
        [Some(demo), Some(rival), None, Some(rival), None],
        "rita's code is a lone match"
    );
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_organisation_without_the_feature_is_not_found(pool: Pool) {
    demo(&pool).await;
    let clicked = commit(&pool, vec![affitor_click("abc123", "tapper.inc")]).await;
    sqlx::query("UPDATE orgs SET affiliates_feature = false")
        .execute(&pool)
        .await
        .unwrap();
    let decided = commit(
        &pool,
        vec![
            affitor_click("abc123", "tapper.inc"),
            lead(Dialect::Affitor, &code(&clicked[0]), None),
        ],
    )
    .await;
    assert_eq!(reasons(&decided), ["unknown_partner", "unknown_customer"]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_lead_names_its_click_by_both_parts(pool: Pool) {
    let org = demo(&pool).await;
    let clicked = commit(&pool, vec![affitor_click("abc123", "tapper.inc")]).await;
    let name = code(&clicked[0]);
    let wrong = format!("{name}1");
    let decided = commit(
        &pool,
        vec![
            lead(Dialect::Affitor, &wrong, None),
            lead(Dialect::Affitor, &name, None),
            lead(Dialect::Affitor, &name, None),
        ],
    )
    .await;
    assert_eq!(reasons(&decided), ["unknown_customer", "applied", "applied"]);
    assert_eq!(decided[1].event.org, Some(org));
    assert_eq!(count(&pool, "SELECT count(*) FROM customers").await, 1);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn two_leads_of_one_click_at_once_make_one_customer(pool: Pool) {
    demo(&pool).await;
    let clicked = commit(&pool, vec![affitor_click("abc123", "tapper.inc")]).await;
    let name = code(&clicked[0]);
    let leads = (0..10).map(|_| commit(&pool, vec![lead(Dialect::Affitor, &name, None)]));
    for decided in futures_util::future::join_all(leads).await {
        assert_eq!(reasons(&decided), ["applied"]);
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM customers").await, 1);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_was_found_nowhere_has_a_row_and_finds_its_organisation_when_replayed(pool: Pool) {
    let demo = demo(&pool).await;
    let click = affitor_click("newcode", "tapper.inc");
    let refused = commit(&pool, vec![click.clone()]).await;
    assert_eq!(reasons(&refused), ["unknown_partner"]);
    assert_eq!(
        reasons(&commit(&pool, vec![click]).await),
        ["unknown_partner"],
        "known"
    );
    let rows = "SELECT count(*) FROM events WHERE org_id = 0 AND status = 'refused'";
    assert_eq!(count(&pool, rows).await, 1);
    prove(&pool).await;

    sqlx::raw_sql(
        "UPDATE affiliations SET referral_code = 'newcode' WHERE referral_code = 'abc123';
         UPDATE events SET status = 'queued', reason = NULL, due_at = received_at",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let due = events::due(&mut connection, now(), 10).await.unwrap();
    let replay = due
        .events
        .into_iter()
        .map(|event| Incoming { event, queued: true });
    let replayed = commit(&pool, replay.collect()).await;
    assert_eq!(reasons(&replayed), ["applied"]);
    let owner: i64 = sqlx::query_scalar("SELECT org_id FROM events")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(OrgId(owner), demo);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn who_signs_up_leaves_details_for_reports(pool: Pool) {
    let org = demo(&pool).await;
    let sign_up = |agent: &str| {
        Body::CreateCustomer(Box::new(CreateCustomer {
            customer_id: "USER1".to_owned(),
            attribution: AttributionFields {
                coupon: Some("JANE10OFF".to_owned()),
                ..Default::default()
            },
            details: MetaData::from_iter([("user_agent".to_owned(), agent.into())]),
            ..Default::default()
        }))
    };
    let kept = async || {
        let sql = "SELECT details ->> 'user_agent' FROM customers";
        sqlx::query_scalar::<_, String>(sql)
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    commit(
        &pool,
        vec![keyless(Dialect::Postback, org, sign_up("unauthenticated"))],
    )
    .await;
    assert_eq!(kept().await, "unauthenticated");
    let authenticated = commit(&pool, vec![event(org, sign_up("authenticated"))]).await;
    assert_eq!(reasons(&authenticated), ["applied"]);
    assert_eq!(kept().await, "authenticated", "with the authenticated binding");
    let cancel = UpdateCustomer {
        customer: CustomerTarget::Id("USER1".to_owned()),
        customer_id: None,
        meta_data: None,
        meta_change: None,
        action: Some(CustomerAction::Cancel),
        occurred_at: None,
    };
    commit(&pool, vec![event(org, Body::UpdateCustomer(cancel))]).await;
    assert_eq!(kept().await, "authenticated", "whatever changes later");
}
