//! Commission types, levels and bonuses of a program: of each the version that holds.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;

use crate::{
    db::{Connection, DbError},
    domain::{
        OrgId, ProgramId,
        catalog::{Bonus, GroupOverride},
    },
};

/// A commission type as it holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeDetails {
    pub identifier: String,
    pub title: String,
    /// `percentage` or `fixed`.
    pub form: String,
    pub value: Decimal,
    pub recurrence: String,
    pub count_towards_cap: bool,
    pub group_overrides: Vec<GroupOverride>,
}

/// A level as it holds now. Level 2 is the seller's parent.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelDetails {
    pub level: i32,
    pub title: String,
    pub percentage: Decimal,
}

/// The program of that id, if the caller may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn program(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<Option<ProgramId>, DbError> {
    let found = crate::db::programs::by_slug(conn, org, slug).await?;
    Ok(found.filter(|program| scope.is_none_or(|scope| scope == *program)))
}

/// Its commission types that are not retired, by their identifiers.
///
/// # Errors
/// When the database does not answer.
pub async fn types(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    now: DateTime<Utc>,
) -> Result<Vec<TypeDetails>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT identifier AS "identifier!", title AS "title!", form AS "form!", value AS "value!", recurrence AS "recurrence!",
                count_towards_cap AS "count_towards_cap!", group_overrides AS "group_overrides!: Json<Vec<GroupOverride>>"
         FROM (SELECT DISTINCT ON (identifier) * FROM commission_types
               WHERE org_id = $1 AND program_id = $2 AND valid_from <= $3
               ORDER BY identifier, valid_from DESC) held
         WHERE NOT retired
         ORDER BY identifier"#,
        org.0,
        program.0,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("programs.types", error))?;
    let types = rows.into_iter().map(|row| TypeDetails {
        identifier: row.identifier,
        title: row.title,
        form: row.form,
        value: row.value,
        recurrence: row.recurrence,
        count_towards_cap: row.count_towards_cap,
        group_overrides: row.group_overrides.0,
    });
    Ok(types.collect())
}

/// Its levels that are not retired, the lowest first.
///
/// # Errors
/// When the database does not answer.
pub async fn levels(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    now: DateTime<Utc>,
) -> Result<Vec<LevelDetails>, DbError> {
    sqlx::query_as!(
        LevelDetails,
        r#"SELECT level AS "level!", title AS "title!", percentage AS "percentage!"
         FROM (SELECT DISTINCT ON (level) * FROM program_levels
               WHERE org_id = $1 AND program_id = $2 AND valid_from <= $3
               ORDER BY level, valid_from DESC) held
         WHERE NOT retired
         ORDER BY level"#,
        org.0,
        program.0,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("programs.levels", error))
}

/// Its bonuses that are not retired, by their identifiers.
///
/// # Errors
/// When the database does not answer.
pub async fn bonuses(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    now: DateTime<Utc>,
) -> Result<Vec<Bonus>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT bonus_id, definition AS "definition: Json<Bonus>"
         FROM program_bonuses
         WHERE org_id = $1 AND program_id = $2 AND (retired_at IS NULL OR retired_at > $3)
         ORDER BY bonus_id"#,
        org.0,
        program.0,
        now
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("programs.bonuses", error))?;
    let bonuses = rows.into_iter().map(|row| Bonus {
        identifier: row.bonus_id,
        ..row.definition.0
    });
    Ok(bonuses.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn the_version_that_holds_is_shown(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO commission_types (org_id, program_id, identifier, title, valid_from, form, value)
             VALUES (1, 1, 'own', 'Own', '-infinity', 'fixed', 1), (1, 1, 'own', 'Own', '2026-01-01', 'fixed', 2),
                    (1, 1, 'own', 'Own', '2027-01-01', 'fixed', 3), (1, 2, 'own', 'Own', '-infinity', 'fixed', 9);
             INSERT INTO program_levels (org_id, program_id, level, title, valid_from, percentage)
             VALUES (1, 1, 3, 'L', '-infinity', 3), (1, 1, 2, 'L', '-infinity', 5), (1, 1, 2, 'L', '2026-02-01', 6)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let (org, johns) = (OrgId(1), ProgramId(1));
        let own = async |conn: &mut Connection, at: &str| {
            let types = types(conn, org, johns, at.parse().unwrap()).await.unwrap();
            let own = types.into_iter().find(|rule| rule.identifier == "own");
            own.unwrap().value.normalize().to_string()
        };
        assert_eq!(own(&mut conn, "2025-12-31T00:00:00Z").await, "1");
        assert_eq!(own(&mut conn, "2026-06-01T00:00:00Z").await, "2");
        let levels = levels(&mut conn, org, johns, fixture::now()).await.unwrap();
        let levels: Vec<_> = levels
            .iter()
            .map(|rule| (rule.level, rule.percentage.normalize().to_string()))
            .collect();
        assert_eq!(levels, [(2, "6".to_owned()), (3, "3".to_owned())]);
        sqlx::raw_sql(
            "INSERT INTO commission_types (org_id, program_id, identifier, title, valid_from, form, value, retired)
             VALUES (1, 1, 'own', 'Own', '2026-07-01', 'fixed', 2, true);
             INSERT INTO program_levels (org_id, program_id, level, title, valid_from, percentage, retired)
             VALUES (1, 1, 2, 'L', '2026-07-01', 6, true);
             INSERT INTO program_bonuses (org_id, program_id, bonus_id, definition, retired_at)
             SELECT 1, 1, id, '{\"title\": \"\", \"target_type\": \"conversion_count\", \"target\": 1, \"form\": \"fixed\", \"value\": \"1\"}', at
             FROM (VALUES ('gone', '2026-07-01'::timestamptz), ('going', '9000-01-01'), ('here', NULL)) v (id, at);
             INSERT INTO custom_fields (org_id, field_id, definition, retired_at)
             SELECT 1, id, '{\"title\": \"\"}', at FROM (VALUES ('gone', '2026-07-01'::timestamptz), ('here', NULL)) v (id, at)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let now = fixture::now();
        let types = types(&mut conn, org, johns, now).await.unwrap();
        assert!(types.iter().all(|rule| rule.identifier != "own"));
        assert_eq!(super::levels(&mut conn, org, johns, now).await.unwrap().len(), 1);
        let bonuses = bonuses(&mut conn, org, johns, now).await.unwrap();
        let bonuses: Vec<_> = bonuses.iter().map(|bonus| bonus.identifier.as_str()).collect();
        assert_eq!(bonuses, ["going", "here"]);
        let fields = crate::reads::rest::custom_fields::all(&mut conn, org, now)
            .await
            .unwrap();
        let fields: Vec<_> = fields.iter().map(|field| field.id.as_str()).collect();
        assert_eq!(fields, ["here"]);
        for (org, scope, want) in [(1, None, Some(1)), (1, Some(2), None), (2, None, None)] {
            let found = program(&mut conn, OrgId(org), scope.map(ProgramId), "johns").await;
            assert_eq!(found.unwrap(), want.map(ProgramId));
        }
    }
}
