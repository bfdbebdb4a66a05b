//! A list in pages, latest first: its three statements, made of one set of conditions.
//!
//! One page; how many rows match, counted up to [`MAX_EXACT_TOTAL`]; beyond that what the planner thinks of the same
//! conditions.

use serde_json::Value;
use sqlx::{FromRow, postgres::PgRow, types::Json};

use crate::db::{Connection, DbError, conditions::Conditions};

/// Rows of a page (seed: REST 1.6, pagination).
pub const PAGE_SIZE: u32 = 25;
/// Totals are exact up to here; beyond, the planner's estimate is good enough for a link to the last page.
pub const MAX_EXACT_TOTAL: u64 = 10_000;

/// One page, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The first is 1.
    pub number: u32,
    /// Whether another follows.
    pub has_next: bool,
    /// All rows that match: exact up to [`MAX_EXACT_TOTAL`], estimated above it.
    pub total: u64,
}

/// What a list is made of, besides its conditions. The conditions begin with the organisation, which is `$1`.
#[derive(Debug)]
pub(super) struct ListSql {
    /// In errors, such as `clicks.list`.
    pub operation: &'static str,
    /// The table whose rows are listed, with its alias, and what the conditions need besides.
    pub from: &'static str,
    /// That alias.
    pub alias: &'static str,
    /// The column by which rows are named, ascending with time.
    pub id: &'static str,
    /// What is shown of a row. A page is found on an index alone: names are joined to its few rows.
    pub columns: &'static str,
    pub joins: &'static str,
}

impl ListSql {
    /// Page `number` of the rows for which the conditions hold.
    pub(super) async fn page<R>(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
        number: u32,
    ) -> Result<Page<R>, DbError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let rows = self.rows(conn, conditions, number).await?;
        Ok(match total_at_end(number, rows.len()) {
            Some(total) => Page {
                rows,
                number,
                has_next: false,
                total,
            },
            None => Page::counted(rows, number, self.total(conn, conditions).await?),
        })
    }

    /// The row for which the conditions hold.
    pub(super) async fn row<R>(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
    ) -> Result<Option<R>, DbError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(self.rows(conn, conditions, 1).await?.pop())
    }

    async fn rows<R>(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
        number: u32,
    ) -> Result<Vec<R>, DbError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let Self {
            from,
            alias,
            id,
            columns,
            joins,
            ..
        } = self;
        let before = format!("SELECT {columns} FROM (SELECT {alias}.* FROM {from} WHERE ");
        let mut sql = conditions.statement(&before);
        sql.push(format_args!(" ORDER BY {alias}.{id} DESC LIMIT "))
            .push_bind(i64::from(PAGE_SIZE))
            .push(" OFFSET ")
            .push_bind(i64::from(number.saturating_sub(1)) * i64::from(PAGE_SIZE))
            .push(format_args!(") {alias} {joins} ORDER BY {alias}.{id} DESC"));
        sql.build_query_as()
            .fetch_all(conn)
            .await
            .map_err(|error| DbError::new(self.operation, error))
    }

    /// How many rows there are for which the conditions hold.
    pub(super) async fn total(&self, conn: &mut Connection, conditions: &Conditions) -> Result<u64, DbError> {
        let failed = |error| DbError::new(self.operation, error);
        let limit = i64::try_from(MAX_EXACT_TOTAL).unwrap_or(i64::MAX);
        let counted: i64 = conditions
            .statement(&format!("SELECT count(*) FROM (SELECT FROM {} WHERE ", self.from))
            .push(" LIMIT ")
            .push_bind(limit)
            .push(" + 1) counted")
            .build_query_scalar()
            .fetch_one(&mut *conn)
            .await
            .map_err(failed)?;
        let counted = u64::try_from(counted).unwrap_or_default();
        if counted <= MAX_EXACT_TOTAL {
            return Ok(counted);
        }
        let plan = self.plan(conn, conditions).await?;
        let estimate = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_u64);
        Ok(estimate.unwrap_or_default().max(counted))
    }

    /// How the planner would read all rows for which the conditions hold.
    pub(super) async fn plan(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
    ) -> Result<Value, DbError> {
        let Json(plan) = conditions
            .statement(&format!("EXPLAIN (FORMAT JSON) SELECT FROM {} WHERE ", self.from))
            .build_query_scalar()
            .fetch_one(conn)
            .await
            .map_err(|error| DbError::new(self.operation, error))?;
        Ok(plan)
    }
}

/// The total, where a page of `found` rows says it itself: it is not full, and so the last.
fn total_at_end(number: u32, found: usize) -> Option<u64> {
    let found = u32::try_from(found).unwrap_or(PAGE_SIZE);
    let is_last = found < PAGE_SIZE && (found > 0 || number == 1);
    is_last.then(|| before(number) + u64::from(found))
}

/// How many rows come before page `number`.
fn before(number: u32) -> u64 {
    u64::from(number.saturating_sub(1)) * u64::from(PAGE_SIZE)
}

impl<T> Page<T> {
    /// Page `number` of a list that is short and has been read whole.
    pub fn of_all(all: Vec<T>, number: u32) -> Self {
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let skipped = usize::try_from(before(number)).unwrap_or(usize::MAX);
        let size = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
        let rows: Vec<T> = all.into_iter().skip(skipped).take(size).collect();
        Self {
            has_next: total > before(number) + u64::from(PAGE_SIZE),
            rows,
            number,
            total,
        }
    }

    fn counted(rows: Vec<T>, number: u32, total: u64) -> Self {
        let behind = before(number) + u64::try_from(rows.len()).unwrap_or_default();
        Self {
            has_next: !rows.is_empty() && (total > behind || total > MAX_EXACT_TOTAL),
            rows,
            number,
            total,
        }
    }

    /// The same page of what is made of its rows.
    pub(super) fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(view).collect(),
            number: self.number,
            has_next: self.has_next,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_has_pages_too() {
        for (number, len, want) in [
            (1, 0, (0, false)),
            (1, 25, (25, false)),
            (1, 26, (25, true)),
            (2, 26, (1, false)),
            (u32::MAX, 26, (0, false)),
        ] {
            let page = Page::of_all(vec![(); len], number);
            assert_eq!((page.rows.len(), page.has_next), want, "page {number} of {len}");
        }
    }

    #[test]
    fn only_a_full_page_or_one_behind_the_end_needs_a_count() {
        for (number, found, want) in [
            (1, 0, Some(0)),
            (1, 24, Some(24)),
            (3, 5, Some(55)),
            (1, 25, None),
            (4, 0, None),
        ] {
            let total = total_at_end(number, found);
            assert_eq!(total, want, "page {number} with {found}");
        }
        let has_next = |number, found, total| Page::counted(vec![(); found], number, total).has_next;
        assert!(has_next(1, 25, 26) && !has_next(1, 25, 25));
        assert!(!has_next(9, 0, 26), "behind the end");
        assert!(has_next(900, 25, MAX_EXACT_TOTAL + 1), "an estimate");
    }
}
