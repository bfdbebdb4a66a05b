//! Notes about an affiliate.

use chrono::{DateTime, Utc};

use super::{list::ListSql, page::Page};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{AffiliateId, OrgId},
};

#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct NoteView {
    pub note_id: i64,
    pub message: String,
    /// Who wrote it.
    pub owner: String,
    pub owner_id: String,
    pub created_at: DateTime<Utc>,
}

const LIST: ListSql = ListSql {
    operation: "notes.list",
    from: "affiliate_notes n",
    alias: "n",
    key: "n.note_id",
    order: "n.note_id DESC",
    columns: "n.note_id, n.message, n.owner, n.owner_id, n.created_at",
    joins: "JOIN affiliate_notes n ON n.org_id = $1 AND n.note_id = found.note_id",
};

fn of(org: OrgId, affiliate: AffiliateId) -> Conditions {
    Conditions::of_org("n.org_id", org).equals("n.affiliate_id", Some(affiliate.0))
}

/// Page `number` (the first is 1) of the notes about an affiliate.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    affiliate: AffiliateId,
    number: u32,
) -> Result<Page<NoteView>, DbError> {
    LIST.page(conn, &of(org, affiliate), number).await
}

/// One of them.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    affiliate: AffiliateId,
    note: i64,
) -> Result<Option<NoteView>, DbError> {
    let conditions = of(org, affiliate).equals("n.note_id", Some(note));
    LIST.row(conn, &conditions).await
}
