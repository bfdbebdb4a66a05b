//! The conversions of an order, each with all that belongs to it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    changes, commissions,
    details::without_emails,
    explanation::{Sale, SaleClick, SaleCustomer, SaleEvent},
    limits::{MAX_CONVERSIONS, MAX_ROWS, cut},
};
use crate::{
    db::{Connection, DbError},
    domain::{Currency, EventId, MetaData, OrgId, ProgramId, trace::Trace},
    message::received_at,
};

/// The conversions of an order with all that belongs to them, the oldest first, and whether something is left out.
pub(super) async fn of_order(
    conn: &mut Connection,
    org: OrgId,
    order: &str,
    scope: Option<ProgramId>,
) -> Result<(Vec<Sale>, bool), DbError> {
    let mut rows = latest(conn, org, order, scope).await?;
    let mut is_cut = cut(&mut rows, MAX_CONVERSIONS);
    if rows.is_empty() {
        return Ok((Vec::new(), is_cut));
    }
    for row in &mut rows {
        // A key of one program is told of no other.
        let is_seen = scope.is_none() || row.customer_program == row.program;
        row.customer_program = row.customer_program.take().filter(|_| is_seen);
    }
    let numbers: Vec<i64> = rows.iter().map(|row| row.conversion_id).collect();
    let mut sales: BTreeMap<i64, (Sale, LastChanges)> = rows
        .into_iter()
        .map(|row| (row.conversion_id, row.sale()))
        .collect();

    let (commissions, is_more) = commissions::of_conversions(conn, org, &numbers).await?;
    is_cut |= is_more;
    for (conversion, commission) in commissions {
        if let Some((sale, _)) = sales.get_mut(&conversion) {
            sale.commissions.push(commission);
        }
    }
    let mut refunds = changes::refunds(conn, org, &numbers).await?;
    is_cut |= cut(&mut refunds, MAX_ROWS);
    for row in refunds {
        if let Some((sale, _)) = sales.get_mut(&row.conversion_id) {
            sale.refunds.push(row.refund(sale.currency));
        }
    }
    let events = sales
        .values()
        .flat_map(|(sale, changes)| events_of(sale, changes));
    let kept = changes::event_rows(conn, org, events.collect()).await?;
    let complete = sales.into_values().map(|(mut sale, changes)| {
        give_rules(&mut sale);
        let events = events_of(&sale, &changes).into_iter().map(|event| SaleEvent {
            event,
            received_at: received_at(EventId(event)),
            row: kept.get(&event).cloned(),
            set: changes.made_by(event),
        });
        sale.events = events.collect();
        sale
    });
    Ok((complete.collect(), is_cut))
}

