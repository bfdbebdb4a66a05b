//! Groups of affiliates.

use serde_json::json;

use super::{ChangeError, Changeset};
use crate::{
    db::DbError,
    domain::{PublicId, PublicIdKind},
};

/// Makes a group, and returns its id.
///
/// # Errors
/// When the database does not answer.
pub async fn create(change: &mut Changeset, title: &str) -> Result<String, ChangeError> {
    let org = change.org();
    loop {
        let number = next_number(change).await?;
        let id = PublicId::new(PublicIdKind::AffiliateGroup, number).to_string();
        let inserted = sqlx::query!(
            "INSERT INTO affiliate_groups (org_id, group_id, title, number) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            org.0,
            &id,
            title,
            number
        )
        .execute(change.connection())
        .await
        .map_err(|error| DbError::new("affiliate_groups.create", error))?;
        // A catalog may have declared a group by that very id.
        if inserted.rows_affected() > 0 {
            let subject = format!("affiliate_group/{id}");
            change.note(
                "affiliate_group.create",
                &subject,
                None,
                Some(json!({"title": title})),
            );
            return Ok(id);
        }
    }
}

async fn next_number(change: &mut Changeset) -> Result<i64, DbError> {
    sqlx::query_scalar!(r#"SELECT nextval('affiliate_group_numbers') AS "number!""#)
        .fetch_one(change.connection())
        .await
        .map_err(|error| DbError::new("affiliate_groups.number", error))
}

/// Gives a group another title.
///
/// # Errors
/// [`ChangeError::NotFound`], or when the database does not answer.
pub async fn rename(change: &mut Changeset, id: &str, title: &str) -> Result<(), ChangeError> {
    let org = change.org();
    let before = sqlx::query_scalar!(
        "UPDATE affiliate_groups g SET title = $3
         FROM affiliate_groups before
         WHERE g.org_id = $1 AND g.group_id = $2 AND (before.org_id, before.group_id) = (g.org_id, g.group_id)
         RETURNING before.title",
        org.0,
        id,
        title
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("affiliate_groups.rename", error))?;
    let before = before.ok_or(ChangeError::NotFound)?;
    change.note(
        "affiliate_group.update",
        &format!("affiliate_group/{id}"),
        Some(json!({"title": before})),
        Some(json!({"title": title})),
    );
    Ok(())
}
