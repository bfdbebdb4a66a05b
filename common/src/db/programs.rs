//! Programs with their rules, as deciding needs them.

use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;

use super::{Connection, DbError, decode};
use crate::domain::{
    Currency, OrgId, ProgramId,
    catalog::{
        Approval, Bonus, Catalog, CommissionType, GroupOverride, Level, Program, Rate, Recurrence, Terms,
    },
    versions::Versions,
};

/// A program with one version of its terms.
struct Row {
    org: OrgId,
    id: ProgramId,
    slug: String,
    title: String,
    currency: Currency,
    is_default: bool,
    keyed_leads_only: bool,
    retired_at: Option<DateTime<Utc>>,
    valid_from: Option<DateTime<Utc>>,
    recurring: bool,
    cookie_time: i32,
    recurring_cap: Option<i32>,
    recurring_period_days: Option<i32>,
    approval: String,
    hold_days: Option<i32>,
    default_type: String,
}

struct RuleRow {
    org: OrgId,
    program: ProgramId,
    /// Of a type or a bonus; `None`: a level.
    identifier: Option<String>,
    level: Option<i32>,
    title: String,
    valid_from: Option<DateTime<Utc>>,
    form: String,
    value: Decimal,
    group_overrides: Json<Vec<GroupOverride>>,
    recurrence: String,
    count_towards_cap: bool,
    retired: bool,
    /// Only of a bonus.
    declared_at: Option<DateTime<Utc>>,
    /// Only of a bonus.
    retired_at: Option<DateTime<Utc>>,
    bonus: Option<Json<Bonus>>,
}

/// Adds the programs of the organisations, with all versions of their rules.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn load_into(
    connection: &mut Connection,
    orgs: &[OrgId],
    catalog: &mut Catalog,
) -> Result<(), DbError> {
    let orgs: Vec<i64> = orgs.iter().map(|org| org.0).collect();
    let rows = sqlx::query_as!(
        Row,
        // The oldest version first, what was declared last at the end.
        r#"SELECT p.org_id AS "org: OrgId", p.program_id AS "id: ProgramId", p.slug, p.title,
                p.currency AS "currency: Currency", p.is_default, p.keyed_leads_only, p.retired_at,
                v.valid_from AS "valid_from?", v.recurring AS "recurring!", v.cookie_time AS "cookie_time!",
                v.recurring_cap AS "recurring_cap?", v.recurring_period_days AS "recurring_period_days?",
                v.approval AS "approval!", v.hold_days AS "hold_days?", v.default_type AS "default_type!"
         FROM programs p CROSS JOIN LATERAL (
             SELECT false AS is_declared, nullif(t.valid_from, '-infinity') AS valid_from, t.recurring, t.cookie_time,
                 t.recurring_cap, t.recurring_period_days, t.approval, t.hold_days, t.default_type
             FROM program_terms t WHERE (t.org_id, t.program_id) = (p.org_id, p.program_id)
             UNION ALL
             SELECT true, NULL, p.recurring, p.cookie_time, p.recurring_cap, p.recurring_period_days, p.approval, p.hold_days,
                 p.default_type
         ) v
         WHERE p.org_id = ANY ($1)
         ORDER BY p.org_id, p.program_id, v.is_declared, v.valid_from NULLS FIRST"#,
        &orgs
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| DbError::new("programs.load", error))?;
    let mut programs: HashMap<(OrgId, ProgramId), Program> = HashMap::new();
    for row in rows {
        match programs.entry((row.org, row.id)) {
            Entry::Vacant(free) => drop(free.insert(program(row)?)),
            Entry::Occupied(mut program) => {
                let from = row.valid_from;
                program.get_mut().terms.follow(from, terms(row)?);
            }
        }
    }
    let rules = sqlx::query_as!(
        RuleRow,
        r#"SELECT org_id AS "org!: OrgId", program_id AS "program!: ProgramId", identifier AS "identifier?",
                NULL::integer AS "level?", title AS "title!", nullif(valid_from, '-infinity') AS "valid_from?",
                form AS "form!", value AS "value!", group_overrides AS "group_overrides!: Json<Vec<GroupOverride>>",
                recurrence AS "recurrence!", count_towards_cap AS "count_towards_cap!", retired AS "retired!",
                NULL::timestamptz AS "declared_at?", NULL::timestamptz AS "retired_at?", NULL::jsonb AS "bonus?: Json<Bonus>"
         FROM commission_types WHERE org_id = ANY ($1)
         UNION ALL
         SELECT org_id, program_id, NULL, level, title, nullif(valid_from, '-infinity'), 'percentage', percentage, '[]',
                'once', true, retired, NULL, NULL, NULL
         FROM program_levels WHERE org_id = ANY ($1)
         UNION ALL
         SELECT org_id, program_id, bonus_id, NULL, '', NULL, '', 0, '[]', '', true, false, declared_at, retired_at, definition
         FROM program_bonuses WHERE org_id = ANY ($1)"#,
        &orgs
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("programs.rules", error))?;
    for row in rules {
        if let Some(program) = programs.get_mut(&(row.org, row.program)) {
            add_rule(program, row)?;
        }
    }
    for ((org, _), program) in programs {
        catalog.entry(org).or_default().add_program(program);
    }
    Ok(())
}

