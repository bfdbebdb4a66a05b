//! Bonuses: what affiliates sold in a month, which months have been evaluated, and what has been given.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns};
use crate::domain::{
    AffiliateId, BonusAward, BonusDue, CommissionId, Currency, OrgId, ProgramId,
    catalog::Bonus,
    entities::{Conversion, GivenBonus, MonthlySales},
};

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

/// What was given already of each candidate, in the same order. Awards of earlier versions do not say.
///
/// # Errors
/// As [`monthly_sales`].
pub async fn given(
    connection: &mut Connection,
    candidates: &[(OrgId, &BonusDue)],
) -> Result<Vec<Option<GivenBonus>>, DbError> {
    let mut given: Vec<Option<GivenBonus>> = candidates.iter().map(|_| None).collect();
    let Some(sent) = Columns::of(candidates.iter().copied()) else {
        return Ok(given);
    };
    let rows = sqlx::query!(
        r#"SELECT sent.n AS "n!", w.bonus_id, w.definition AS "definition!: Json<Bonus>", w.commission_ids AS "commission_ids!"
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::date[]) WITH ORDINALITY
           AS sent (org_id, program_id, bonus_id, affiliate_id, month, n)
         JOIN bonus_awards w ON (w.org_id, w.program_id, w.bonus_id, w.affiliate_id, w.month)
             = (sent.org_id, sent.program_id, sent.bonus_id, sent.affiliate_id, sent.month)
         WHERE w.definition IS NOT NULL AND w.commission_ids IS NOT NULL"#,
        &sent.org_id,
        &sent.program_id,
        &sent.bonus_id as _,
        &sent.affiliate_id,
        &sent.month,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("bonuses.given", error))?;
    for row in rows {
        let at = usize::try_from(row.n - 1).unwrap_or_default();
        if let Some(of_candidate) = given.get_mut(at) {
            let bonus = Bonus {
                identifier: row.bonus_id,
                ..row.definition.0
            };
            let commissions = row.commission_ids.into_iter().map(CommissionId).collect();
            *of_candidate = Some(GivenBonus { bonus, commissions });
        }
    }
    Ok(given)
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

columns! {
    /// Bonuses that were given, column by column.
    AwardColumns<'a> of BonusAward {
        org, due: BonusDue { program, bonus, affiliate, month }, event, given: GivenBonus { bonus: definition, commissions },
    } in &'a BonusAward {
        org_id: i64 = org.0,
        program_id: i64 = program.0,
        bonus_id: &'a str = bonus,
        affiliate_id: i64 = affiliate.0,
        month: NaiveDate = *month,
        event_id: Uuid = event.0,
        definition: Json<&'a Bonus> = Json(definition),
        // Postgres unnests an array of arrays to its very elements.
        commission_ids: Json<&'a [CommissionId]> = Json(commissions),
    }
}

/// Notes what was given, and that it is to be calculated again: the month may have changed in a transaction that did not see it.
///
/// # Errors
/// When the database does not answer, or a bonus was given already.
pub(crate) async fn write_awards(connection: &mut Connection, awards: &[BonusAward]) -> Result<(), DbError> {
    let Some(awarded) = AwardColumns::of(awards) else {
        return Ok(());
    };
    sqlx::query!(
        "WITH awarded AS (
             INSERT INTO bonus_awards (org_id, program_id, bonus_id, affiliate_id, month, event_id, definition, commission_ids)
             SELECT org_id, program_id, bonus_id, affiliate_id, month, event_id, definition,
                 ARRAY(SELECT jsonb_array_elements_text(commission_ids)::bigint)
             FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::date[], $6::uuid[], $7::jsonb[], $8::jsonb[])
               AS new (org_id, program_id, bonus_id, affiliate_id, month, event_id, definition, commission_ids)
             RETURNING org_id, program_id, bonus_id, affiliate_id, month)
         INSERT INTO bonus_recounts (org_id, program_id, bonus_id, affiliate_id, month)
         SELECT * FROM awarded ORDER BY 1, 2, 3, 4, 5
         ON CONFLICT ON CONSTRAINT bonus_recounts_pkey DO UPDATE SET month = excluded.month",
        &awarded.org_id,
        &awarded.program_id,
        &awarded.bonus_id as _,
        &awarded.affiliate_id,
        &awarded.month,
        &awarded.event_id,
        &awarded.definition as _,
        &awarded.commission_ids as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("bonuses.award", error))?;
    Ok(())
}

