//! Commission types, levels and bonuses of programs. Types and levels are versioned: a change adds a version, no version is
//! ever rewritten.

use sqlx::types::Json;

use super::{
    error::SyncError,
    target::{Of, Target, Written, WrittenRow, owned},
};
use crate::catalog::{
    file::{Bonus, CommissionType, Level, Program},
    report::Thing,
};

pub(super) async fn write(target: &mut Target<'_>) -> Result<(), SyncError> {
    let programs = &target.org.programs;
    let types = of_programs(programs, |program| &program.types);
    let written = insert_types(target, &types).await?;
    target.add(Thing::CommissionType, types.len(), written);

    let levels = of_programs(programs, |program| &program.levels);
    let written = insert_levels(target, &levels).await?;
    target.add(Thing::Level, levels.len(), written);

    let bonuses = of_programs(programs, |program| &program.bonuses);
    let written = upsert_bonuses(target, &bonuses).await?;
    target.add(Thing::Bonus, bonuses.len(), written);
    Ok(())
}

fn of_programs<'a, T>(programs: &'a [Program], things: impl Fn(&'a Program) -> &'a [T]) -> Vec<Of<'a, T>> {
    owned(programs, |program| program.id.get_ref(), things)
}

/// The first version holds from the beginning of time. Versions follow each other even if the clock went back.
async fn insert_types(
    target: &mut Target<'_>,
    types: &[Of<'_, CommissionType>],
) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO commission_types
                 (org_id, program_id, identifier, title, valid_from, form, value, recurrence, count_towards_cap,
                  group_overrides)
             SELECT $1, p.program_id, f.id, f.title,
                 CASE WHEN last.valid_from IS NULL THEN '-infinity'
                      ELSE greatest($3, last.valid_from + interval '1 microsecond') END,
                 f.form, f.value, f.recurrence, f.count_towards_cap, f.group_overrides
             FROM jsonb_to_recordset($2) AS f (
                 owner text, id text, title text, form text, value numeric, recurrence text, count_towards_cap boolean,
                 group_overrides jsonb)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             LEFT JOIN LATERAL (
                 SELECT * FROM commission_types t
                 WHERE t.org_id = $1 AND t.program_id = p.program_id AND t.identifier = f.id
                 ORDER BY t.valid_from DESC LIMIT 1
             ) last ON true
             WHERE last.valid_from IS NULL
                 OR (last.title, last.form, last.value, last.recurrence, last.count_towards_cap, last.group_overrides)
                     IS DISTINCT FROM (f.title, f.form, f.value, f.recurrence, f.count_towards_cap, f.group_overrides)
             RETURNING program_id, identifier, valid_from
         )
         SELECT p.slug || '/' || w.identifier AS "id!", w.valid_from = '-infinity' AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(types) as _,
        target.now
    );
    target.run("commission_types.insert", types.len(), query).await
}

async fn insert_levels(target: &mut Target<'_>, levels: &[Of<'_, Level>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO program_levels (org_id, program_id, level, title, valid_from, percentage)
             SELECT $1, p.program_id, f.level, f.title,
                 CASE WHEN last.valid_from IS NULL THEN '-infinity'
                      ELSE greatest($3, last.valid_from + interval '1 microsecond') END,
                 f.percentage
             FROM jsonb_to_recordset($2) AS f (owner text, level integer, title text, percentage numeric)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             LEFT JOIN LATERAL (
                 SELECT * FROM program_levels l
                 WHERE l.org_id = $1 AND l.program_id = p.program_id AND l.level = f.level
                 ORDER BY l.valid_from DESC LIMIT 1
             ) last ON true
             WHERE last.valid_from IS NULL OR (last.title, last.percentage) IS DISTINCT FROM (f.title, f.percentage)
             RETURNING program_id, level, valid_from
         )
         SELECT p.slug || '/level-' || w.level AS "id!", w.valid_from = '-infinity' AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(levels) as _,
        target.now
    );
    target.run("levels.insert", levels.len(), query).await
}

async fn upsert_bonuses(target: &mut Target<'_>, bonuses: &[Of<'_, Bonus>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO program_bonuses AS b (org_id, program_id, bonus_id, definition)
             SELECT $1, p.program_id, f.id, f.definition
             FROM jsonb_to_recordset($2) AS f (owner text, id text, definition jsonb)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             ON CONFLICT (org_id, program_id, bonus_id) DO UPDATE SET definition = excluded.definition
             WHERE b.definition <> excluded.definition
             RETURNING program_id, bonus_id, xmax = 0 AS is_new
         )
         SELECT p.slug || '/' || w.bonus_id AS "id!", w.is_new AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(bonuses) as _
    );
    target.run("bonuses.upsert", bonuses.len(), query).await
}
