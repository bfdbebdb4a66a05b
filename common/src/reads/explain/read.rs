//! The rows of an explanation. All in the snapshot of the caller.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    EventRow, MAX_CONVERSIONS, MAX_NAMED_ORGS, MAX_ROWS, Sale, SaleClick, SaleCommission, SaleCustomer,
    SaleEvent, SalePayment, SaleRefund, SaleTransfer, details::without_emails,
};
use crate::{
    db::{Connection, DbError, decode},
    domain::{Currency, EventId, MetaData, OrgId, ProgramId, trace::Trace},
    message::received_at,
};

/// Somebody waits for the answer: a snapshot for one order need not take as long as one for the books.
pub(super) async fn bounded(conn: &mut Connection) -> Result<(), DbError> {
    sqlx::query("SET LOCAL statement_timeout = '10s'")
        .execute(conn)
        .await
        .map_err(|error| DbError::new("explain.begin", error))?;
    Ok(())
}

pub(super) async fn org(conn: &mut Connection, org: OrgId) -> Result<Option<String>, DbError> {
    sqlx::query_scalar("SELECT slug FROM orgs WHERE org_id = $1")
        .bind(org.0)
        .fetch_optional(conn)
        .await
        .map_err(|error| DbError::new("explain.org", error))
}

pub(super) async fn orgs_with(conn: &mut Connection, order: &str) -> Result<Vec<(OrgId, String)>, DbError> {
    let found: Vec<(i64, String)> = sqlx::query_as(
        "SELECT o.org_id, o.slug FROM orgs o
          WHERE EXISTS (SELECT FROM conversions c
                         WHERE c.org_id = o.org_id AND c.external_id = $1 AND c.deleted_at IS NULL)
             OR EXISTS (SELECT FROM conversions c
                         WHERE c.org_id = o.org_id AND c.external_id = $1 AND c.deleted_at IS NOT NULL)
             OR EXISTS (SELECT FROM events e
                         WHERE e.org_id = o.org_id AND e.order_key = $1 AND e.status IN ('refused', 'dead'))
             OR EXISTS (SELECT FROM events e
                         WHERE e.org_id = o.org_id AND e.order_key = $1 AND e.status = 'parked')
          ORDER BY o.slug
          LIMIT $2",
    )
    .bind(order)
    .bind(MAX_NAMED_ORGS + 1)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.orgs", error))?;
    Ok(found.into_iter().map(|(org, slug)| (OrgId(org), slug)).collect())
}

#[derive(sqlx::FromRow)]
struct SaleRow {
    conversion_id: i64,
    event_id: Uuid,
    program: Option<String>,
    affiliate: Option<String>,
    dialect: String,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    created_at: DateTime<Utc>,
    attributed_by: String,
    trace: Json<Trace>,
    counted: i32,
    warnings: Vec<String>,
    details: Json<MetaData>,
    #[sqlx(rename = "base_amount")]
    original_amount: Option<Decimal>,
    amount: Decimal,
    currency: String,
    refunded: Decimal,
    fully_refunded: bool,
    charged_back: bool,
    deleted_at: Option<DateTime<Utc>>,
    superseded_by: Option<i64>,
    amount_by: Option<Uuid>,
    status_by: Option<Uuid>,
    meta_by: Option<Uuid>,
    chargeback_by: Option<Uuid>,
    click_id: Option<i64>,
    click_code: Option<String>,
    click_created_at: Option<DateTime<Utc>>,
    clicked_at: Option<DateTime<Utc>>,
    customer: Option<i64>,
    customer_id: Option<String>,
    customer_status: Option<String>,
    customer_affiliate: Option<String>,
    customer_counted: Option<i64>,
    first_sale_at: Option<DateTime<Utc>>,
}

