//! Clicks and sessions: loaded with their rows locked, written set-based.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns};
use crate::domain::{
    AffiliateId, ClickId, CustomerId, Dialect, EventId, MetaData, OrgId, ProgramId,
    entities::{Change, Click},
};

struct Row {
    org: OrgId,
    id: ClickId,
    name: Option<String>,
    program: ProgramId,
    affiliate: AffiliateId,
    referral_code: String,
    customer: Option<CustomerId>,
    customer_authenticated: bool,
    event: EventId,
    dialect: Dialect,
    authenticated: bool,
    referrer: Option<String>,
    landing_page: Option<String>,
    meta_data: Json<MetaData>,
    details: Json<MetaData>,
    created_at: DateTime<Utc>,
    clicked_at: DateTime<Utc>,
}

/// Selects [`Row`]s of `clicks c`; `$from` says which.
macro_rules! select_clicks {
    ($from:literal, $($arguments:tt)+) => {
        sqlx::query_as!(
            Row,
            r#"SELECT c.org_id AS "org: OrgId", c.click_id AS "id: ClickId", c.name, c.program_id AS "program: ProgramId",
                      c.affiliate_id AS "affiliate: AffiliateId", c.referral_code, c.customer_id AS "customer: CustomerId",
                      c.customer_vouched AS customer_authenticated, c.event_id AS "event: EventId",
                      c.dialect AS "dialect: Dialect", c.trusted AS authenticated, c.referrer, c.landing_page,
                      c.meta_data AS "meta_data: Json<MetaData>", c.details AS "details: Json<MetaData>", c.created_at,
                      c.clicked_at "# + $from,
            $($arguments)+
        )
    };
}

impl From<Row> for Click {
    fn from(row: Row) -> Self {
        Self {
            change: Change::None,
            org: row.org,
            id: row.id,
            name: row.name,
            program: row.program,
            affiliate: row.affiliate,
            referral_code: row.referral_code,
            customer: row.customer,
            customer_authenticated: row.customer_authenticated,
            event: row.event,
            dialect: row.dialect,
            authenticated: row.authenticated,
            referrer: row.referrer,
            landing_page: row.landing_page,
            meta_data: row.meta_data.0,
            details: row.details.0,
            created_at: row.created_at,
            clicked_at: row.clicked_at,
        }
    }
}

/// Clicks by their numbers or the clients' own ids, each of its organisation, with their rows locked.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn lock(
    connection: &mut Connection,
    numbers: &[(OrgId, ClickId)],
    names: &[(OrgId, String)],
) -> Result<Vec<Click>, DbError> {
    let (number_orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let (name_orgs, names): (Vec<i64>, Vec<&str>) =
        names.iter().map(|(org, name)| (org.0, name.as_str())).unzip();
    let rows = select_clicks!(
        "FROM clicks c
         WHERE (c.org_id, c.click_id) IN (
             SELECT * FROM unnest($1::bigint[], $2::bigint[])
             UNION
             SELECT named.org_id, named.click_id
             FROM unnest($3::bigint[], $4::text[]) AS sent (org_id, name)
             JOIN clicks named ON (named.org_id, named.name) = (sent.org_id, sent.name))
         ORDER BY c.click_id FOR UPDATE",
        &number_orgs,
        &numbers,
        &name_orgs,
        &names as _
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("clicks.lock", error))?;
    Ok(rows.into_iter().map(Click::from).collect())
}

/// Clicks by their numbers, only to be read.
///
/// # Errors
/// As [`lock`].
pub async fn load(connection: &mut Connection, numbers: &[(OrgId, ClickId)]) -> Result<Vec<Click>, DbError> {
    let (orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows = select_clicks!(
        "FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, click_id)
         JOIN clicks c ON (c.org_id, c.click_id) = (sent.org_id, sent.click_id)",
        &orgs,
        &numbers
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("clicks.load", error))?;
    Ok(rows.into_iter().map(Click::from).collect())
}

/// The latest clicks of sessions.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(
    connection: &mut Connection,
    sessions: &[(OrgId, String)],
) -> Result<Vec<(String, OrgId, ClickId)>, DbError> {
    let (orgs, sessions): (Vec<i64>, Vec<&str>) = sessions
        .iter()
        .map(|(org, session)| (org.0, session.as_str()))
        .unzip();
    let rows = sqlx::query!(
        r#"SELECT s.session, s.org_id AS "org: OrgId", s.click_id AS "click: ClickId"
         FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, session)
         JOIN sessions s ON (s.session, s.org_id) = (sent.session, sent.org_id)"#,
        &orgs,
        &sessions as _
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("sessions.load", error))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.session, row.org, row.click))
        .collect())
}

