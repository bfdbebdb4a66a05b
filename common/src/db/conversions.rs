//! Conversions with their refunds: loaded with their rows locked, written set-based.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Connection, DbError, commissions, decode, text};
use crate::domain::{
    AffiliateId, ClickId, CommissionId, ConversionId, CustomerId, Dialect, EventId, MetaData, OrgId,
    ProgramId,
    entities::{Change, Conversion, RefundEntry},
    trace::Trace,
};

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    conversion_id: i64,
    external_id: Option<String>,
    program_id: i64,
    affiliate_id: i64,
    customer_id: Option<i64>,
    event_id: Uuid,
    dialect: String,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    attributed_by: String,
    amount: Decimal,
    currency: String,
    refunded: Decimal,
    fully_refunded: bool,
    meta_data: sqlx::types::Json<MetaData>,
    details: sqlx::types::Json<MetaData>,
    created_at: DateTime<Utc>,
    amount_by: Option<Uuid>,
    status_by: Option<Uuid>,
    meta_by: Option<Uuid>,
    click_id: Option<i64>,
    #[sqlx(rename = "base_amount")]
    original_amount: Option<Decimal>,
    charged_back: bool,
    chargeback_by: Option<Uuid>,
    counted: i32,
    warnings: Vec<String>,
    trace: sqlx::types::Json<Trace>,
    deleted_at: Option<DateTime<Utc>>,
    superseded_by: Option<i64>,
}

impl Row {
    fn conversion(self) -> Result<Conversion, DbError> {
        Ok(Conversion {
            change: Change::None,
            org: OrgId(self.org_id),
            id: ConversionId(self.conversion_id),
            external_id: self.external_id,
            program: ProgramId(self.program_id),
            affiliate: AffiliateId(self.affiliate_id),
            customer: self.customer_id.map(CustomerId),
            event: EventId(self.event_id),
            dialect: Dialect::parse(&self.dialect)
                .ok_or_else(|| decode("conversions.dialect", &self.dialect))?,
            authenticated: self.authenticated,
            attributed_by: self.attributed_by,
            amount: self.amount.normalize(),
            currency: self
                .currency
                .parse()
                .map_err(|error| decode("conversions.currency", error))?,
            refunded: self.refunded.normalize(),
            fully_refunded: self.fully_refunded,
            meta_data: self.meta_data.0,
            details: self.details.0,
            created_at: self.created_at,
            amount_by: self.amount_by.map(EventId),
            status_by: self.status_by.map(EventId),
            meta_by: self.meta_by.map(EventId),
            click: self.click_id.map(ClickId),
            original_amount: self.original_amount.unwrap_or(self.amount).normalize(),
            charged_back: self.charged_back,
            chargeback_by: self.chargeback_by.map(EventId),
            counted: self.counted,
            warnings: self.warnings,
            trace: self.trace.0,
            deleted_at: self.deleted_at,
            superseded_by: self.superseded_by.map(ConversionId),
            commissions: Vec::new(),
            refunds: Vec::new(),
        })
    }
}

/// What leads to conversions.
#[derive(Debug, Default)]
pub struct Named<'a> {
    pub orders: Vec<(OrgId, &'a str)>,
    pub numbers: Vec<(OrgId, ConversionId)>,
    /// Numbers of commissions.
    pub commissions: Vec<(OrgId, CommissionId)>,
}

