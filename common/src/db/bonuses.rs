//! Bonuses: what affiliates sold in a month, which months have been evaluated, and what has been given.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::{Connection, DbError, columns::columns};
use crate::domain::{AffiliateId, BonusAward, BonusDue, Currency, OrgId, ProgramId, entities::MonthlySales};

columns! {
    /// Bonuses that may be given, column by column.
    Columns<'a> of (org, BonusDue { program, bonus, affiliate, month }) in (OrgId, &'a BonusDue) {
        org_id: i64 = org.0,
        program_id: i64 = program.0,
        bonus_id: &'a str = bonus,
        affiliate_id: i64 = affiliate.0,
        month: NaiveDate = *month,
    }
}

/// What was sold for each candidate, in the same order.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn monthly_sales(
    connection: &mut Connection,
    candidates: &[(OrgId, &BonusDue)],
) -> Result<Vec<MonthlySales>, DbError> {
    let mut sales: Vec<MonthlySales> = candidates
        .iter()
        .map(|(_, due)| MonthlySales {
            month: due.month,
            ..MonthlySales::default()
        })
        .collect();
    let Some(sent) = Columns::of(candidates.iter().copied()) else {
        return Ok(sales);
    };
    let rows = sqlx::query!(
        r#"SELECT sent.n AS "n!",
                EXISTS (SELECT FROM bonus_awards w
                        WHERE (w.org_id, w.program_id, w.bonus_id, w.affiliate_id, w.month)
                            = (sent.org_id, sent.program_id, sent.bonus_id, sent.affiliate_id, sent.month)) AS "awarded!",
                count(c.conversion_id) AS "conversions!", c.currency AS "currency?: Currency", sum(c.amount) AS amount
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::date[]) WITH ORDINALITY
           AS sent (org_id, program_id, bonus_id, affiliate_id, month, n)
         LEFT JOIN earning_sales c
             ON (c.org_id, c.program_id, c.affiliate_id) = (sent.org_id, sent.program_id, sent.affiliate_id)
             AND c.created_at >= sent.month::timestamp AT TIME ZONE 'UTC'
             AND c.created_at < (sent.month + interval '1 month') AT TIME ZONE 'UTC'
             -- The same for all, so that one look at the months' part of the table can do.
             AND c.created_at >= $6::date::timestamp AT TIME ZONE 'UTC'
             AND c.created_at < ($7::date + interval '1 month') AT TIME ZONE 'UTC'
         GROUP BY sent.n, sent.org_id, sent.program_id, sent.bonus_id, sent.affiliate_id, sent.month, c.currency
         ORDER BY sent.n, c.currency"#,
        &sent.org_id,
        &sent.program_id,
        &sent.bonus_id as _,
        &sent.affiliate_id,
        &sent.month,
        sent.month.iter().min().copied(),
        sent.month.iter().max().copied(),
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("bonuses.sales", error))?;
    // A row for each candidate and currency, and one without a currency for a candidate who sold nothing.
    for row in rows {
        let at = usize::try_from(row.n - 1).unwrap_or_default();
        let Some(of_candidate) = sales.get_mut(at) else {
            continue;
        };
        of_candidate.awarded = row.awarded;
        of_candidate.conversions += row.conversions;
        if let (Some(currency), Some(amount)) = (row.currency, row.amount) {
            of_candidate.amounts.push((currency, amount.normalize()));
        }
    }
    Ok(sales)
}

/// Notes what was given.
///
/// # Errors
/// When the database does not answer, or a bonus was given already.
pub(crate) async fn write_awards(connection: &mut Connection, awards: &[BonusAward]) -> Result<(), DbError> {
    let Some(awarded) = Columns::of(awards.iter().map(|award| (award.org, &award.due))) else {
        return Ok(());
    };
    let events: Vec<Uuid> = awards.iter().map(|award| award.event.0).collect();
    sqlx::query!(
        "INSERT INTO bonus_awards (org_id, program_id, bonus_id, affiliate_id, month, event_id)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::date[], $6::uuid[])",
        &awarded.org_id,
        &awarded.program_id,
        &awarded.bonus_id as _,
        &awarded.affiliate_id,
        &awarded.month,
        &events,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("bonuses.award", error))?;
    Ok(())
}

/// Closes the months that no bonus has been evaluated for, up to `last`: those since the last evaluated one, at most
/// `months` of them, or `last` alone for a bonus that has none. Returns who reached a target in them, each only once
/// whatever many workers ask at the same time.
///
/// # Errors
/// When the database does not answer.
pub async fn close_months(
    connection: &mut Connection,
    last: NaiveDate,
    months: i32,
    now: DateTime<Utc>,
) -> Result<Vec<(OrgId, BonusDue)>, DbError> {
    let rows = sqlx::query!(
        r#"WITH open AS (
             SELECT b.org_id, b.program_id, b.bonus_id, series.month::date AS month, b.definition, b.retired_at
             FROM program_bonuses b
             CROSS JOIN LATERAL (SELECT max(m.month) AS last FROM bonus_months m
                 WHERE (m.org_id, m.program_id, m.bonus_id) = (b.org_id, b.program_id, b.bonus_id)) done
             CROSS JOIN LATERAL generate_series(
                 greatest(coalesce(done.last + interval '1 month', $1::date),
                          $1::date - make_interval(months => $2 - 1)),
                 $1::date, interval '1 month') AS series (month)
         ), closed AS (
             INSERT INTO bonus_months (org_id, program_id, bonus_id, month, evaluated_at)
             SELECT org_id, program_id, bonus_id, month, $3 FROM open
             ORDER BY org_id, program_id, bonus_id, month
             ON CONFLICT ON CONSTRAINT bonus_months_pkey DO NOTHING
             RETURNING org_id, program_id, bonus_id, month
         )
         SELECT o.org_id AS "org: OrgId", o.program_id AS "program: ProgramId", o.bonus_id AS bonus,
                c.affiliate_id AS "affiliate!: AffiliateId", o.month AS "month!"
         FROM closed JOIN open o USING (org_id, program_id, bonus_id, month)
         JOIN earning_sales c ON (c.org_id, c.program_id) = (o.org_id, o.program_id)
             AND c.created_at >= o.month::timestamp AT TIME ZONE 'UTC'
             AND c.created_at < (o.month + interval '1 month') AT TIME ZONE 'UTC'
         JOIN affiliates a ON (a.org_id, a.affiliate_id) = (c.org_id, c.affiliate_id) AND a.deleted_at IS NULL
         -- Months in which it was switched off are closed, too: switching it on again pays for none of them.
         WHERE (o.definition ->> 'active')::boolean
             AND (o.retired_at IS NULL OR o.retired_at >= (o.month + interval '1 month') AT TIME ZONE 'UTC')
         GROUP BY o.org_id, o.program_id, o.bonus_id, o.month, o.definition, c.affiliate_id
         HAVING CASE o.definition ->> 'target_type' WHEN 'conversion_count' THEN count(*) ELSE sum(c.amount) END
             >= (o.definition ->> 'target')::numeric
         ORDER BY o.org_id, o.program_id, o.bonus_id, o.month, c.affiliate_id"#,
        last,
        months,
        now
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("bonuses.close", error))?;
    let reached = rows.into_iter().map(|row| {
        let due = BonusDue {
            program: row.program,
            bonus: row.bonus,
            affiliate: row.affiliate,
            month: row.month,
        };
        (row.org, due)
    });
    Ok(reached.collect())
}
