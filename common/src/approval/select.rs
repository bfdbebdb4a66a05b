//! Which commissions wait for a person, at one moment.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{
    bulk::{MAX_SELECTION, SelectError, named},
    db::{Connection, DbError},
    domain::{CommissionId, Currency, OrgId, ProgramId},
};

/// Which pending commissions are meant; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingFilter {
    /// The program that the caller's key is bound to.
    pub scope: Option<ProgramId>,
    /// The program's slug. A bonus belongs to no sale and so to no program.
    pub program: Option<String>,
    /// The slug of the affiliate who earns.
    pub affiliate: Option<String>,
    /// Created before this time.
    pub before: Option<DateTime<Utc>>,
}

/// Commissions that were pending at one moment. What comes later is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The oldest first.
    pub ids: Vec<CommissionId>,
    /// What they bring, by currency.
    pub amounts: BTreeMap<String, Decimal>,
    /// More than [`MAX_SELECTION`] matched.
    pub more: bool,
}

/// Chooses the pending commissions of `org` that match.
///
/// # Errors
/// When the program or the affiliate is not known: a slip must not look like "nothing waits".
pub async fn select(
    conn: &mut Connection,
    org: OrgId,
    filter: &PendingFilter,
) -> Result<Selection, SelectError> {
    let named = named(conn, org, filter.program.as_deref(), filter.affiliate.as_deref()).await?;
    // What is deleted is disapproved: a sale is looked up for its program alone.
    let rows = sqlx::query!(
        r#"SELECT m.commission_id AS "id: CommissionId", m.amount, m.currency AS "currency: Currency"
           FROM commissions m
          WHERE m.org_id = $1 AND m.approved IS NULL
            AND (($2::bigint IS NULL AND $3::bigint IS NULL) OR EXISTS (
                SELECT FROM conversions c
                 WHERE c.org_id = m.org_id AND c.conversion_id = m.conversion_id
                   AND ($2 IS NULL OR c.program_id = $2) AND ($3 IS NULL OR c.program_id = $3)))
            AND ($4::bigint IS NULL OR m.affiliate_id = $4)
            AND ($5::timestamptz IS NULL OR m.created_at < $5)
          ORDER BY m.commission_id
          LIMIT $6"#,
        org.0,
        filter.scope.map(|program| program.0),
        named.program,
        named.affiliate,
        filter.before,
        i64::from(MAX_SELECTION) + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("approval.select", error))?;
    let limit = usize::try_from(MAX_SELECTION).unwrap_or(usize::MAX);
    let mut selection = Selection {
        more: rows.len() > limit,
        ..Selection::default()
    };
    for row in rows.into_iter().take(limit) {
        selection.ids.push(row.id);
        *selection
            .amounts
            .entry(row.currency.code().to_owned())
            .or_default() += row.amount;
    }
    Ok(selection)
}
