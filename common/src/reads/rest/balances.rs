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
}