/// Living and deleted ones are looked for apart: each has an index of its own.
const SALES: &str = "
    SELECT c.*, p.slug AS program, a.slug AS affiliate, k.referral_code AS click_code, k.created_at AS click_created_at,
           k.clicked_at, u.customer_id AS customer, u.external_id AS customer_id, u.status AS customer_status,
           ua.slug AS customer_affiliate, u.counted AS customer_counted, u.first_sale_at
      FROM (SELECT conversion_id, org_id, event_id, program_id, affiliate_id, customer_id AS customer_number, dialect, trusted,
                   created_at, attributed_by, trace, counted, warnings, details, base_amount, amount, currency, refunded,
                   fully_refunded, charged_back, deleted_at, superseded_by, amount_by, status_by, meta_by, chargeback_by,
                   click_id
              FROM conversions
             WHERE (org_id, conversion_id) IN (
                       SELECT org_id, conversion_id FROM conversions
                        WHERE org_id = $1 AND external_id = $2 AND deleted_at IS NULL
                        UNION ALL
                       SELECT org_id, conversion_id FROM conversions
                        WHERE org_id = $1 AND external_id = $2 AND deleted_at IS NOT NULL)) c
      LEFT JOIN programs p ON p.org_id = c.org_id AND p.program_id = c.program_id
      LEFT JOIN affiliates a ON a.org_id = c.org_id AND a.affiliate_id = c.affiliate_id
      LEFT JOIN clicks k ON k.org_id = c.org_id AND k.click_id = c.click_id
      LEFT JOIN customers u ON u.org_id = c.org_id AND u.customer_id = c.customer_number
      LEFT JOIN affiliates ua ON ua.org_id = u.org_id AND ua.affiliate_id = u.affiliate_id
     WHERE $3::bigint IS NULL OR c.program_id = $3
     ORDER BY c.conversion_id DESC
     LIMIT $4";

impl SaleRow {
    fn sale(&self) -> Result<Sale, DbError> {
        let currency = decode::currency("explain.currency", &self.currency)?;
        let click = self.click_id.zip(self.click_created_at).zip(self.clicked_at);
        let recorded = self.trace.0 != Trace::default();
        Ok(Sale {
            conversion: self.conversion_id,
            event: self.event_id,
            program: self.program.clone(),
            affiliate: self.affiliate.clone(),
            dialect: self.dialect.clone(),
            signed: self.authenticated,
            created_at: self.created_at,
            attributed_by: self.attributed_by.clone(),
            trace: recorded.then(|| self.trace.0.clone()),
            click: click.map(|((click, created_at), clicked_at)| SaleClick {
                click,
                referral_code: self.click_code.clone().unwrap_or_default(),
                created_at,
                clicked_at,
            }),
            customer: self.customer.map(|customer| SaleCustomer {
                customer,
                customer_id: self.customer_id.clone(),
                status: self.customer_status.clone().unwrap_or_default(),
                affiliate: self.customer_affiliate.clone(),
                counted: self.customer_counted.unwrap_or_default(),
                first_sale_at: self.first_sale_at,
            }),
            counted: self.counted,
            warnings: self.warnings.clone(),
            details: without_emails(self.details.0.clone()),
            original_amount: currency.shown(self.original_amount.unwrap_or(self.amount)),
            amount: currency.shown(self.amount),
            currency,
            refunded: currency.shown(self.refunded),
            fully_refunded: self.fully_refunded,
            charged_back: self.charged_back,
            deleted_at: self.deleted_at,
            superseded_by: self.superseded_by,
            commissions: Vec::new(),
            refunds: Vec::new(),
            events: Vec::new(),
        })
    }

    /// What still stands by an event.
    fn set_by(&self, event: Uuid) -> Vec<&'static str> {
        let fields = [
            ("amount", self.amount_by),
            ("status", self.status_by),
            ("meta_data", self.meta_by),
            ("chargeback", self.chargeback_by),
        ];
        let set = fields.into_iter().filter(|(_, by)| *by == Some(event));
        set.map(|(field, _)| field).collect()
    }

    fn events(&self) -> impl Iterator<Item = Uuid> {
        [self.amount_by, self.status_by, self.meta_by, self.chargeback_by]
            .into_iter()
            .flatten()
            .chain([self.event_id])
    }
}

