//! Rules are loaded with all that held: a sale is decided by what held when it was made, whenever it arrives.

use super::*;
use crate::catalog::SyncOptions;

/// When the catalog of these tests changes; all sales arrive later.
fn change() -> DateTime<Utc> {
    now() - TimeDelta::days(10)
}

/// The demo with another approval, another own rate and a group that nobody is in, from [`change`] on.
async fn change_demo(pool: &Pool) {
    let text = catalog::DEMO
        .replace("approval = \"immediate\"", "approval = \"manual\"")
        .replace("fixed = 5.00, ignore", "fixed = 6.00, ignore")
        .replace("group = \"ag_eXampl3\"\n", "clear = [\"group\"]\n");
    let options = SyncOptions {
        actor: "ada",
        now: now(),
        rules_from: Some(change()),
    };
    let report = catalog::sync_as(pool, &catalog::parse(&text).unwrap(), options)
        .await
        .unwrap();
    let changed = report.things.values().map(|changes| changes.changed.len());
    assert_eq!(changed.sum::<usize>(), 3, "{report:?}");
}

fn sale_at(org: OrgId, order: &str, coupon: &str, at: DateTime<Utc>) -> Incoming {
    let mut sale = sale(org, order, coupon, 100);
    if let Body::CreateConversion(create) = &mut sale.event.body {
        create.occurred_at = Some(at);
        create.customer = None;
    }
    sale
}

/// What the seller of each order got, and whether it is approved.
async fn earned(pool: &Pool) -> Vec<(String, String, Option<bool>)> {
    let rows: Vec<(String, Decimal, Option<bool>)> = sqlx::query_as(
        "SELECT c.external_id, m.amount, m.approved
         FROM conversions c JOIN commissions m USING (org_id, conversion_id)
         WHERE m.kind = 'regular' ORDER BY c.external_id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let told = rows
        .into_iter()
        .map(|(order, amount, approved)| (order, amount.normalize().to_string(), approved));
    told.collect()
}

fn pair(order: &str, amount: &str, approved: Option<bool>) -> (String, String, Option<bool>) {
    (order.to_owned(), amount.to_owned(), approved)
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn late_sales_get_the_versions_of_their_times(pool: Pool) {
    let org = demo(&pool).await;
    change_demo(&pool).await;
    let just_before = change() - TimeDelta::milliseconds(1);
    let each = |coupon: &'static str| {
        let times = [("after", change()), ("before", just_before)];
        times.map(|(when, at)| sale_at(org, &format!("{coupon} {when}"), coupon, at))
    };
    let events = ["PARTNER_CODE", "FLAT5", "GOLD20"].map(each);
    let decisions = commit(&pool, events.into_iter().flatten().collect()).await;
    assert_eq!(reasons(&decisions), ["applied"; 6]);
    let want = [
        pair("FLAT5 after", "6", None),
        pair("FLAT5 before", "5", Some(true)),
        pair("GOLD20 after", "10", None),
        pair("GOLD20 before", "20", None),
        pair("PARTNER_CODE after", "10", None),
        pair("PARTNER_CODE before", "10", Some(true)),
    ];
    assert_eq!(earned(&pool).await, want);
    prove(&pool).await;
}

/// After a rollback the release before writes columns and no versions.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_an_earlier_release_declares_takes_the_place_of_the_last_version(pool: Pool) {
    let org = demo(&pool).await;
    change_demo(&pool).await;
    sqlx::raw_sql(
        "UPDATE affiliations SET own_rate_value = 7 WHERE own_rate_value = 6;
         UPDATE affiliates SET group_id = 'ag_eXampl3' WHERE slug = 'goldgary';
         UPDATE programs SET approval = 'immediate' WHERE slug = 'partner-program'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let before = change() - TimeDelta::milliseconds(1);
    let events = vec![
        sale_at(org, "flo before", "FLAT5", before),
        sale_at(org, "flo", "FLAT5", now()),
        sale_at(org, "gary", "GOLD20", now()),
    ];
    commit(&pool, events).await;
    let want = [
        pair("flo", "7", Some(true)),
        pair("flo before", "5", Some(true)),
        pair("gary", "20", None),
    ];
    assert_eq!(earned(&pool).await, want);
    prove(&pool).await;
}