/// Living conversions with commissions and their refunds. Their rows are locked: one who is found by its
/// number may be changed by an event that knows the external id.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn lock(connection: &mut Connection, named: &Named<'_>) -> Result<Vec<Conversion>, DbError> {
    let (orgs, external_ids): (Vec<i64>, Vec<&str>) =
        named.orders.iter().map(|(org, id)| (org.0, *id)).unzip();
    let numbers = || named.numbers.iter().map(|(org, id)| (org.0, id.0));
    let commissions = || named.commissions.iter().map(|(org, id)| (org.0, id.0));
    let rows: Vec<Row> = sqlx::query_as(
        "WITH found AS (
             SELECT c.org_id, c.conversion_id FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, external_id)
             JOIN conversions c ON (c.org_id, c.external_id) = (sent.org_id, sent.external_id) AND c.deleted_at IS NULL
             UNION
             SELECT * FROM unnest($3::bigint[], $4::bigint[])
             UNION
             SELECT m.org_id, m.conversion_id FROM unnest($5::bigint[], $6::bigint[]) AS sent (org_id, commission_id)
             JOIN commissions m ON (m.org_id, m.commission_id) = (sent.org_id, sent.commission_id))
         SELECT c.org_id, c.conversion_id, c.external_id, c.program_id, c.affiliate_id, c.customer_id,
                c.event_id, c.dialect, c.trusted, c.attributed_by, c.amount, c.currency, c.refunded,
                c.fully_refunded, c.meta_data, c.details, c.created_at, c.amount_by, c.status_by, c.meta_by,
                c.click_id, c.base_amount, c.charged_back, c.chargeback_by, c.counted, c.warnings, c.trace,
                c.deleted_at, c.superseded_by
         FROM found JOIN conversions c ON (c.org_id, c.conversion_id) = (found.org_id, found.conversion_id)
         ORDER BY c.org_id, c.conversion_id FOR UPDATE OF c",
    )
    .bind(orgs)
    .bind(external_ids)
    .bind(numbers().map(|one| one.0).collect::<Vec<_>>())
    .bind(numbers().map(|one| one.1).collect::<Vec<_>>())
    .bind(commissions().map(|one| one.0).collect::<Vec<_>>())
    .bind(commissions().map(|one| one.1).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| DbError::new("conversions.lock", error))?;
    // Not in the query: without statistics the planner would take a partial index for it, and read half an organisation.
    let living = rows.into_iter().filter(|row| row.deleted_at.is_none());
    let mut conversions = living.map(Row::conversion).collect::<Result<Vec<_>, _>>()?;
    if !conversions.is_empty() {
        // In later statements: whoever held the rows may have written these.
        commissions::load_into(connection, &mut conversions).await?;
        load_refunds(connection, &mut conversions).await?;
    }
    Ok(conversions)
}

async fn load_refunds(connection: &mut Connection, conversions: &mut [Conversion]) -> Result<(), DbError> {
    let rows: Vec<RefundRow> = sqlx::query_as(
        "SELECT r.org_id, r.conversion_id, r.refund_key, r.event_id, r.amount, r.minor_units, r.created_at
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, conversion_id)
         JOIN refunds r ON (r.org_id, r.conversion_id) = (sent.org_id, sent.conversion_id)",
    )
    .bind(conversions.iter().map(|one| one.org.0).collect::<Vec<_>>())
    .bind(conversions.iter().map(|one| one.id.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("refunds.load", error))?;
    let mut entries: HashMap<(OrgId, ConversionId), Vec<RefundEntry>> = HashMap::new();
    for row in rows {
        let entry = row.entry();
        entries
            .entry((entry.org, entry.conversion))
            .or_default()
            .push(entry);
    }
    for conversion in conversions {
        conversion.refunds = entries
            .remove(&(conversion.org, conversion.id))
            .unwrap_or_default();
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    org_id: i64,
    conversion_id: i64,
    refund_key: String,
    event_id: Uuid,
    amount: Option<Decimal>,
    minor_units: Option<i64>,
    created_at: DateTime<Utc>,
}

impl RefundRow {
    fn entry(self) -> RefundEntry {
        RefundEntry {
            org: OrgId(self.org_id),
            conversion: ConversionId(self.conversion_id),
            key: self.refund_key,
            event: EventId(self.event_id),
            amount: self.amount,
            minor_units: self.minor_units,
            created_at: self.created_at,
        }
    }
}

/// Writes the conversions that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
#[expect(clippy::too_many_lines, reason = "one line or more for each column")]
pub async fn write(connection: &mut Connection, conversions: &[&Conversion]) -> Result<(), DbError> {
    // Updates first: an unsigned conversion gives its external id up for the signed one that is inserted.
    for (change, sql) in [(Change::Update, UPDATE), (Change::Insert, INSERT)] {
        let marked: Vec<&Conversion> = conversions
            .iter()
            .copied()
            .filter(|one| one.change == change)
            .collect();
        if marked.is_empty() {
            continue;
        }
        sqlx::query(sql)
            .bind(marked.iter().map(|one| one.org.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.id.0).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.external_id.as_deref())
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.program.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.affiliate.0).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.customer.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.event.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.dialect.name()).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.authenticated).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.attributed_by.as_str())
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.amount).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.currency.code()).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.refunded).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.fully_refunded).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| text(&one.meta_data)).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| text(&one.details)).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.created_at).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.amount_by.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(
                marked
                    .iter()
                    .map(|one| one.status_by.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(
                marked
                    .iter()
                    .map(|one| one.meta_by.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(
                marked
                    .iter()
                    .map(|one| one.click.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.original_amount).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.charged_back).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.chargeback_by.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|one| one.counted).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| text(&one.warnings)).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| text(&one.trace)).collect::<Vec<_>>())
            .bind(marked.iter().map(|one| one.deleted_at).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|one| one.superseded_by.map(|id| id.0))
                    .collect::<Vec<_>>(),
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| DbError::new("conversions.write", error))?;
    }
    Ok(())
}