/// All events that changed the sale or its commissions, or came too late to do so, and the one that created it.
fn events_of(sale: &Sale, changes: &LastChanges) -> BTreeSet<Uuid> {
    let transfers = sale
        .commissions
        .iter()
        .flat_map(|commission| &commission.transfers);
    let transfers = transfers.map(|transfer| transfer.event);
    let refunds = sale.refunds.iter().map(|refund| refund.event);
    let changes = changes.fields().into_iter().filter_map(|(_, event)| event);
    let outdated = sale.trace.iter().flat_map(|trace| &trace.outdated);
    transfers
        .chain(refunds)
        .chain(changes)
        .chain(outdated.map(|outdated| outdated.event.0))
        .chain([sale.event])
        .collect()
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

/// The events by which what a conversion says still stands.
struct LastChanges {
    amount: Option<Uuid>,
    status: Option<Uuid>,
    meta_data: Option<Uuid>,
    chargeback: Option<Uuid>,
}

impl LastChanges {
    fn fields(&self) -> [(&'static str, Option<Uuid>); 4] {
        [
            ("amount", self.amount),
            ("status", self.status),
            ("meta_data", self.meta_data),
            ("chargeback", self.chargeback),
        ]
    }

    /// What stands by this event.
    fn made_by(&self, event: Uuid) -> Vec<&'static str> {
        let fields = self.fields().into_iter();
        let made = fields.filter(|(_, by)| *by == Some(event));
        made.map(|(field, _)| field).collect()
    }
}

struct SaleRow {
    conversion_id: i64,
    event_id: Uuid,
    program: Option<String>,
    affiliate: Option<String>,
    dialect: String,
    authenticated: bool,
    created_at: DateTime<Utc>,
    attributed_by: String,
    trace: Json<Trace>,
    counted: i32,
    warnings: Vec<String>,
    details: Json<MetaData>,
    original_amount: Option<Decimal>,
    amount: Decimal,
    currency: Currency,
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
    customer_program: Option<String>,
    customer_affiliate: Option<String>,
    customer_counted: Option<i64>,
    first_sale_at: Option<DateTime<Utc>>,
}

/// The latest conversions of the order, at most [`MAX_CONVERSIONS`] and one more. Living and deleted ones are looked for apart:
/// each has an index of its own.
async fn latest(
    conn: &mut Connection,
    org: OrgId,
    order: &str,
    scope: Option<ProgramId>,
) -> Result<Vec<SaleRow>, DbError> {
    sqlx::query_as!(
        SaleRow,
        r#"SELECT c.conversion_id, c.event_id, p.slug AS "program?", a.slug AS "affiliate?", c.dialect,
           c.trusted AS authenticated, c.created_at, c.attributed_by, c.trace AS "trace: Json<Trace>", c.counted, c.warnings,
           c.details AS "details: Json<MetaData>", c.base_amount AS original_amount, c.amount,
           c.currency AS "currency: Currency", c.refunded, c.fully_refunded, c.charged_back, c.deleted_at, c.superseded_by,
           c.amount_by, c.status_by, c.meta_by, c.chargeback_by, c.click_id, k.referral_code AS "click_code?",
           k.created_at AS "click_created_at?", k.clicked_at AS "clicked_at?", u.customer_id AS "customer?",
           u.external_id AS "customer_id?", u.status AS "customer_status?", up.slug AS "customer_program?", ua.slug AS "customer_affiliate?",
           stood.counted AS "customer_counted?", stood.first_sale_at AS "first_sale_at?"
      FROM (SELECT * FROM conversions
             WHERE (org_id, conversion_id) IN (
                       SELECT org_id, conversion_id FROM conversions
                        WHERE org_id = $1 AND external_id = $2 AND deleted_at IS NULL
                        UNION ALL
                       SELECT org_id, conversion_id FROM conversions
                        WHERE org_id = $1 AND external_id = $2 AND deleted_at IS NOT NULL)) c
      LEFT JOIN programs p ON p.org_id = c.org_id AND p.program_id = c.program_id
      LEFT JOIN affiliates a ON a.org_id = c.org_id AND a.affiliate_id = c.affiliate_id
      LEFT JOIN clicks k ON k.org_id = c.org_id AND k.click_id = c.click_id
      LEFT JOIN customers u ON u.org_id = c.org_id AND u.customer_id = c.customer_id
      LEFT JOIN LATERAL (
             SELECT u.affiliate_id, u.counted, u.first_sale_at WHERE u.program_id = c.program_id
              UNION ALL
             SELECT s.affiliate_id, s.counted, s.first_sale_at FROM customer_programs s
              WHERE s.org_id = u.org_id AND s.customer_id = u.customer_id AND s.program_id = c.program_id
                AND u.program_id <> c.program_id) stood ON true
      LEFT JOIN programs up ON up.org_id = u.org_id AND up.program_id = u.program_id
      LEFT JOIN affiliates ua ON ua.org_id = u.org_id AND ua.affiliate_id = coalesce(stood.affiliate_id, c.affiliate_id)
     WHERE $3::bigint IS NULL OR c.program_id = $3
     ORDER BY c.conversion_id DESC
     LIMIT $4"#,
        org.0,
        order,
        scope.map(|program| program.0),
        MAX_CONVERSIONS + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.conversions", error))
}

impl SaleRow {
    fn sale(self) -> (Sale, LastChanges) {
        let currency = self.currency;
        let click = self.click_id.zip(self.click_created_at).zip(self.clicked_at);
        let changes = LastChanges {
            amount: self.amount_by,
            status: self.status_by,
            meta_data: self.meta_by,
            chargeback: self.chargeback_by,
        };
        let sale = Sale {
            conversion: self.conversion_id,
            event: self.event_id,
            program: self.program,
            affiliate: self.affiliate,
            dialect: self.dialect,
            authenticated: self.authenticated,
            created_at: self.created_at,
            attributed_by: self.attributed_by,
            trace: Some(self.trace.0).filter(|trace| *trace != Trace::default()),
            click: click.map(|((click, created_at), clicked_at)| SaleClick {
                click,
                referral_code: self.click_code.unwrap_or_default(),
                created_at,
                clicked_at,
            }),
            customer: self.customer.map(|customer| SaleCustomer {
                customer,
                customer_id: self.customer_id,
                status: self.customer_status.unwrap_or_default(),
                program: self.customer_program,
                affiliate: self.customer_affiliate,
                counted: self.customer_counted.unwrap_or_default(),
                first_sale_at: self.first_sale_at,
            }),
            counts_towards_cap: self.counted,
            warnings: self.warnings,
            details: without_emails(self.details.0),
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
        };
        (sale, changes)
    }
}