/// The conversions of an order with all that belongs to them, the oldest first, and whether something is left out.
pub(super) async fn sales(
    conn: &mut Connection,
    org: OrgId,
    order: &str,
    scope: Option<ProgramId>,
) -> Result<(Vec<Sale>, bool), DbError> {
    let mut rows: Vec<SaleRow> = sqlx::query_as(SALES)
        .bind(org.0)
        .bind(order)
        .bind(scope.map(|program| program.0))
        .bind(MAX_CONVERSIONS + 1)
        .fetch_all(&mut *conn)
        .await
        .map_err(|error| DbError::new("explain.conversions", error))?;
    let mut is_cut = cut(&mut rows, MAX_CONVERSIONS);
    rows.reverse();
    if rows.is_empty() {
        return Ok((Vec::new(), is_cut));
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.conversion_id).collect();
    let mut commissions = commissions(conn, org, &ids).await?;
    is_cut |= cut(&mut commissions, MAX_ROWS);
    let numbers: Vec<i64> = commissions.iter().map(|row| row.commission_id).collect();
    let mut transfers = transfers(conn, org, &numbers).await?;
    is_cut |= cut(&mut transfers, MAX_ROWS);
    let mut refunds = refunds(conn, org, &ids).await?;
    is_cut |= cut(&mut refunds, MAX_ROWS);

    let mut of_commission: HashMap<i64, Vec<TransferRow>> = HashMap::new();
    for row in transfers {
        of_commission.entry(row.commission_id).or_default().push(row);
    }
    let mut sales = BTreeMap::new();
    let mut events: BTreeMap<i64, BTreeSet<Uuid>> = BTreeMap::new();
    for row in &rows {
        sales.insert(row.conversion_id, row.sale()?);
        events.entry(row.conversion_id).or_default().extend(row.events());
    }
    for row in commissions {
        let moved = of_commission.remove(&row.commission_id).unwrap_or_default();
        let ids = moved.iter().map(|row| row.event_id);
        events.entry(row.conversion_id).or_default().extend(ids);
        if let Some(sale) = sales.get_mut(&row.conversion_id) {
            sale.commissions.push(row.commission(moved)?);
        }
    }
    for row in refunds {
        events.entry(row.conversion_id).or_default().insert(row.event_id);
        if let Some(sale) = sales.get_mut(&row.conversion_id) {
            sale.refunds.push(row.refund(sale.currency));
        }
    }
    let kept = event_rows(conn, org, events.values().flatten().copied().collect()).await?;
    for row in &rows {
        let Some(sale) = sales.get_mut(&row.conversion_id) else {
            continue;
        };
        give_rules(sale);
        let of_sale = events.remove(&row.conversion_id).unwrap_or_default();
        let told = of_sale.into_iter().map(|event| SaleEvent {
            event,
            received_at: received_at(EventId(event)),
            row: kept.get(&event).cloned(),
            set: row.set_by(event),
        });
        sale.events.extend(told);
    }
    Ok((sales.into_values().collect(), is_cut))
}

/// Rules are recorded in the order of the commissions. Those that were added later may have none.
fn give_rules(sale: &mut Sale) {
    let mut rules = sale.trace.clone().unwrap_or_default().rules;
    for commission in &mut sale.commissions {
        let found = rules
            .iter()
            .position(|rule| rule.commission_type == commission.commission_type);
        commission.rule = found.map(|at| rules.remove(at));
    }
}

/// Cuts what was read beyond the limit, and says whether there was any.
fn cut<T>(rows: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    is_cut
}

#[derive(sqlx::FromRow)]
struct CommissionRow {
    commission_id: i64,
    conversion_id: i64,
    kind: String,
    affiliate: Option<String>,
    commission_type: String,
    commission_name: String,
    rate: Option<Decimal>,
    sub_amount: Decimal,
    part: Option<Decimal>,
    gross: Decimal,
    amount: Decimal,
    currency: String,
    approved: Option<bool>,
    #[sqlx(rename = "final_at")]
    finalised_at: Option<DateTime<Utc>>,
    comment: Option<String>,
    payment_id: Option<i64>,
    paid: Option<Decimal>,
    paid_at: Option<DateTime<Utc>>,
}

impl CommissionRow {
    fn commission(self, transfers: Vec<TransferRow>) -> Result<SaleCommission, DbError> {
        let currency = decode::currency("explain.currency", &self.currency)?;
        let payment = self.payment_id.zip(self.paid).zip(self.paid_at);
        let transfer = |row: TransferRow| SaleTransfer {
            transfer: row.transfer_id,
            time: row.recorded_at,
            code: row.code,
            from: row.debit_account,
            to: row.credit_account,
            amount: currency.shown(row.amount),
            event: row.event_id,
        };
        Ok(SaleCommission {
            commission: self.commission_id,
            kind: self.kind,
            affiliate: self.affiliate,
            commission_type: self.commission_type,
            commission_name: self.commission_name,
            rule: None,
            rate: self.rate.map(|rate| rate.normalize()),
            sub_amount: currency.shown(self.sub_amount),
            gross: currency.shown(self.gross),
            amount: currency.shown(self.amount),
            currency,
            approved: self.approved,
            finalised_at: self.finalised_at,
            comment: self.comment,
            payment: payment.map(|((payment, amount), created_at)| SalePayment {
                payment,
                amount: currency.shown(amount),
                created_at,
            }),
            transfers: transfers.into_iter().map(transfer).collect(),
            part: self.part.map(|part| currency.shown(part)),
        })
    }
}

