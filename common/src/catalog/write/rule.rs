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
    versions::VersionRow,
};

/// `new_programs` were not there before this apply.
pub(super) async fn write(target: &mut Target<'_>, new_programs: &[String]) -> Result<(), SyncError> {
    let programs = &target.org.programs;
    let types = of_programs(programs, |program| &program.types);
    let written = insert_types(target, &types, new_programs).await?;
    target.add(Thing::CommissionType, types.len(), written);

    let levels = of_programs(programs, |program| &program.levels);
    let written = insert_levels(target, &levels, new_programs).await?;
    target.add(Thing::Level, levels.len(), written);

    let bonuses = of_programs(programs, |program| &program.bonuses);
    let written = upsert_bonuses(target, &bonuses).await?;
    target.add(Thing::Bonus, bonuses.len(), written);
    Ok(())
}

fn of_programs<'a, T>(programs: &'a [Program], things: impl Fn(&'a Program) -> &'a [T]) -> Vec<Of<'a, T>> {
    owned(programs, |program| program.id.get_ref(), things)
}

/// The first version holds from the beginning of time; of what is new in a program that was there, from the time that is given,
/// if one is. Versions follow each other even if the clock went back.
async fn insert_types(
    target: &mut Target<'_>,
    types: &[Of<'_, CommissionType>],
    new_programs: &[String],
) -> Result<Written, SyncError> {
    if types.is_empty() {
        return Ok(Written::new());
    }
    let written = sqlx::query_as!(
        VersionRow,
        r#"WITH written AS (
             INSERT INTO commission_types
                 (org_id, program_id, identifier, title, valid_from, form, value, recurrence, count_towards_cap,
                  group_overrides, retired)
             SELECT $1, p.program_id, f.id, f.title,
                 CASE WHEN last.valid_from IS NOT NULL THEN greatest($3, last.valid_from + interval '1 microsecond')
                      WHEN $4 AND f.owner <> ALL ($5) THEN $3
                      ELSE '-infinity' END,
                 f.form, f.value, f.recurrence, f.count_towards_cap, f.group_overrides, f.retired
             FROM jsonb_to_recordset($2) AS f (
                 owner text, id text, title text, form text, value numeric, recurrence text, count_towards_cap boolean,
                 group_overrides jsonb, retired boolean)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             LEFT JOIN LATERAL (
                 SELECT * FROM commission_types t
                 WHERE t.org_id = $1 AND t.program_id = p.program_id AND t.identifier = f.id
                 ORDER BY t.valid_from DESC LIMIT 1
             ) last ON true
             WHERE last.valid_from IS NULL
                 OR (last.title, last.form, last.value, last.recurrence, last.count_towards_cap, last.group_overrides,
                     last.retired)
                     IS DISTINCT FROM
                    (f.title, f.form, f.value, f.recurrence, f.count_towards_cap, f.group_overrides, f.retired)
             RETURNING program_id, identifier, valid_from
         )
         SELECT p.slug || '/' || w.identifier AS "id!",
             -- Of the rows before this statement.
             NOT EXISTS (SELECT FROM commission_types t
                         WHERE (t.org_id, t.program_id, t.identifier) = ($1, w.program_id, w.identifier)) AS "is_new!",
             nullif(w.valid_from, '-infinity') AS "valid_from?"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(types) as _,
        target.rules_from(),
        target.rules_from.is_some(),
        new_programs
    )
    .fetch_all(&mut *target.connection)
    .await;
    target.versions("commission_types.insert", Thing::CommissionType, written)
}

/// As [`insert_types`].
async fn insert_levels(
    target: &mut Target<'_>,
    levels: &[Of<'_, Level>],
    new_programs: &[String],
) -> Result<Written, SyncError> {
    if levels.is_empty() {
        return Ok(Written::new());
    }
    let written = sqlx::query_as!(
        VersionRow,
        r#"WITH written AS (
             INSERT INTO program_levels (org_id, program_id, level, title, valid_from, percentage, retired)
             SELECT $1, p.program_id, f.level, f.title,
                 CASE WHEN last.valid_from IS NOT NULL THEN greatest($3, last.valid_from + interval '1 microsecond')
                      WHEN $4 AND f.owner <> ALL ($5) THEN $3
                      ELSE '-infinity' END,
                 f.percentage, f.retired
             FROM jsonb_to_recordset($2) AS f (
                 owner text, level integer, title text, percentage numeric, retired boolean)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             LEFT JOIN LATERAL (
                 SELECT * FROM program_levels l
                 WHERE l.org_id = $1 AND l.program_id = p.program_id AND l.level = f.level
                 ORDER BY l.valid_from DESC LIMIT 1
             ) last ON true
             WHERE last.valid_from IS NULL
                 OR (last.title, last.percentage, last.retired) IS DISTINCT FROM (f.title, f.percentage, f.retired)
             RETURNING program_id, level, valid_from
         )
         SELECT p.slug || '/level-' || w.level AS "id!",
             -- Of the rows before this statement.
             NOT EXISTS (SELECT FROM program_levels l
                         WHERE (l.org_id, l.program_id, l.level) = ($1, w.program_id, w.level)) AS "is_new!",
             nullif(w.valid_from, '-infinity') AS "valid_from?"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(levels) as _,
        target.rules_from(),
        target.rules_from.is_some(),
        new_programs
    )
    .fetch_all(&mut *target.connection)
    .await;
    target.versions("levels.insert", Thing::Level, written)
}

async fn upsert_bonuses(target: &mut Target<'_>, bonuses: &[Of<'_, Bonus>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO program_bonuses AS b (org_id, program_id, bonus_id, definition, declared_at, retired_at)
             SELECT $1, p.program_id, f.id, f.definition, $3::timestamptz, CASE WHEN f.retired THEN $3::timestamptz END
             FROM jsonb_to_recordset($2) AS f (owner text, id text, definition jsonb, retired boolean)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             ON CONFLICT (org_id, program_id, bonus_id) DO UPDATE
             SET definition = excluded.definition,
                 -- It was declared when it was declared first.
                 -- What is retired stays so since then.
                 retired_at = CASE WHEN excluded.retired_at IS NOT NULL THEN coalesce(b.retired_at, excluded.retired_at) END
             WHERE (b.definition, b.retired_at IS NULL) IS DISTINCT FROM (excluded.definition, excluded.retired_at IS NULL)
             RETURNING program_id, bonus_id, xmax = 0 AS is_new
         )
         SELECT p.slug || '/' || w.bonus_id AS "id!", w.is_new AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(bonuses) as _,
        target.rules_from()
    );
    target.run("bonuses.upsert", bonuses.len(), query).await
}