/// With the terms of its first version.
fn program(row: Row) -> Result<Program, DbError> {
    Ok(Program {
        id: row.id,
        slug: row.slug.clone(),
        title: row.title.clone(),
        currency: row.currency,
        is_default: row.is_default,
        keyed_leads_only: row.keyed_leads_only,
        retired_at: row.retired_at,
        terms: Versions::always(terms(row)?),
        types: Vec::new(),
        levels: Vec::new(),
        bonuses: Vec::new(),
    })
}

fn terms(row: Row) -> Result<Terms, DbError> {
    Ok(Terms {
        recurring: row.recurring,
        cookie_time: row.cookie_time,
        recurring_cap: row.recurring_cap,
        recurring_period_days: row.recurring_period_days,
        approval: match (row.approval.as_str(), row.hold_days) {
            ("manual", _) => Approval::Manual,
            ("immediate", _) => Approval::Immediate,
            ("hold", Some(days)) => Approval::Hold(days),
            (other, _) => return Err(decode("programs.approval", other)),
        },
        default_type: row.default_type,
    })
}

fn add_rule(program: &mut Program, row: RuleRow) -> Result<(), DbError> {
    match (row.identifier, row.level) {
        (Some(identifier), _) if row.bonus.is_some() => {
            let bonus = row.bonus.map(|bonus| Bonus {
                identifier,
                declared_at: row.declared_at,
                retired_at: row.retired_at,
                ..bonus.0
            });
            program.bonuses.extend(bonus);
        }
        (Some(identifier), _) => program.types.push(CommissionType {
            identifier,
            title: row.title,
            valid_from: row.valid_from,
            rate: rate(&row.form, row.value)?,
            group_overrides: row.group_overrides.0,
            recurrence: recurrence(&row.recurrence)?,
            count_towards_cap: row.count_towards_cap,
            retired: row.retired,
        }),
        (None, Some(level)) => program.levels.push(Level {
            level,
            title: row.title,
            valid_from: row.valid_from,
            percentage: row.value.normalize(),
            retired: row.retired,
        }),
        (None, None) => {
            return Err(decode(
                "programs.rules",
                "a rule that is neither type nor level nor bonus",
            ));
        }
    }
    Ok(())
}

fn recurrence(word: &str) -> Result<Recurrence, DbError> {
    Recurrence::parse(word).ok_or_else(|| decode("commission_types.recurrence", word))
}

/// A rate as two columns hold it.
pub(super) fn rate(form: &str, value: Decimal) -> Result<Rate, DbError> {
    match form {
        "percentage" => Ok(Rate::Percentage(value.normalize())),
        "fixed" => Ok(Rate::Fixed(value.normalize())),
        other => Err(decode("rate.form", other)),
    }
}

/// The program that `slug` names in the organisation.
///
/// # Errors
/// When the database does not answer.
pub async fn by_slug(
    connection: &mut Connection,
    org: OrgId,
    slug: &str,
) -> Result<Option<ProgramId>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT program_id AS "program: ProgramId" FROM programs WHERE org_id = $1 AND slug = $2"#,
        org.0,
        slug
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| DbError::new("programs.by_slug", error))
}
