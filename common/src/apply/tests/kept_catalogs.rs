//! What a worker keeps of catalogs from batch to batch decides as what is loaded anew, whatever changes in between.

use std::collections::BTreeMap;

use super::*;
use crate::{
    apply::{Catalogs, Manner, apply_batch, catalog::MAX_KNOWN},
    domain::PaymentOrder,
};

/// Each table that a catalog is made of changes once at least, by whoever.
const CHANGES: &[&str] = &[
    "UPDATE affiliations SET own_rate_form = 'fixed', own_rate_value = 3 WHERE coupon = 'JANE10OFF'",
    "UPDATE affiliations SET approved = false WHERE coupon = 'PETER10'",
    "UPDATE affiliations SET coupon = 'NEW', coupon_folded = 'new' WHERE coupon = 'GOLD20'",
    "UPDATE affiliates SET parent_id = NULL",
    "UPDATE programs SET approval = 'manual'",
    "UPDATE program_levels SET retired = true",
    "INSERT INTO affiliation_rates (org_id, program_id, affiliate_id, own_rate_form, own_rate_value, ignore_product_rate)
     SELECT org_id, program_id, affiliate_id, 'fixed', 2, true FROM affiliations WHERE coupon = 'SANDRA10'",
    "INSERT INTO group_memberships (org_id, affiliate_id, group_id)
     SELECT org_id, affiliate_id, 'ag_eXampl3' FROM affiliates WHERE slug = 'patpartner'",
    "INSERT INTO program_terms (org_id, program_id, cookie_time, recurring, approval, default_type)
     SELECT org_id, program_id, 1, false, 'immediate', 'standard' FROM programs WHERE slug = 'partner-program'",
    "UPDATE commission_types SET value = value + 1",
    "INSERT INTO commission_types (org_id, program_id, identifier, title, form, value, valid_from)
     SELECT org_id, program_id, identifier, title, form, 50, '2020-01-01' FROM commission_types",
    "DELETE FROM program_bonuses",
    "UPDATE affiliations SET coupon = 'LATE', coupon_folded = 'late' WHERE referral_code = 'abc123'",
    "UPDATE affiliates SET deleted_at = now() WHERE slug = 'sandrasanderson'",
];

fn sales(org: OrgId) -> Vec<Incoming> {
    let coupons = [
        "JANE10OFF",
        "SANDRA10",
        "PETER10",
        "GOLD20",
        "PARTNER_CODE",
        "FLAT5",
        "NEW",
        "LATE",
        "NOBODYS",
    ];
    let codes = [
        "janejameson",
        "sandrasanderson",
        "SandraSanderson",
        "ztdkzgf",
        "patp1",
        "nobodys",
    ];
    let by_coupon = coupons.map(|coupon| sale(org, coupon, coupon, 100));
    let by_code = codes.map(|code| {
        let mut sale = sale(org, &format!("by {code}"), "", 100);
        if let Body::CreateConversion(create) = &mut sale.event.body {
            create.attribution.coupon = None;
            create.attribution.referral_code = Some(code.to_owned());
        }
        sale
    });
    let alone = by_coupon.into_iter().chain(by_code).map(|mut sale| {
        if let Body::CreateConversion(create) = &mut sale.event.body {
            create.customer = None;
        }
        sale
    });
    alone.collect()
}

/// What each order brings, or why it does not.
async fn decided(
    pool: &Pool,
    events: Vec<Incoming>,
    catalogs: &mut Catalogs,
) -> BTreeMap<String, Vec<String>> {
    let mut transaction = db::begin(pool).await.unwrap();
    let applied = apply_batch(&mut transaction, events, now(), Manner::Waiting, catalogs);
    let decisions = applied.await.unwrap().decisions;
    let earned: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.external_id, format('%s %s %s %s', a.slug, m.kind, m.amount, m.approved)
         FROM conversions c JOIN commissions m USING (org_id, conversion_id)
         JOIN affiliates a ON (a.org_id, a.affiliate_id) = (m.org_id, m.affiliate_id) ORDER BY m.commission_id",
    )
    .fetch_all(&mut *transaction)
    .await
    .unwrap();
    db::rollback(transaction).await.unwrap();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for decision in &decisions {
        let order = decision.event.order().or(decision.event.needs().new_order);
        let reason = decision.outcome.reason().map(str::to_owned);
        all.entry(order.unwrap().to_owned()).or_default().extend(reason);
    }
    for (order, what) in earned {
        all.entry(order).or_default().push(what);
    }
    all
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_change_of_any_table_of_the_catalog_counts_at_once(pool: Pool) {
    let org = demo(&pool).await;
    let mut kept = Catalogs::default();
    let mut before = decided(&pool, sales(org), &mut kept).await;
    let mut changed = 0;
    for change in CHANGES {
        sqlx::raw_sql(*change).execute(&pool).await.unwrap();
        let now = decided(&pool, sales(org), &mut kept).await;
        let anew = decided(&pool, sales(org), &mut Catalogs::default()).await;
        assert_eq!(now, anew, "{change}");
        changed += usize::from(now != before);
        before = now;
    }
    assert!(
        changed > CHANGES.len() / 2,
        "{changed} of them decide something here"
    );
}

