//! Whose commissions are looked at.

use chrono::{DateTime, Utc};

use crate::{
    bulk::{MAX_SELECTION, SelectError, named},
    db::{Connection, DbError},
    domain::{ConversionId, OrgId, ProgramId},
};

/// Which conversions are meant; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversionFilter {
    /// The program that the caller's key is bound to.
    pub scope: Option<ProgramId>,
    /// The program's slug.
    pub program: Option<String>,
    /// The slug of the affiliate who sold.
    pub affiliate: Option<String>,
    /// Of this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Of an earlier time than this.
    pub before: Option<DateTime<Utc>>,
}

/// The living conversions of `org` that match at this moment, the oldest first.
///
/// # Errors
/// When the program or the affiliate is not known: a slip must not look like "nothing matches". When more than
/// [`MAX_SELECTION`] match: as nothing of a conversion tells that it was looked at, the same again would not go on behind them.
pub async fn select(
    conn: &mut Connection,
    org: OrgId,
    filter: &ConversionFilter,
) -> Result<Vec<ConversionId>, SelectError> {
    let named = named(conn, org, filter.program.as_deref(), filter.affiliate.as_deref()).await?;
    let found = sqlx::query_scalar!(
        r#"SELECT conversion_id AS "id: ConversionId" FROM conversions
          WHERE org_id = $1 AND deleted_at IS NULL
            AND ($2::bigint IS NULL OR program_id = $2)
            AND ($3::bigint IS NULL OR program_id = $3)
            AND ($4::bigint IS NULL OR affiliate_id = $4)
            AND ($5::timestamptz IS NULL OR created_at >= $5)
            AND ($6::timestamptz IS NULL OR created_at < $6)
          ORDER BY conversion_id
          LIMIT $7"#,
        org.0,
        filter.scope.map(|program| program.0),
        named.program,
        named.affiliate,
        filter.from,
        filter.before,
        i64::from(MAX_SELECTION) + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("recalculation.select", error))?;
    if found.len() > usize::try_from(MAX_SELECTION).unwrap_or(usize::MAX) {
        return Err(SelectError::TooMany(MAX_SELECTION));
    }
    Ok(found)
}