columns! {
    /// Clicks, column by column.
    Columns<'a> of Click {
        change: _, org, id, name, program, affiliate, referral_code, customer, customer_authenticated, event, dialect,
        authenticated, referrer, landing_page, meta_data, details, created_at, clicked_at,
    } in &'a Click {
        org_id: i64 = org.0,
        click_id: i64 = id.0,
        name: Option<&'a str> = name.as_deref(),
        program_id: i64 = program.0,
        affiliate_id: i64 = affiliate.0,
        referral_code: &'a str = referral_code,
        customer_id: Option<i64> = customer.map(|id| id.0),
        customer_vouched: bool = *customer_authenticated,
        event_id: Uuid = event.0,
        dialect: &'a str = dialect.name(),
        trusted: bool = *authenticated,
        referrer: Option<&'a str> = referrer.as_deref(),
        landing_page: Option<&'a str> = landing_page.as_deref(),
        meta_data: Json<&'a MetaData> = Json(meta_data),
        details: Json<&'a MetaData> = Json(details),
        created_at: DateTime<Utc> = *created_at,
        clicked_at: DateTime<Utc> = *clicked_at,
    }
}

/// Writes the clicks that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write(connection: &mut Connection, clicks: &[&Click]) -> Result<(), DbError> {
    let marked = |change| {
        let clicks = clicks.iter().copied();
        clicks.filter(move |click| click.change == change)
    };
    if let Some(changed) = Columns::of(marked(Change::Update)) {
        update(connection, &changed).await?;
    }
    if let Some(new) = Columns::of(marked(Change::Insert)) {
        insert(connection, &new).await?;
    }
    Ok(())
}

async fn insert(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO clicks (org_id, click_id, name, program_id, affiliate_id, referral_code, customer_id,
             customer_vouched, event_id, dialect, trusted, referrer, landing_page, meta_data, details, created_at,
             clicked_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[],
             $7::bigint[], $8::boolean[], $9::uuid[], $10::text[], $11::boolean[], $12::text[], $13::text[],
             $14::jsonb[], $15::jsonb[], $16::timestamptz[], $17::timestamptz[])",
        &new.org_id,
        &new.click_id,
        &new.name as _,
        &new.program_id,
        &new.affiliate_id,
        &new.referral_code as _,
        &new.customer_id as _,
        &new.customer_vouched,
        &new.event_id,
        &new.dialect as _,
        &new.trusted,
        &new.referrer as _,
        &new.landing_page as _,
        &new.meta_data as _,
        &new.details as _,
        &new.created_at,
        &new.clicked_at,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("clicks.insert", error))?;
    Ok(())
}

/// A later click of the same visitor may come by another affiliate; number, name and first moment stay.
async fn update(connection: &mut Connection, changed: &Columns<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE clicks c
         SET program_id = new.program_id, affiliate_id = new.affiliate_id, referral_code = new.referral_code,
             customer_id = new.customer_id, customer_vouched = new.customer_vouched, event_id = new.event_id,
             dialect = new.dialect, trusted = new.trusted, referrer = new.referrer, landing_page = new.landing_page,
             meta_data = new.meta_data, details = new.details, clicked_at = new.clicked_at
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::boolean[],
                 $8::uuid[], $9::text[], $10::boolean[], $11::text[], $12::text[], $13::jsonb[], $14::jsonb[],
                 $15::timestamptz[])
           AS new (org_id, click_id, program_id, affiliate_id, referral_code, customer_id, customer_vouched, event_id,
                 dialect, trusted, referrer, landing_page, meta_data, details, clicked_at)
         WHERE (c.org_id, c.click_id) = (new.org_id, new.click_id)",
        &changed.org_id,
        &changed.click_id,
        &changed.program_id,
        &changed.affiliate_id,
        &changed.referral_code as _,
        &changed.customer_id as _,
        &changed.customer_vouched,
        &changed.event_id,
        &changed.dialect as _,
        &changed.trusted,
        &changed.referrer as _,
        &changed.landing_page as _,
        &changed.meta_data as _,
        &changed.details as _,
        &changed.clicked_at,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("clicks.update", error))?;
    Ok(())
}

columns! {
    /// Sessions with their latest clicks, column by column.
    SessionColumns<'a> of (name, org, click) in &'a (&'a str, OrgId, ClickId) {
        session: &'a str = name,
        org_id: i64 = org.0,
        click_id: i64 = click.0,
    }
}

/// Notes the latest click of each session.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write_sessions(
    connection: &mut Connection,
    latest: &[(&str, OrgId, ClickId)],
) -> Result<(), DbError> {
    let Some(latest) = SessionColumns::of(latest) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO sessions (session, org_id, click_id)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
         ON CONFLICT ON CONSTRAINT sessions_pkey DO UPDATE SET click_id = excluded.click_id",
        &latest.session as _,
        &latest.org_id,
        &latest.click_id,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("sessions.write", error))?;
    Ok(())
}