/// Who was deleted is loaded for what it is owed: its id leads nobody to it, in whatever batch.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_deleted_affiliate_is_found_by_nobody_whoever_is_loaded_beside_it(pool: Pool) {
    let org = demo(&pool).await;
    sqlx::raw_sql("UPDATE affiliates SET deleted_at = now() WHERE slug = 'sandrasanderson'")
        .execute(&pool)
        .await
        .unwrap();
    let mut by_id = sale(org, "by id", "", 100);
    if let Body::CreateConversion(create) = &mut by_id.event.body {
        create.attribution.coupon = None;
        create.attribution.referral_code = Some("sandrasanderson".to_owned());
        create.customer = None;
    }
    let pay = event(
        org,
        Body::Pay(crate::domain::Pay {
            payments: vec![PaymentOrder {
                affiliate: "sandrasanderson".to_owned(),
                amount: Decimal::from(1),
                currency: "USD".parse().unwrap(),
            }],
        }),
    );
    let alone = decided_reasons(&pool, vec![by_id.clone()]).await;
    let beside = decided_reasons(&pool, vec![pay, by_id]).await;
    assert_eq!(alone.last(), beside.last());
    assert_eq!(alone, [Reason::NotAttributed.code()]);
}

async fn decided_reasons(pool: &Pool, events: Vec<Incoming>) -> Vec<String> {
    let mut transaction = db::begin(pool).await.unwrap();
    let decisions = apply(&mut transaction, events, now()).await.unwrap();
    db::rollback(transaction).await.unwrap();
    reasons(&decisions).into_iter().map(str::to_owned).collect()
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_is_kept_costs_no_statement_and_has_a_bound(pool: Pool) {
    let org = demo(&pool).await;
    let mut kept = Catalogs::default();
    decided(&pool, sales(org), &mut kept).await;
    // Nothing but the version is read.
    sqlx::raw_sql("ALTER TABLE programs RENAME TO hidden; ALTER TABLE affiliations RENAME TO hidden_too")
        .execute(&pool)
        .await
        .unwrap();
    let mut transaction = db::begin(&pool).await.unwrap();
    let applied = apply_batch(&mut transaction, sales(org), now(), Manner::Waiting, &mut kept);
    assert_eq!(applied.await.unwrap().decisions.len(), sales(org).len());
    db::rollback(transaction).await.unwrap();
    sqlx::raw_sql("ALTER TABLE hidden RENAME TO programs; ALTER TABLE hidden_too RENAME TO affiliations")
        .execute(&pool)
        .await
        .unwrap();

    // Codes that nobody has are remembered, too, up to a bound.
    let mut most = 0;
    for batch in 0..=(MAX_KNOWN / 900 + 1) {
        let unknown = (0..900).map(|n| {
            let coupon = format!("nobodys-{batch}-{n}");
            sale(org, &coupon, &coupon, 1)
        });
        let unknown = unknown.map(|mut sale| {
            if let Body::CreateConversion(create) = &mut sale.event.body {
                create.customer = None;
            }
            sale
        });
        let mut transaction = db::begin(&pool).await.unwrap();
        let applied = apply_batch(
            &mut transaction,
            unknown.collect(),
            now(),
            Manner::Waiting,
            &mut kept,
        );
        applied.await.unwrap();
        db::rollback(transaction).await.unwrap();
        most = most.max(kept.known());
    }
    assert!(most >= MAX_KNOWN, "the bound is reached: {most}");
    assert!(kept.known() < MAX_KNOWN, "and what was known is forgotten");
}
