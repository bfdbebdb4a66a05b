//! What programs, affiliations and memberships said at a time. Their columns say what was declared last; a change adds a version
//! with the time from which it holds, and before the first one another with what the columns said until then. No version is
//! ever rewritten.
//!
//! Each statement takes the organisation as $1, rows as JSON in $2 and the time in $3. It is run before the columns are written,
//! which it compares the rows with. Versions follow each other: what is to hold from before the last version holds right after it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;

use crate::db::Connection;

/// A version that was written.
#[derive(Debug)]
pub(super) struct VersionRow {
    pub(super) id: String,
    /// The thing itself is new.
    pub(super) is_new: bool,
    /// `None`: from the beginning of time.
    pub(super) valid_from: Option<DateTime<Utc>>,
}

/// Windows, limits and approval of programs: rows of `id` and the columns.
pub(super) async fn terms<T: Serialize + Sync>(
    connection: &mut Connection,
    org_id: i64,
    programs: &[T],
    from: DateTime<Utc>,
) -> Result<Vec<VersionRow>, sqlx::Error> {
    sqlx::query_as!(
        VersionRow,
        r#"WITH changed AS (
             SELECT p.*, f.cookie_time AS f_cookie_time, f.recurring AS f_recurring, f.recurring_cap AS f_recurring_cap,
                 f.recurring_period_days AS f_recurring_period_days, f.approval AS f_approval, f.hold_days AS f_hold_days,
                 f.default_type AS f_default_type, (
                     SELECT max(t.valid_from) FROM program_terms t WHERE (t.org_id, t.program_id) = (p.org_id, p.program_id)
                 ) AS last
             FROM jsonb_to_recordset($2) AS f (
                 id text, cookie_time integer, recurring boolean, recurring_cap integer, recurring_period_days integer,
                 approval text, hold_days integer, default_type text)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.id
             WHERE (p.cookie_time, p.recurring, p.recurring_cap, p.recurring_period_days, p.approval, p.hold_days, p.default_type)
                 IS DISTINCT FROM
                   (f.cookie_time, f.recurring, f.recurring_cap, f.recurring_period_days, f.approval, f.hold_days,
                    f.default_type)
         ), until_now AS (
             INSERT INTO program_terms (org_id, program_id, cookie_time, recurring, recurring_cap, recurring_period_days,
                 approval, hold_days, default_type)
             SELECT org_id, program_id, cookie_time, recurring, recurring_cap, recurring_period_days, approval, hold_days,
                 default_type
             FROM changed WHERE last IS NULL
         ), written AS (
             INSERT INTO program_terms (org_id, program_id, valid_from, cookie_time, recurring, recurring_cap,
                 recurring_period_days, approval, hold_days, default_type)
             SELECT org_id, program_id, greatest($3, last + interval '1 microsecond'), f_cookie_time, f_recurring,
                 f_recurring_cap, f_recurring_period_days, f_approval, f_hold_days, f_default_type
             FROM changed
             RETURNING program_id, valid_from
         )
         SELECT c.slug AS id, false AS "is_new!", w.valid_from AS "valid_from?"
         FROM written w JOIN changed c USING (program_id)"#,
        org_id,
        Json(programs) as _,
        from
    )
    .fetch_all(connection)
    .await
}

/// Affiliates' own rates: rows of `owner`, `program`, `form`, `value`, `ignore_product_rate`.
pub(super) async fn own_rates<T: Serialize + Sync>(
    connection: &mut Connection,
    org_id: i64,
    affiliations: &[T],
    from: DateTime<Utc>,
) -> Result<Vec<VersionRow>, sqlx::Error> {
    sqlx::query_as!(
        VersionRow,
        r#"WITH changed AS (
             SELECT o.*, a.slug || '/' || p.slug AS id, f.form, f.value, f.ignore_product_rate AS f_ignore_product_rate, (
                     SELECT max(r.valid_from) FROM affiliation_rates r
                     WHERE (r.org_id, r.program_id, r.affiliate_id) = (o.org_id, o.program_id, o.affiliate_id)
                 ) AS last
             FROM jsonb_to_recordset($2) AS f (
                 owner text, program text, form text, value numeric, ignore_product_rate boolean)
             JOIN affiliates a ON a.org_id = $1 AND a.slug = f.owner AND a.deleted_at IS NULL
             JOIN programs p ON p.org_id = $1 AND p.slug = f.program
             JOIN affiliations o ON (o.org_id, o.program_id, o.affiliate_id) = (a.org_id, p.program_id, a.affiliate_id)
             WHERE (o.own_rate_form, o.own_rate_value, o.ignore_product_rate)
                 IS DISTINCT FROM (f.form, f.value, f.ignore_product_rate)
         ), until_now AS (
             INSERT INTO affiliation_rates
                 (org_id, program_id, affiliate_id, own_rate_form, own_rate_value, ignore_product_rate)
             SELECT org_id, program_id, affiliate_id, own_rate_form, own_rate_value, ignore_product_rate
             FROM changed WHERE last IS NULL
         ), written AS (
             INSERT INTO affiliation_rates
                 (org_id, program_id, affiliate_id, valid_from, own_rate_form, own_rate_value, ignore_product_rate)
             SELECT org_id, program_id, affiliate_id, greatest($3, last + interval '1 microsecond'), form, value,
                 f_ignore_product_rate
             FROM changed
             RETURNING program_id, affiliate_id, valid_from
         )
         SELECT c.id AS "id!", false AS "is_new!", w.valid_from AS "valid_from?"
         FROM written w JOIN changed c USING (program_id, affiliate_id)"#,
        org_id,
        Json(affiliations) as _,
        from
    )
    .fetch_all(connection)
    .await
}

/// Affiliates' groups: rows of `id` and `group_id`.
pub(super) async fn memberships<T: Serialize + Sync>(
    connection: &mut Connection,
    org_id: i64,
    affiliates: &[T],
    from: DateTime<Utc>,
) -> Result<Vec<VersionRow>, sqlx::Error> {
    sqlx::query_as!(
        VersionRow,
        r#"WITH changed AS (
             SELECT a.org_id, a.affiliate_id, a.slug, a.group_id, f.group_id AS f_group_id, (
                     SELECT max(m.valid_from) FROM group_memberships m
                     WHERE (m.org_id, m.affiliate_id) = (a.org_id, a.affiliate_id)
                 ) AS last
             FROM jsonb_to_recordset($2) AS f (id text, group_id text)
             JOIN affiliates a ON a.org_id = $1 AND a.slug = f.id AND a.deleted_at IS NULL
             WHERE a.group_id IS DISTINCT FROM f.group_id
         ), until_now AS (
             INSERT INTO group_memberships (org_id, affiliate_id, group_id)
             SELECT org_id, affiliate_id, group_id FROM changed WHERE last IS NULL
         ), written AS (
             INSERT INTO group_memberships (org_id, affiliate_id, valid_from, group_id)
             SELECT org_id, affiliate_id, greatest($3, last + interval '1 microsecond'), f_group_id FROM changed
             RETURNING affiliate_id, valid_from
         )
         SELECT c.slug AS id, false AS "is_new!", w.valid_from AS "valid_from?"
         FROM written w JOIN changed c USING (affiliate_id)"#,
        org_id,
        Json(affiliates) as _,
        from
    )
    .fetch_all(connection)
    .await
}
