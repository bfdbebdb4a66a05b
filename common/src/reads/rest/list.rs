//! A list in pages, latest first: its three statements, made of one set of conditions.
//!
//! One page; how many rows match, counted up to [`MAX_EXACT_TOTAL`]; beyond that what the planner thinks of the same
//! conditions. A page is found by the keys of its rows alone, so that a deep one walks an index and no rows; where the
//! conditions come in parts, an index is walked for each of them and the walks are merged.

use serde_json::Value;
use sqlx::{FromRow, postgres::PgRow, types::Json};

use super::page::{MAX_EXACT_TOTAL, PAGE_SIZE, Page, before, total_at_end};
use crate::db::{Connection, DbError, conditions::Conditions};

/// What a list is made of, besides its conditions. The conditions begin with the organisation, which is `$1`.
#[derive(Debug)]
pub(super) struct ListSql {
    /// In errors, such as `clicks.list`.
    pub operation: &'static str,
    /// The table whose rows are listed, with its alias, and what the conditions need besides.
    pub from: &'static str,
    /// That alias.
    pub alias: &'static str,
    /// The columns by which a row is named within the organisation, and those of the order.
    pub key: &'static str,
    /// The latest first: columns that an index has in this order.
    pub order: &'static str,
    /// What is shown of a row.
    pub columns: &'static str,
    /// From the key, as `found`, to the row and to the names that are shown with it.
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
        let rows = self.rows(conn, conditions, before(number)).await?;
        self.placed(conn, conditions, number, rows).await
    }

    /// Page `number` of the rows for which the conditions hold, whose rows have been found.
    pub(super) async fn placed<R>(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
        number: u32,
        rows: Vec<R>,
    ) -> Result<Page<R>, DbError> {
        Ok(match total_at_end(number, rows.len()) {
            Some(total) => Page {
                rows,
                number,
                has_next: false,
                total,
            },
            None if !rows.is_empty() && before(number) >= MAX_EXACT_TOTAL => {
                // So many are there: they need not be counted.
                let total = self
                    .estimate(conn, conditions)
                    .await?
                    .max(before(number.saturating_add(1)));
                Page::counted(rows, number, total)
            }
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
        Ok(self.rows(conn, conditions, 0).await?.pop())
    }

    /// The rows of a page for which the conditions hold, behind the first `skipped`.
    pub(super) async fn rows<R>(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
        skipped: u64,
    ) -> Result<Vec<R>, DbError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let Self {
            from,
            alias,
            key,
            order,
            columns,
            joins,
            ..
        } = self;
        let mut conditions = conditions.clone();
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        let reach = conditions.bind(skipped.saturating_add(i64::from(PAGE_SIZE)));
        let skipped = conditions.bind(skipped);
        let walks: Vec<String> = conditions
            .each_part()
            .iter()
            .map(|part| format!("(SELECT {key} FROM {from} WHERE {part} ORDER BY {order} LIMIT {reach})"))
            .collect();
        let walks = walks.join(" UNION ALL ");
        let sql = format!(
            "SELECT {columns} FROM (SELECT * FROM ({walks}) {alias} ORDER BY {order} OFFSET {skipped} LIMIT {PAGE_SIZE}) found
             {joins} ORDER BY {order}"
        );
        conditions
            .query(sql)
            .build_query_as()
            .fetch_all(conn)
            .await
            .map_err(|error| DbError::new(self.operation, error))
    }

    /// How many rows there are for which the conditions hold.
    pub(super) async fn total(&self, conn: &mut Connection, conditions: &Conditions) -> Result<u64, DbError> {
        let failed = |error| DbError::new(self.operation, error);
        let mut limited = conditions.clone();
        let limit = i64::try_from(MAX_EXACT_TOTAL)
            .unwrap_or(i64::MAX)
            .saturating_add(1);
        let limit = limited.bind(limit);
        // In the order of the list: where few match and the planner expects many, it would read the table.
        let Self { from, order, .. } = self;
        let walks: Vec<String> = limited
            .each_part()
            .iter()
            .map(|part| format!("(SELECT 1 FROM {from} WHERE {part} ORDER BY {order} LIMIT {limit})"))
            .collect();
        let walks = walks.join(" UNION ALL ");
        let counted: i64 = limited
            .query(format!(
                "SELECT count(*) FROM (SELECT FROM ({walks}) walked LIMIT {limit}) counted"
            ))
            .build_query_scalar()
            .fetch_one(&mut *conn)
            .await
            .map_err(failed)?;
        let counted = u64::try_from(counted).unwrap_or_default();
        if counted <= MAX_EXACT_TOTAL {
            return Ok(counted);
        }
        Ok(self.estimate(conn, conditions).await?.max(counted))
    }

    /// How many rows the planner expects.
    async fn estimate(&self, conn: &mut Connection, conditions: &Conditions) -> Result<u64, DbError> {
        let plan = self.plan(conn, conditions).await?;
        let estimate = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_u64);
        Ok(estimate.unwrap_or_default())
    }

    /// How the planner would read all rows for which the conditions hold.
    pub(super) async fn plan(
        &self,
        conn: &mut Connection,
        conditions: &Conditions,
    ) -> Result<Value, DbError> {
        let rows = self.all(conditions);
        let Json(plan) = conditions
            .query(format!("EXPLAIN (FORMAT JSON) {rows}"))
            .build_query_scalar()
            .fetch_one(conn)
            .await
            .map_err(|error| DbError::new(self.operation, error))?;
        Ok(plan)
    }

    /// All rows for which the conditions hold, in no order, without columns that would have to be read.
    fn all(&self, conditions: &Conditions) -> String {
        let from = self.from;
        let parts = conditions.each_part();
        let parts: Vec<_> = parts
            .iter()
            .map(|part| format!("SELECT 1 FROM {from} WHERE {part}"))
            .collect();
        parts.join(" UNION ALL ")
    }
}