/// Notes the bonuses whose month these sales change. A row that is there is locked: whoever takes it waits for this transaction, or
/// passes over it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn note_changed(
    connection: &mut Connection,
    changed: &[&Conversion],
) -> Result<(), DbError> {
    let (mut orgs, mut programs, mut affiliates, mut times) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for sale in changed {
        orgs.push(sale.org.0);
        programs.push(sale.program.0);
        affiliates.push(sale.affiliate.0);
        times.push(sale.created_at);
    }
    sqlx::query!(
        "INSERT INTO bonus_recounts (org_id, program_id, bonus_id, affiliate_id, month)
         SELECT DISTINCT w.org_id, w.program_id, w.bonus_id, w.affiliate_id, w.month
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[])
           AS sale (org_id, program_id, affiliate_id, created_at)
         JOIN bonus_awards w ON (w.org_id, w.program_id, w.affiliate_id) = (sale.org_id, sale.program_id, sale.affiliate_id)
             AND w.month = date_trunc('month', sale.created_at AT TIME ZONE 'UTC')::date
         WHERE w.commission_ids IS NOT NULL
         ORDER BY 1, 2, 3, 4, 5
         ON CONFLICT ON CONSTRAINT bonus_recounts_pkey DO UPDATE SET month = excluded.month",
        &orgs,
        &programs,
        &affiliates,
        &times,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("bonuses.changed", error))?;
    Ok(())
}

/// Notes the bonuses of affiliates whose payments were taken back: what a payment covered may be out of date.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn note_unpaid(
    connection: &mut Connection,
    affiliates: &[(OrgId, AffiliateId)],
) -> Result<(), DbError> {
    let (orgs, affiliates): (Vec<i64>, Vec<i64>) = affiliates
        .iter()
        .map(|(org, affiliate)| (org.0, affiliate.0))
        .unzip();
    sqlx::query!(
        "INSERT INTO bonus_recounts (org_id, program_id, bonus_id, affiliate_id, month)
         SELECT DISTINCT w.org_id, w.program_id, w.bonus_id, w.affiliate_id, w.month
         FROM unnest($1::bigint[], $2::bigint[]) AS unpaid (org_id, affiliate_id)
         JOIN bonus_awards w ON (w.org_id, w.affiliate_id) = (unpaid.org_id, unpaid.affiliate_id)
         WHERE w.commission_ids IS NOT NULL
         ORDER BY 1, 2, 3, 4, 5
         ON CONFLICT ON CONSTRAINT bonus_recounts_pkey DO UPDATE SET month = excluded.month",
        &orgs,
        &affiliates,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("bonuses.unpaid", error))?;
    Ok(())
}

/// Takes up to `limit` bonuses whose month has changed since they were given, passing over those that others hold. They are gone when
/// the transaction commits.
///
/// # Errors
/// When the database does not answer.
pub async fn take_changed(
    connection: &mut Connection,
    limit: i64,
) -> Result<Vec<(OrgId, BonusDue)>, DbError> {
    let rows = sqlx::query!(
        r#"WITH taken AS (SELECT * FROM bonus_recounts ORDER BY org_id, program_id, bonus_id, affiliate_id, month
                       LIMIT $1 FOR UPDATE SKIP LOCKED)
         DELETE FROM bonus_recounts r USING taken t
         WHERE (r.org_id, r.program_id, r.bonus_id, r.affiliate_id, r.month)
             = (t.org_id, t.program_id, t.bonus_id, t.affiliate_id, t.month)
         RETURNING r.org_id AS "org: OrgId", r.program_id AS "program: ProgramId", r.bonus_id AS bonus,
             r.affiliate_id AS "affiliate: AffiliateId", r.month"#,
        limit
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("bonuses.take", error))?;
    let changed = rows.into_iter().map(|row| {
        let due = BonusDue {
            program: row.program,
            bonus: row.bonus,
            affiliate: row.affiliate,
            month: row.month,
        };
        (row.org, due)
    });
    Ok(changed.collect())
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
             SELECT b.org_id, b.program_id, b.bonus_id, series.month::date AS month, b.definition, b.declared_at, b.retired_at
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
             AND (o.declared_at IS NULL OR o.declared_at < (o.month + interval '1 month') AT TIME ZONE 'UTC')
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