const INSERT: &str = "
    INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id,
        dialect, trusted, attributed_by, amount, currency, refunded, fully_refunded, meta_data, details, created_at,
        amount_by, status_by, meta_by, click_id, base_amount, charged_back, chargeback_by, counted, warnings, trace,
        deleted_at, superseded_by)
    SELECT org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id,
        dialect, trusted, attributed_by, amount, currency, refunded, fully_refunded, meta_data::jsonb, details::jsonb,
        created_at, amount_by, status_by, meta_by, click_id, base_amount, charged_back, chargeback_by, counted,
        ARRAY(SELECT json_array_elements_text(warnings::json)), trace::jsonb, deleted_at, superseded_by
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[],
        $8::text[], $9::boolean[], $10::text[], $11::numeric[], $12::text[], $13::numeric[], $14::boolean[],
        $15::text[], $16::text[], $17::timestamptz[], $18::uuid[], $19::uuid[], $20::uuid[],
        $21::bigint[], $22::numeric[], $23::boolean[], $24::uuid[], $25::integer[], $26::text[], $27::text[],
        $28::timestamptz[], $29::bigint[])
      AS new (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted,
        attributed_by, amount, currency, refunded, fully_refunded, meta_data, details, created_at, amount_by,
        status_by, meta_by, click_id, base_amount, charged_back, chargeback_by, counted, warnings, trace, deleted_at,
        superseded_by)";

const UPDATE: &str = "
    UPDATE conversions c
    SET (external_id, amount, refunded, fully_refunded, meta_data, amount_by, status_by, meta_by, charged_back,
         chargeback_by, counted, deleted_at, superseded_by, customer_id, base_amount, warnings, trace)
      = (new.external_id, new.amount, new.refunded, new.fully_refunded, new.meta_data::jsonb, new.amount_by,
         new.status_by, new.meta_by, new.charged_back, new.chargeback_by, new.counted, new.deleted_at,
         new.superseded_by, new.customer_id, new.base_amount,
         ARRAY(SELECT json_array_elements_text(new.warnings::json)), new.trace::jsonb)
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[],
        $8::text[], $9::boolean[], $10::text[], $11::numeric[], $12::text[], $13::numeric[], $14::boolean[],
        $15::text[], $16::text[], $17::timestamptz[], $18::uuid[], $19::uuid[], $20::uuid[],
        $21::bigint[], $22::numeric[], $23::boolean[], $24::uuid[], $25::integer[], $26::text[], $27::text[],
        $28::timestamptz[], $29::bigint[])
      AS new (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted,
        attributed_by, amount, currency, refunded, fully_refunded, meta_data, details, created_at, amount_by,
        status_by, meta_by, click_id, base_amount, charged_back, chargeback_by, counted, warnings, trace, deleted_at,
        superseded_by)
    WHERE (c.org_id, c.conversion_id) = (new.org_id, new.conversion_id)";

/// Records refunds.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn insert_refunds(connection: &mut Connection, refunds: &[RefundEntry]) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO refunds (org_id, conversion_id, refund_key, event_id, amount, minor_units, created_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::uuid[], $5::numeric[], $6::bigint[],
             $7::timestamptz[])",
    )
    .bind(refunds.iter().map(|one| one.org.0).collect::<Vec<_>>())
    .bind(refunds.iter().map(|one| one.conversion.0).collect::<Vec<_>>())
    .bind(refunds.iter().map(|one| one.key.as_str()).collect::<Vec<_>>())
    .bind(refunds.iter().map(|one| one.event.0).collect::<Vec<_>>())
    .bind(refunds.iter().map(|one| one.amount).collect::<Vec<_>>())
    .bind(refunds.iter().map(|one| one.minor_units).collect::<Vec<_>>())
    .bind(refunds.iter().map(|one| one.created_at).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("refunds.insert", error))?;
    Ok(())
}
