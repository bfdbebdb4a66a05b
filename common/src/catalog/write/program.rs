//! Programs and their rules. Rules are versioned: a change adds a version, no version is ever rewritten.

use serde::Serialize;

use super::{Of, SyncError, Target, owned};
use crate::catalog::{file::Program, report::Thing};

/// The default may move from one program to another: given up first, then taken.
const RELEASE_DEFAULT: &str = "
UPDATE programs p SET is_default = false
FROM jsonb_to_recordset($2) AS f (id text, is_default boolean)
WHERE p.org_id = $1 AND p.slug = f.id AND p.is_default AND NOT f.is_default
RETURNING p.slug, false";

const PROGRAMS: &str = "
INSERT INTO programs AS p
    (org_id, slug, title, is_default, currency, currency_symbol, cookie_time, landing_page, category,
     recurring, recurring_cap, recurring_period_days, approval, hold_days, default_type, keyed_leads_only)
SELECT $1, id, title, is_default, currency, currency_symbol, cookie_time, landing_page, category,
    recurring, recurring_cap, recurring_period_days, approval, hold_days, default_type, keyed_leads_only
FROM ROWS FROM (jsonb_to_recordset($2) AS (
        id text, title text, is_default boolean, currency text, currency_symbol text, cookie_time integer,
        landing_page text, category text, recurring boolean, recurring_cap integer, recurring_period_days integer,
        approval text, hold_days integer, default_type text, keyed_leads_only boolean))
    WITH ORDINALITY
ORDER BY ordinality
ON CONFLICT (org_id, slug) DO UPDATE
SET title = excluded.title, is_default = excluded.is_default, currency = excluded.currency,
    currency_symbol = excluded.currency_symbol, cookie_time = excluded.cookie_time,
    landing_page = excluded.landing_page, category = excluded.category, recurring = excluded.recurring,
    recurring_cap = excluded.recurring_cap, recurring_period_days = excluded.recurring_period_days,
    approval = excluded.approval, hold_days = excluded.hold_days, default_type = excluded.default_type,
    keyed_leads_only = excluded.keyed_leads_only
WHERE (p.title, p.is_default, p.currency, p.currency_symbol, p.cookie_time, p.landing_page, p.category, p.recurring,
       p.recurring_cap, p.recurring_period_days, p.approval, p.hold_days, p.default_type, p.keyed_leads_only)
    IS DISTINCT FROM
      (excluded.title, excluded.is_default, excluded.currency, excluded.currency_symbol, excluded.cookie_time,
       excluded.landing_page, excluded.category, excluded.recurring, excluded.recurring_cap,
       excluded.recurring_period_days, excluded.approval, excluded.hold_days, excluded.default_type,
       excluded.keyed_leads_only)
RETURNING slug, xmax = 0";

/// A host may move from one program of the organisation to another, never to another organisation.
const HOSTS: &str = "
WITH written AS (
    INSERT INTO program_hosts AS h (host, org_id, program_id)
    SELECT f.host, $1, p.program_id
    FROM jsonb_to_recordset($2) AS f (owner text, host text)
    JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
    ON CONFLICT ON CONSTRAINT program_hosts_pkey DO UPDATE SET program_id = excluded.program_id
    WHERE h.org_id = excluded.org_id AND h.program_id <> excluded.program_id
    RETURNING program_id
)
SELECT DISTINCT p.slug, false FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id";

/// The first program with a landing page there keeps a host that none declares.
const LANDING_HOSTS: &str = "
WITH written AS (
    INSERT INTO program_hosts (host, org_id, program_id)
    SELECT DISTINCT ON (f.host) f.host, $1, p.program_id
    FROM jsonb_to_recordset($2) AS f (owner text, host text)
    JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
    ORDER BY f.host, p.program_id
    ON CONFLICT DO NOTHING
    RETURNING program_id
)
SELECT DISTINCT p.slug, false FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id";

const HOSTS_OF_OTHERS: &str = "
SELECT DISTINCT h.host, false
FROM jsonb_to_recordset($2) AS f (host text) JOIN program_hosts h ON h.host = f.host
WHERE h.org_id <> $1";

const ASSETS: &str = "
WITH written AS (
    INSERT INTO program_assets (org_id, program_id, asset_id)
    SELECT $1, p.program_id, f.asset_id
    FROM jsonb_to_recordset($2) AS f (owner text, asset_id text)
    JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
    ON CONFLICT DO NOTHING
    RETURNING program_id, asset_id
)
SELECT p.slug || '/' || w.asset_id, true FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id";

