//! Clicks and sessions: loaded with their rows locked, written set-based.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Connection, DbError, decode, text};
use crate::domain::{
    AffiliateId, ClickId, CustomerId, Dialect, EventId, MetaData, OrgId, ProgramId,
    entities::{Change, Click},
};

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    click_id: i64,
    name: Option<String>,
    program_id: i64,
    affiliate_id: i64,
    referral_code: String,
    customer_id: Option<i64>,
    #[sqlx(rename = "customer_vouched")]
    customer_authenticated: bool,
    event_id: Uuid,
    dialect: String,
    #[sqlx(rename = "trusted")]
    authenticated: bool,
    referrer: Option<String>,
    landing_page: Option<String>,
    meta_data: sqlx::types::Json<MetaData>,
    details: sqlx::types::Json<MetaData>,
    created_at: DateTime<Utc>,
    clicked_at: DateTime<Utc>,
}

impl Row {
    fn click(self) -> Result<Click, DbError> {
        Ok(Click {
            change: Change::None,
            org: OrgId(self.org_id),
            id: ClickId(self.click_id),
            name: self.name,
            program: ProgramId(self.program_id),
            affiliate: AffiliateId(self.affiliate_id),
            referral_code: self.referral_code,
            customer: self.customer_id.map(CustomerId),
            customer_authenticated: self.customer_authenticated,
            event: EventId(self.event_id),
            dialect: Dialect::parse(&self.dialect).ok_or_else(|| decode("clicks.dialect", &self.dialect))?,
            authenticated: self.authenticated,
            referrer: self.referrer,
            landing_page: self.landing_page,
            meta_data: self.meta_data.0,
            details: self.details.0,
            created_at: self.created_at,
            clicked_at: self.clicked_at,
        })
    }
}

/// Clicks by their numbers or the clients' own ids, in all organisations, with their rows locked.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn lock(
    connection: &mut Connection,
    numbers: &[ClickId],
    names: &[String],
) -> Result<Vec<Click>, DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT c.org_id, c.click_id, c.name, c.program_id, c.affiliate_id, c.referral_code, c.customer_id,
                c.event_id, c.dialect, c.trusted, c.referrer, c.landing_page, c.meta_data, c.details,
                c.created_at, c.clicked_at, c.customer_vouched
         FROM clicks c
         WHERE click_id IN (SELECT click_id FROM clicks WHERE name = ANY ($2) UNION SELECT unnest($1::bigint[]))
         ORDER BY click_id FOR UPDATE",
    )
    .bind(numbers.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("clicks.lock", error))?;
    rows.into_iter().map(Row::click).collect()
}

/// Clicks by their numbers, only to be read.
///
/// # Errors
/// As [`lock`].
pub async fn load(connection: &mut Connection, numbers: &[(OrgId, ClickId)]) -> Result<Vec<Click>, DbError> {
    let (orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT c.org_id, c.click_id, c.name, c.program_id, c.affiliate_id, c.referral_code, c.customer_id,
                c.event_id, c.dialect, c.trusted, c.referrer, c.landing_page, c.meta_data, c.details,
                c.created_at, c.clicked_at, c.customer_vouched
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, click_id)
         JOIN clicks c ON (c.org_id, c.click_id) = (sent.org_id, sent.click_id)",
    )
    .bind(orgs)
    .bind(numbers)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("clicks.load", error))?;
    rows.into_iter().map(Row::click).collect()
}

/// The latest clicks of sessions, in all organisations.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(
    connection: &mut Connection,
    sessions: &[String],
) -> Result<Vec<(String, OrgId, ClickId)>, DbError> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT session, org_id, click_id FROM sessions WHERE session = ANY ($1)")
            .bind(sessions)
            .fetch_all(connection)
            .await
            .map_err(|error| DbError::new("sessions.load", error))?;
    let row = |(session, org, click)| (session, OrgId(org), ClickId(click));
    Ok(rows.into_iter().map(row).collect())
}

/// Writes the clicks that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(connection: &mut Connection, clicks: &[&Click]) -> Result<(), DbError> {
    let of = |change| {
        let marked = clicks.iter().copied().filter(move |click| click.change == change);
        marked.collect::<Vec<_>>()
    };
    let changed = of(Change::Update);
    if !changed.is_empty() {
        update(connection, &changed).await?;
    }
    let new = of(Change::Insert);
    if !new.is_empty() {
        insert(connection, &new).await?;
    }
    Ok(())
}

