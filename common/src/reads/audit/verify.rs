//! Whether the audit trail is as it was written: each entry follows the one before it, and the last is the one that was written
//! last.
//!
//! Who may rewrite the whole trail and its head can make another that holds in itself: the number and hash of the last entry,
//! kept elsewhere, tell.

use serde::Serialize;
use strum::IntoStaticStr;

use crate::{
    db::{Connection, DbError, Pool, pool, rollback},
    domain::OrgId,
};

/// Entries that one statement looks at.
const CHUNK: i64 = 5_000;
/// Faults that are shown; all are counted. When an entry was taken out and the others were numbered anew, all after it are wrong.
const MAX_SHOWN: usize = 50;

/// The trail of one organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trail {
    pub org: String,
    /// Entries that were looked at.
    pub entries: u64,
    /// The number of the last entry, 0 where there is none. With `hash` it is what can be kept elsewhere.
    pub last: i64,
    /// In hexadecimal digits.
    pub hash: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// It is not there.
    Removed,
    /// It, or the hash of the one before it, is not what was written.
    Changed,
    /// It is there and was not written as others are.
    Inserted,
    /// What says which entry was the last is not there, or has another hash.
    Head,
}

impl FaultKind {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An entry that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub org: String,
    /// Its number, or the first of those that are missing.
    pub entry: i64,
    pub what: FaultKind,
    /// In a sentence.
    pub detail: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    pub trails: Vec<Trail>,
    /// The first of them.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub faulty: u64,
}

impl AuditReport {
    fn fault(&mut self, org: &str, entry: i64, what: FaultKind, detail: String) {
        self.faulty += 1;
        if self.faults.len() < MAX_SHOWN {
            self.faults.push(Fault {
                org: org.to_owned(),
                entry,
                what,
                detail,
            });
        }
    }
}

struct Head {
    org_id: OrgId,
    slug: String,
    entry: Option<i64>,
    hash: Option<String>,
}

struct Row {
    entry: i64,
    subject: String,
    hash: Vec<u8>,
    is_chained: bool,
}

/// Entries of `org`, or of all organisations: how far there is to go.
///
/// # Errors
/// When the database does not answer.
pub async fn count(conn: &mut Connection, org: Option<OrgId>) -> Result<u64, DbError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_entries WHERE $1::bigint IS NULL OR org_id = $1"#,
        org.map(|org| org.0)
    )
    .fetch_one(conn)
    .await
    .map_err(|error| DbError::new("audit.count", error))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Looks at all entries of `org`, or of all organisations, in one snapshot; tells `progress` how many more it has seen.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(
    pool: &Pool,
    org: Option<OrgId>,
    mut progress: impl FnMut(u64),
) -> Result<AuditReport, DbError> {
    let mut snapshot = pool::snapshot(pool).await?;
    let mut report = AuditReport::default();
    for head in heads(&mut snapshot, org).await? {
        verify_trail(&mut snapshot, &head, &mut report, &mut progress).await?;
    }
    rollback(snapshot).await?;
    Ok(report)
}

async fn heads(conn: &mut Connection, org: Option<OrgId>) -> Result<Vec<Head>, DbError> {
    sqlx::query_as!(
        Head,
        r#"SELECT o.org_id AS "org_id: OrgId", o.slug, h.entry AS "entry?", encode(h.hash, 'hex') AS "hash?"
           FROM orgs o LEFT JOIN audit_heads h USING (org_id)
          WHERE ($1::bigint IS NULL OR o.org_id = $1)
            AND (h.org_id IS NOT NULL OR EXISTS (SELECT FROM audit_entries e WHERE e.org_id = o.org_id))
          ORDER BY o.org_id"#,
        org.map(|org| org.0)
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("audit.heads", error))
}

/// The entries after `after`, whose hash is `previous`, and whether each follows the one before it.
async fn rows(conn: &mut Connection, org: OrgId, after: i64, previous: &[u8]) -> Result<Vec<Row>, DbError> {
    sqlx::query_as!(
        Row,
        r#"SELECT e.entry, e.subject, e.hash,
                e.hash = audit_hash(lag(e.hash, 1, $3::bytea) OVER (ORDER BY e.entry), e) AS "is_chained!"
           FROM (SELECT * FROM audit_entries WHERE org_id = $1 AND entry > $2 ORDER BY entry LIMIT $4) page
           JOIN audit_entries e ON (e.org_id, e.entry) = (page.org_id, page.entry)
          ORDER BY e.entry"#,
        org.0,
        after,
        previous,
        CHUNK
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("audit.verify", error))
}

async fn verify_trail(
    conn: &mut Connection,
    head: &Head,
    report: &mut AuditReport,
    progress: &mut impl FnMut(u64),
) -> Result<(), DbError> {
    let (mut last, mut hash, mut entries) = (0, Vec::new(), 0);
    loop {
        let page = rows(conn, head.org_id, last, &hash).await?;
        let seen = u64::try_from(page.len()).unwrap_or_default();
        if seen == 0 {
            break;
        }
        for row in page {
            look_at(&row, last, head, report);
            (last, hash) = (row.entry, row.hash);
        }
        entries += seen;
        progress(seen);
    }
    look_at_end(last, &hex::encode(&hash), head, report);
    report.trails.push(Trail {
        org: head.slug.clone(),
        entries,
        last,
        hash: hex::encode(&hash),
    });
    Ok(())
}

/// `last` is the entry before.
fn look_at(row: &Row, last: i64, head: &Head, report: &mut AuditReport) {
    let (entry, subject) = (row.entry, &row.subject);
    let is_next = entry == last + 1;
    if !is_next {
        missing(last + 1, entry - 1, &head.slug, report);
    }
    if head.entry.is_some_and(|end| entry > end) {
        let detail = format!("entry {entry} ({subject}) stands after the last that was written");
        report.fault(&head.slug, entry, FaultKind::Inserted, detail);
    } else if is_next && !row.is_chained {
        // After a gap the hash before it is not known.
        let detail =
            format!("entry {entry} ({subject}) is not as it was written, or does not follow entry {last}");
        report.fault(&head.slug, entry, FaultKind::Changed, detail);
    }
}

fn missing(first: i64, last: i64, org: &str, report: &mut AuditReport) {
    let detail = if first == last {
        format!("entry {first} is missing")
    } else {
        format!("entries {first} to {last} are missing")
    };
    report.fault(org, first, FaultKind::Removed, detail);
}

/// Whether the last entry is the one that was written last.
fn look_at_end(last: i64, hash: &str, head: &Head, report: &mut AuditReport) {
    let org = &head.slug;
    match (head.entry, &head.hash) {
        (Some(end), _) if end > last => missing(last + 1, end, org, report),
        (Some(end), Some(kept)) if end == last && kept != hash => {
            let detail = format!("the hash of entry {last} is not the one that was kept of the last entry");
            report.fault(org, last, FaultKind::Head, detail);
        }
        (None, _) => {
            let detail = "what says which entry was the last is missing".to_owned();
            report.fault(org, last, FaultKind::Head, detail);
        }
        _ => {}
    }
}
