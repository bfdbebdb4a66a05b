//! Balances as affiliates are owed them.

use rust_decimal::Decimal;

use crate::{
    db::{Connection, DbError},
    domain::{Currency, OrgId, ProgramId},
};

/// What an affiliate is owed, by currency in the order of the codes; only amounts other than zero. `None`: the
/// organisation has no such affiliate, or none in the program `scope` to which the key is bound.
pub async fn payable(
    conn: &mut Connection,
    org: OrgId,
    slug: &str,
    scope: Option<ProgramId>,
) -> Result<Option<Vec<(Currency, Decimal)>>, DbError> {
    // One row without a currency where the affiliate has no balance: an unknown one has no row.
    let rows = sqlx::query!(
        r#"SELECT b.currency AS "currency?: Currency", b.payable AS "payable?"
           FROM affiliates a
           LEFT JOIN balances b
             ON b.org_id = a.org_id AND b.affiliate_id = a.affiliate_id AND b.payable <> 0
          WHERE a.org_id = $1 AND a.slug = $2
            AND ($3::bigint IS NULL OR EXISTS (
                SELECT FROM affiliations f
                 WHERE f.org_id = a.org_id AND f.program_id = $3 AND f.affiliate_id = a.affiliate_id))
          ORDER BY b.currency"#,
        org.0,
        slug,
        scope.map(|program| program.0)
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("balances.payable", error))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let payable = rows.into_iter().filter_map(|row| row.currency.zip(row.payable));
    Ok(Some(payable.collect()))
}

/// What affiliates are owed, those alone to whom it is other than zero, in the order of their ids; of each as [`payable`]. Within
/// the program `scope` to which the key is bound: affiliates who are in it.
pub async fn all(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
) -> Result<Vec<AffiliateBalances>, DbError> {
    let mut rows = sqlx::query!(
        r#"SELECT a.slug, b.currency AS "currency: Currency", b.payable
           FROM balances b
           JOIN affiliates a ON a.org_id = b.org_id AND a.affiliate_id = b.affiliate_id
          WHERE b.org_id = $1 AND b.payable <> 0
            AND ($2::bigint IS NULL OR EXISTS (
                SELECT FROM affiliations f
                 WHERE f.org_id = b.org_id AND f.program_id = $2 AND f.affiliate_id = b.affiliate_id))"#,
        org.0,
        scope.map(|program| program.0)
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("balances.all", error))?;
    // The database compares texts by the rules of a language, which takes longer than all the rest.
    rows.sort_unstable_by(|a, b| (&a.slug, a.currency.code()).cmp(&(&b.slug, b.currency.code())));
    let mut all: Vec<AffiliateBalances> = Vec::new();
    for row in rows {
        let balance = (row.currency, row.payable);
        match all.last_mut() {
            Some(last) if last.affiliate == row.slug => last.balances.push(balance),
            Some(_) | None => all.push(AffiliateBalances {
                affiliate: row.slug,
                balances: vec![balance],
            }),
        }
    }
    Ok(all)
}

/// What one affiliate is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffiliateBalances {
    /// The affiliate's slug.
    pub affiliate: String,
    pub balances: Vec<(Currency, Decimal)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn balances_are_payable_amounts_other_than_zero(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let of = async |conn: &mut Connection, slug, scope| {
            let found = payable(conn, OrgId(1), slug, scope).await.unwrap();
            found.map(|all| {
                all.iter()
                    .map(|(code, amount)| format!("{code} {}", amount.normalize()))
                    .collect::<Vec<_>>()
            })
        };
        // Jane has a pending commission only, and an old negative balance in euro.
        assert_eq!(of(&mut conn, "jane", None).await, Some(vec!["EUR -3.5".into()]));
        assert_eq!(of(&mut conn, "sandra", None).await, Some(vec!["USD 5".into()]));
        assert_eq!(of(&mut conn, "peter", None).await, Some(vec![]));
        assert_eq!(of(&mut conn, "nobody", None).await, None);
        let in_program = of(&mut conn, "jane", Some(ProgramId(1))).await;
        assert_eq!(in_program.map(|all| all.len()), Some(1));
        assert_eq!(of(&mut conn, "jane", Some(ProgramId(2))).await, None);
        assert_eq!(payable(&mut conn, OrgId(2), "jane", None).await.unwrap(), None);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn all_balances_are_those_of_the_tenant_other_than_zero(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql("UPDATE balances SET payable = 2 WHERE affiliate_id = 1 AND currency = 'USD'")
            .execute(&mut *conn)
            .await
            .unwrap();
        let mut shown = async |org, scope: Option<i64>| {
            let all = all(&mut conn, OrgId(org), scope.map(ProgramId)).await.unwrap();
            all.iter()
                .map(|of| {
                    let balances = of.balances.iter();
                    let balances: Vec<_> = balances
                        .map(|(code, amount)| format!("{code} {}", amount.normalize()))
                        .collect();
                    format!("{}: {}", of.affiliate, balances.join(", "))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(1, None).await, ["jane: EUR -3.5, USD 2", "sandra: USD 5"]);
        assert_eq!(shown(1, Some(1)).await.len(), 2);
        assert_eq!(shown(1, Some(2)).await, [""; 0]);
        assert_eq!(shown(2, None).await, [""; 0]);
    }
}