async fn commissions(
    conn: &mut Connection,
    org: OrgId,
    conversions: &[i64],
) -> Result<Vec<CommissionRow>, DbError> {
    sqlx::query_as(
        "SELECT m.commission_id, m.conversion_id, m.kind, m.commission_type, m.commission_name, m.rate, m.sub_amount,
                m.part, m.gross, m.amount, m.currency, m.approved, m.final_at, m.comment, m.payment_id,
                a.slug AS affiliate, p.amount AS paid, p.created_at AS paid_at
           FROM commissions m
           LEFT JOIN affiliates a ON a.org_id = m.org_id AND a.affiliate_id = m.affiliate_id
           LEFT JOIN payments p ON p.org_id = m.org_id AND p.payment_id = m.payment_id
          WHERE m.org_id = $1 AND m.conversion_id = ANY ($2)
          ORDER BY m.commission_id
          LIMIT $3",
    )
    .bind(org.0)
    .bind(conversions)
    .bind(MAX_ROWS + 1)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.commissions", error))
}

#[derive(sqlx::FromRow)]
struct TransferRow {
    transfer_id: i64,
    commission_id: i64,
    recorded_at: DateTime<Utc>,
    code: String,
    debit_account: String,
    credit_account: String,
    amount: Decimal,
    event_id: Uuid,
}

async fn transfers(
    conn: &mut Connection,
    org: OrgId,
    commissions: &[i64],
) -> Result<Vec<TransferRow>, DbError> {
    sqlx::query_as(
        "SELECT transfer_id, commission_id, recorded_at, code, debit_account, credit_account, amount, event_id
           FROM transfers WHERE org_id = $1 AND commission_id = ANY ($2)
          ORDER BY transfer_id
          LIMIT $3",
    )
    .bind(org.0)
    .bind(commissions)
    .bind(MAX_ROWS + 1)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.transfers", error))
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    conversion_id: i64,
    refund_key: String,
    amount: Option<Decimal>,
    created_at: DateTime<Utc>,
    event_id: Uuid,
}

impl RefundRow {
    fn refund(self, currency: Currency) -> SaleRefund {
        SaleRefund {
            refund_id: self.refund_key.strip_prefix("id:").map(ToOwned::to_owned),
            amount: self.amount.map(|amount| currency.shown(amount)),
            created_at: self.created_at,
            event: self.event_id,
        }
    }
}

async fn refunds(conn: &mut Connection, org: OrgId, conversions: &[i64]) -> Result<Vec<RefundRow>, DbError> {
    sqlx::query_as(
        "SELECT conversion_id, refund_key, amount, created_at, event_id
           FROM refunds WHERE org_id = $1 AND conversion_id = ANY ($2)
          ORDER BY created_at, event_id
          LIMIT $3",
    )
    .bind(org.0)
    .bind(conversions)
    .bind(MAX_ROWS + 1)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.refunds", error))
}

/// The rows that are still kept. The bounds let Postgres pass over the days in which none of them can be.
async fn event_rows(
    conn: &mut Connection,
    org: OrgId,
    ids: BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, EventRow>, DbError> {
    let (least, greatest) = (ids.first().copied(), ids.last().copied());
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT event_id, kind, dialect, status, trusted AS signed, applied_at,
                CASE kind WHEN 'scheduled' THEN (SELECT min(due) FROM json_object_keys(body -> 'scheduled') due) END AS due,
                coalesce((body #>> '{edit_conversion,delete}')::boolean, false) AS deletes,
                coalesce((body #>> '{chargeback,reversed}')::boolean, false) AS reverses
           FROM events
          WHERE event_id = ANY ($2) AND event_id BETWEEN $3 AND $4 AND org_id = $1",
    )
    .bind(org.0)
    .bind(ids.into_iter().collect::<Vec<_>>())
    .bind(least)
    .bind(greatest)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.events", error))?;
    Ok(rows.into_iter().map(|row| (row.event_id, row)).collect())
}
