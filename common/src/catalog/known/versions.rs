//! Versions by time: what a rule said from when on, the latest first. The first holds from the beginning of time: its `valid_from` is
//! null.

use serde_json::Value;

use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// Of a commission type.
pub(in crate::catalog) async fn of_type(
    connection: &mut Connection,
    org: OrgId,
    program: &str,
    id: &str,
) -> Result<Vec<Value>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'valid_from', nullif(t.valid_from, '-infinity'), 'title', t.title, t.form, trim_scale(t.value),
               'recurrence', t.recurrence, 'count_towards_cap', t.count_towards_cap, 'retired', t.retired,
               'groups', (SELECT coalesce(jsonb_object_agg(g ->> 'group_id', jsonb_build_object(
                       g ->> 'form', trim_scale((g ->> 'value')::numeric))), '{}')
                   FROM jsonb_array_elements(t.group_overrides) g)) AS "version!"
           FROM commission_types t JOIN programs p USING (org_id, program_id)
           WHERE t.org_id = $1 AND p.slug = $2 AND t.identifier = $3 ORDER BY t.valid_from DESC"#,
        org.0,
        program,
        id
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.type_versions", error))
}

/// Of a level such as `level-2`.
pub(in crate::catalog) async fn of_level(
    connection: &mut Connection,
    org: OrgId,
    program: &str,
    id: &str,
) -> Result<Vec<Value>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'valid_from', nullif(l.valid_from, '-infinity'), 'title', l.title, 'percentage', trim_scale(l.percentage),
               'retired', l.retired) AS "version!"
           FROM program_levels l JOIN programs p USING (org_id, program_id)
           WHERE l.org_id = $1 AND p.slug = $2 AND 'level-' || l.level = $3 ORDER BY l.valid_from DESC"#,
        org.0,
        program,
        id
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.level_versions", error))
}

/// Of a program's windows, limits and approval. None, where they were never changed.
pub(in crate::catalog) async fn of_program(
    connection: &mut Connection,
    org: OrgId,
    program: &str,
) -> Result<Vec<Value>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'valid_from', nullif(t.valid_from, '-infinity'), 'cookie_time', t.cookie_time, 'recurring', t.recurring,
               'recurring_cap', t.recurring_cap, 'recurring_period_days', t.recurring_period_days, 'approval', t.approval,
               'hold_days', t.hold_days, 'default_type', t.default_type) AS "version!"
           FROM program_terms t JOIN programs p USING (org_id, program_id)
           WHERE t.org_id = $1 AND p.slug = $2 ORDER BY t.valid_from DESC"#,
        org.0,
        program
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.program_versions", error))
}

/// Of an affiliate's own rate in a program. None, where it was never changed.
pub(in crate::catalog) async fn of_own_rate(
    connection: &mut Connection,
    org: OrgId,
    affiliate: &str,
    program: &str,
) -> Result<Vec<Value>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'valid_from', nullif(r.valid_from, '-infinity'), 'ignore_product_rate', r.ignore_product_rate)
               || CASE WHEN r.own_rate_form IS NULL THEN '{}'
                       ELSE jsonb_build_object(r.own_rate_form, trim_scale(r.own_rate_value)) END AS "version!"
           FROM affiliation_rates r JOIN programs p USING (org_id, program_id) JOIN affiliates a USING (org_id, affiliate_id)
           WHERE r.org_id = $1 AND a.slug = $2 AND p.slug = $3 ORDER BY r.valid_from DESC"#,
        org.0,
        affiliate,
        program
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.rate_versions", error))
}