/// The first version holds from the beginning of time. Versions follow each other even if the clock went back.
const COMMISSION_TYPES: &str = "
WITH written AS (
    INSERT INTO commission_types
        (org_id, program_id, identifier, title, valid_from, form, value, recurrence, count_towards_cap, group_overrides)
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
SELECT p.slug || '/' || w.identifier, w.valid_from = '-infinity'
FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id";

const LEVELS: &str = "
WITH written AS (
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
SELECT p.slug || '/level-' || w.level, w.valid_from = '-infinity'
FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id";

const BONUSES: &str = "
WITH written AS (
    INSERT INTO program_bonuses AS b (org_id, program_id, bonus_id, definition)
    SELECT $1, p.program_id, f.id, f.definition
    FROM jsonb_to_recordset($2) AS f (owner text, id text, definition jsonb)
    JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
    ON CONFLICT (org_id, program_id, bonus_id) DO UPDATE SET definition = excluded.definition
    WHERE b.definition <> excluded.definition
    RETURNING program_id, bonus_id, xmax = 0 AS created
)
SELECT p.slug || '/' || w.bonus_id, w.created
FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id";

pub(super) async fn write(target: &mut Target<'_>) -> Result<(), SyncError> {
    let programs = &target.org.programs;
    let mut written = target.run("programs.release", RELEASE_DEFAULT, programs).await?;
    written.extend(target.run("programs.upsert", PROGRAMS, programs).await?);
    for slug in write_hosts(target).await? {
        written.entry(slug).or_insert(false);
    }
    target.add(Thing::Program, programs.len(), written);

    let assets: Vec<_> = programs.iter().flat_map(assets_of).collect();
    let written = target.run("assets.insert", ASSETS, &assets).await?;
    target.add(Thing::Asset, assets.len(), written);

    let types = of_programs(programs, |program| &program.types);
    let written = target
        .run("commission_types.insert", COMMISSION_TYPES, &types)
        .await?;
    target.add(Thing::CommissionType, types.len(), written);

    let levels = of_programs(programs, |program| &program.levels);
    let written = target.run("levels.insert", LEVELS, &levels).await?;
    target.add(Thing::Level, levels.len(), written);

    let bonuses = of_programs(programs, |program| &program.bonuses);
    let written = target.run("bonuses.upsert", BONUSES, &bonuses).await?;
    target.add(Thing::Bonus, bonuses.len(), written);
    Ok(())
}

#[derive(Serialize)]
struct Host<'a> {
    owner: &'a str,
    host: &'a str,
}

/// Returns the programs that got a host.
async fn write_hosts(target: &mut Target<'_>) -> Result<Vec<String>, SyncError> {
    let programs = &target.org.programs;
    let declared = programs.iter().flat_map(|program| {
        let owner = program.id.get_ref().as_str();
        program.hosts.iter().map(move |host| Host {
            owner,
            host: host.get_ref(),
        })
    });
    let declared: Vec<Host<'_>> = declared.collect();
    let landing = programs.iter().filter_map(|program| {
        Some(Host {
            owner: program.id.get_ref(),
            host: program.landing_host.as_deref()?,
        })
    });
    let landing: Vec<Host<'_>> = landing.collect();
    let mut written = target.run("hosts.upsert", HOSTS, &declared).await?;
    written.extend(target.run("hosts.landing", LANDING_HOSTS, &landing).await?);
    let all: Vec<Host<'_>> = declared.into_iter().chain(landing).collect();
    for (host, _) in target.run("hosts.others", HOSTS_OF_OTHERS, &all).await? {
        let note = format!(
            "host {host:?} belongs to another organisation, which keeps it: clicks without a key find org {:?} there \
             only by codes that no other organisation has",
            target.org.id.get_ref()
        );
        target.report.notes.push(note);
    }
    Ok(written.into_keys().collect())
}

#[derive(Serialize)]
struct Asset<'a> {
    owner: &'a str,
    asset_id: &'a str,
}

fn assets_of(program: &Program) -> impl Iterator<Item = Asset<'_>> {
    let ids = program.assets.iter();
    ids.map(|id| Asset {
        owner: program.id.get_ref(),
        asset_id: id.get_ref(),
    })
}

fn of_programs<'a, T>(programs: &'a [Program], things: impl Fn(&'a Program) -> &'a [T]) -> Vec<Of<'a, T>> {
    owned(programs, |program| program.id.get_ref(), things)
}
