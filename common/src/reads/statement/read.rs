//! The rows of a statement. All in the snapshot of the caller.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    account::{CurrencyAccount, Entry},
    cause::Evidence,
    error::StatementError,
    query::{MAX_ENTRIES, MAX_NAMED_ORGS, Query},
    words::{Subject, describe},
};
use crate::{
    db::{Connection, DbError, orgs},
    domain::{
        Currency,
        ledger::{Account, Balance, TransferCode},
    },
};

pub(super) struct Affiliate {
    pub org_id: i64,
    pub org_slug: String,
    /// Its id within the database.
    pub number: i64,
    pub slug: String,
    pub name: String,
}

/// The one affiliate that is meant.
pub(super) async fn affiliate(conn: &mut Connection, query: &Query<'_>) -> Result<Affiliate, StatementError> {
    let limit = i64::try_from(MAX_NAMED_ORGS + 1).unwrap_or(i64::MAX);
    let mut found = sqlx::query_as!(
        Affiliate,
        r#"SELECT o.org_id, o.slug AS org_slug, a.affiliate_id AS number, a.slug,
                concat_ws(' ', a.firstname, a.lastname) AS "name!"
           FROM affiliates a
           JOIN orgs o ON o.org_id = a.org_id
          WHERE a.slug = $1 AND ($2::text IS NULL OR o.slug = $2)
          ORDER BY o.slug
          LIMIT $3"#,
        query.affiliate,
        query.org,
        limit
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(|error| DbError::new("statement.affiliate", error))?;
    if found.len() > 1 {
        let mut orgs: Vec<_> = found
            .iter()
            .map(|affiliate| affiliate.org_slug.as_str())
            .collect();
        if orgs.len() > MAX_NAMED_ORGS {
            orgs.truncate(MAX_NAMED_ORGS);
            orgs.push("others");
        }
        return Err(StatementError::SeveralOrgs {
            affiliate: query.affiliate.to_owned(),
            orgs: orgs.join(", "),
        });
    }
    if let Some(affiliate) = found.pop() {
        return Ok(affiliate);
    }
    match query.org {
        Some(org) if orgs::by_slug(conn, org).await?.is_none() => {
            Err(StatementError::UnknownOrg(org.to_owned()))
        }
        org => Err(StatementError::UnknownAffiliate {
            affiliate: query.affiliate.to_owned(),
            org: org.map(ToOwned::to_owned),
        }),
    }
}

/// All currencies in which the affiliate has a balance or had money before `since`, with both.
pub(super) async fn openings(
    conn: &mut Connection,
    affiliate: &Affiliate,
    since: Option<DateTime<Utc>>,
) -> Result<BTreeMap<Currency, CurrencyAccount>, DbError> {
    // Each transfer counts twice: it takes from the account that it debits and adds to the one that it credits. Without
    // a first day no transfer is before it, and the scan is left out.
    let rows = sqlx::query!(
        r#"SELECT currency AS "currency!: Currency", coalesce(t.pending, 0) AS "pending!", coalesce(t.payable, 0) AS "payable!",
                coalesce(t.paid, 0) AS "paid!", b.org_id IS NOT NULL AS "is_stored!",
                coalesce(b.pending, 0) AS "stored_pending!", coalesce(b.payable, 0) AS "stored_payable!",
                coalesce(b.paid, 0) AS "stored_paid!"
           FROM (SELECT * FROM balances WHERE org_id = $1 AND affiliate_id = $2) b
           FULL JOIN (SELECT currency,
                             sum(moved) FILTER (WHERE account = 'pending') AS pending,
                             sum(moved) FILTER (WHERE account = 'payable') AS payable,
                             sum(moved) FILTER (WHERE account = 'paid') AS paid
                        FROM transfers
                       CROSS JOIN LATERAL (VALUES (debit_account, -amount), (credit_account, amount)) entry (account, moved)
                       WHERE org_id = $1 AND affiliate_id = $2 AND recorded_at < $3
                       GROUP BY currency) t
          USING (currency)"#,
        affiliate.org_id,
        affiliate.number,
        since
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("statement.openings", error))?;
    let accounts = rows.into_iter().map(|row| {
        let opening = Balance {
            pending: row.pending,
            payable: row.payable,
            paid: row.paid,
        };
        let stored = row.is_stored.then_some(Balance {
            pending: row.stored_pending,
            payable: row.stored_payable,
            paid: row.stored_paid,
        });
        (row.currency, CurrencyAccount::new(row.currency, opening, stored))
    });
    Ok(accounts.collect())
}

struct EntryRow {
    transfer_id: i64,
    recorded_at: DateTime<Utc>,
    debit_account: Account,
    credit_account: Account,
    amount: Decimal,
    currency: Currency,
    code: TransferCode,
    event_id: Uuid,
    commission_id: Option<i64>,
    commission_kind: Option<String>,
    conversion_id: Option<i64>,
    order: Option<String>,
    sale_currency: Option<Currency>,
    program: Option<String>,
    is_sale: bool,
    is_refund: bool,
    refunded: Option<Decimal>,
    amount_set: Option<Decimal>,
    status_set: Option<bool>,
    charged_back: Option<bool>,
    superseded_by: Option<i64>,
    is_deletion: bool,
    payment: Option<i64>,
    kind: Option<String>,
    body: Option<String>,
}

/// Adds the movements of the period to their accounts and says how many there are: above [`MAX_ENTRIES`] some are
/// missing.
pub(super) async fn entries(
    conn: &mut Connection,
    affiliate: &Affiliate,
    query: &Query<'_>,
    accounts: &mut BTreeMap<Currency, CurrencyAccount>,
) -> Result<usize, DbError> {
    // Transfers with what tells their cause. Refunds are recorded apart from their events, so they stay known for ever, as does
    // what superseded, deleted or paid; of an update or a chargeback what still holds. Two payments of one event and the same
    // amount cannot be distinguished.
    let mut rows = sqlx::query_as!(
        EntryRow,
        r#"SELECT t.transfer_id, t.recorded_at, t.debit_account AS "debit_account: Account",
           t.credit_account AS "credit_account: Account", t.amount, t.currency AS "currency: Currency",
           t.code AS "code: TransferCode", t.event_id, t.commission_id, m.kind AS "commission_kind?", m.conversion_id AS "conversion_id?",
           c.external_id AS "order?", c.currency AS "sale_currency?: Currency", p.slug AS "program?",
           coalesce(c.event_id = t.event_id, false) AS "is_sale!",
           r.event_id IS NOT NULL AS "is_refund!", r.amount AS "refunded?",
           CASE WHEN c.amount_by = t.event_id THEN c.amount END AS "amount_set?",
           CASE WHEN c.status_by = t.event_id THEN m.approved END AS "status_set?",
           CASE WHEN c.chargeback_by = t.event_id THEN c.charged_back END AS "charged_back?",
           CASE WHEN s.event_id = t.event_id THEN c.superseded_by END AS "superseded_by?",
           coalesce(c.superseded_by IS NULL AND c.deleted_at = t.recorded_at, false) AS "is_deletion!",
           y.payment_id AS "payment?", e.kind AS "kind?",
           -- These leave rows that say more; their bodies may be large.
           CASE WHEN e.kind NOT IN ('create_conversion', 'refund', 'pay') THEN e.body::text END AS "body?"
      FROM transfers t
      LEFT JOIN commissions m ON m.org_id = t.org_id AND m.commission_id = t.commission_id
      LEFT JOIN conversions c ON c.org_id = m.org_id AND c.conversion_id = m.conversion_id
      LEFT JOIN programs p ON p.org_id = c.org_id AND p.program_id = c.program_id
      LEFT JOIN refunds r ON r.org_id = c.org_id AND r.conversion_id = c.conversion_id AND r.event_id = t.event_id
      LEFT JOIN conversions s ON s.org_id = c.org_id AND s.conversion_id = c.superseded_by
      LEFT JOIN LATERAL (
          SELECT CASE count(*) WHEN 1 THEN min(y.payment_id) END AS payment_id FROM payments y
           WHERE t.code = 'pay' AND y.org_id = t.org_id AND y.affiliate_id = t.affiliate_id
             AND (y.event_id, y.amount, y.currency) = (t.event_id, t.amount, t.currency)) y ON true
      LEFT JOIN events e ON e.event_id = t.event_id AND e.org_id = t.org_id
     WHERE t.org_id = $1 AND t.affiliate_id = $2
       AND ($3::timestamptz IS NULL OR t.recorded_at >= $3) AND ($4::timestamptz IS NULL OR t.recorded_at < $4)
       AND ($5::text IS NULL OR t.currency = $5)
     ORDER BY t.recorded_at, t.transfer_id
     LIMIT $6"#,
        affiliate.org_id,
        affiliate.number,
        query.since(),
        query.until(),
        query.currency.map(Currency::code),
        i64::try_from(MAX_ENTRIES + 1).unwrap_or(i64::MAX)
    )
    .fetch(conn);
    let mut count = 0;
    // Row by row: an update's body is let go as soon as it is put into words.
    while let Some(row) = rows
        .try_next()
        .await
        .map_err(|error| DbError::new("statement.entries", error))?
    {
        add(row, accounts);
        count += 1;
    }
    Ok(count)
}

fn add(row: EntryRow, accounts: &mut BTreeMap<Currency, CurrencyAccount>) {
    let currency = row.currency;
    let (debit, credit) = (row.debit_account, row.credit_account);
    let subject = Subject {
        commission: row.commission_id,
        kind: row.commission_kind.as_deref(),
        order: row.order.as_deref(),
        conversion: row.conversion_id,
    };
    let evidence = Evidence {
        is_sale: row.is_sale,
        is_refund: row.is_refund,
        refunded: row.refunded,
        amount_set: row.amount_set,
        status_set: row.status_set,
        charged_back: row.charged_back,
        superseded_by: row.superseded_by,
        is_deletion: row.is_deletion,
        is_payment: row.commission_id.is_none(),
        payment: row.payment,
        kind: row.kind,
        // A body that this version cannot read tells less; the money is right all the same.
        body: row.body.and_then(|body| serde_json::from_str(&body).ok()),
    };
    let entry = Entry {
        transfer: row.transfer_id,
        time: row.recorded_at,
        what: describe(
            subject,
            debit,
            credit,
            &evidence.cause(),
            currency,
            row.sale_currency,
        ),
        amount: row.amount,
        code: row.code,
        from: debit.name(),
        to: credit.name(),
        order: row.order,
        commission: row.commission_id,
        program: row.program,
        event: row.event_id,
        balance: Balance::default(),
    };
    accounts
        .entry(currency)
        .or_insert_with(|| CurrencyAccount::new(currency, Balance::default(), None))
        .push(debit, credit, row.amount, entry);
}