async fn insert(connection: &mut Connection, new: &[&Click]) -> Result<(), DbError> {
    let customers = new.iter().map(|one| one.customer.map(|id| id.0));
    sqlx::query(
        "INSERT INTO clicks (org_id, click_id, name, program_id, affiliate_id, referral_code, customer_id, event_id,
             dialect, trusted, referrer, landing_page, meta_data, details, created_at, clicked_at,
             customer_vouched)
         SELECT org_id, click_id, name, program_id, affiliate_id, referral_code, customer_id, event_id, dialect,
             trusted, referrer, landing_page, meta_data::jsonb, details::jsonb, created_at, clicked_at,
             customer_vouched
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
             $8::uuid[], $9::text[], $10::boolean[], $11::text[], $12::text[], $13::text[], $14::text[],
             $15::timestamptz[], $16::timestamptz[], $17::boolean[])
           AS new (org_id, click_id, name, program_id, affiliate_id, referral_code, customer_id, event_id, dialect,
             trusted, referrer, landing_page, meta_data, details, created_at, clicked_at, customer_vouched)",
    )
    .bind(new.iter().map(|one| one.org.0).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.id.0).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.name.as_deref()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.program.0).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.affiliate.0).collect::<Vec<_>>())
    .bind(
        new.iter()
            .map(|one| one.referral_code.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(customers.collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.event.0).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.dialect.name()).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.authenticated).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.referrer.as_deref()).collect::<Vec<_>>())
    .bind(
        new.iter()
            .map(|one| one.landing_page.as_deref())
            .collect::<Vec<_>>(),
    )
    .bind(new.iter().map(|one| text(&one.meta_data)).collect::<Vec<_>>())
    .bind(new.iter().map(|one| text(&one.details)).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.created_at).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.clicked_at).collect::<Vec<_>>())
    .bind(new.iter().map(|one| one.customer_authenticated).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("clicks.insert", error))?;
    Ok(())
}

/// A later click of the same visitor may come by another affiliate; number, name and first moment stay.
async fn update(connection: &mut Connection, changed: &[&Click]) -> Result<(), DbError> {
    let customers = changed.iter().map(|one| one.customer.map(|id| id.0));
    sqlx::query(
        "UPDATE clicks c
         SET (program_id, affiliate_id, referral_code, customer_id, event_id, trusted, referrer, landing_page,
              meta_data, details, clicked_at, dialect, customer_vouched)
           = (new.program_id, new.affiliate_id, new.referral_code, new.customer_id, new.event_id, new.trusted,
              new.referrer, new.landing_page, new.meta_data::jsonb, new.details::jsonb, new.clicked_at,
              new.dialect, new.customer_vouched)
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::uuid[],
             $8::boolean[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[],
             $15::boolean[])
           AS new (org_id, click_id, program_id, affiliate_id, referral_code, customer_id, event_id, trusted, referrer,
             landing_page, meta_data, details, clicked_at, dialect, customer_vouched)
         WHERE (c.org_id, c.click_id) = (new.org_id, new.click_id)",
    )
    .bind(changed.iter().map(|one| one.org.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.id.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.program.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.affiliate.0).collect::<Vec<_>>())
    .bind(
        changed
            .iter()
            .map(|one| one.referral_code.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(customers.collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.event.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.authenticated).collect::<Vec<_>>())
    .bind(
        changed
            .iter()
            .map(|one| one.referrer.as_deref())
            .collect::<Vec<_>>(),
    )
    .bind(
        changed
            .iter()
            .map(|one| one.landing_page.as_deref())
            .collect::<Vec<_>>(),
    )
    .bind(changed.iter().map(|one| text(&one.meta_data)).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| text(&one.details)).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.clicked_at).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.dialect.name()).collect::<Vec<_>>())
    .bind(changed.iter().map(|one| one.customer_authenticated).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("clicks.update", error))?;
    Ok(())
}

/// Notes the latest click of each session. A session stays with the organisation that used it first.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write_sessions(
    connection: &mut Connection,
    latest: &[(&str, OrgId, ClickId)],
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO sessions AS s (session, org_id, click_id)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
         ON CONFLICT ON CONSTRAINT sessions_pkey DO UPDATE SET click_id = excluded.click_id
         WHERE s.org_id = excluded.org_id",
    )
    .bind(latest.iter().map(|one| one.0).collect::<Vec<_>>())
    .bind(latest.iter().map(|one| one.1.0).collect::<Vec<_>>())
    .bind(latest.iter().map(|one| one.2.0).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("sessions.write", error))?;
    Ok(())
}
