//! The parent of an affiliate, who earns on what it sells from now on.

use serde_json::json;

use super::{
    ChangeError, Changeset,
    affiliate::{Living, living},
};
use crate::{
    db::DbError,
    domain::{AffiliateId, OrgId},
};

/// How a parent is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentName {
    /// By its public id.
    Slug(String),
    /// By its number.
    Number(i64),
}

/// Gives an affiliate a parent.
///
/// # Errors
/// [`ChangeError::NotFound`] for the affiliate, [`ChangeError::Invalid`] for a parent who is not there or stands below it.
pub async fn set(change: &mut Changeset, slug: &str, parent: &ParentName) -> Result<(), ChangeError> {
    let child = living(change, slug).await?;
    let (field, by_slug, by_number) = match parent {
        ParentName::Slug(slug) => (format!("affiliate_id {slug:?}"), Some(slug.as_str()), None),
        ParentName::Number(number) => (format!("via {number}"), None, Some(*number)),
    };
    let org = change.org();
    let found = sqlx::query!(
        r#"SELECT affiliate_id AS "id: AffiliateId", slug FROM affiliates
         WHERE org_id = $1 AND deleted_at IS NULL AND (slug = $2 OR affiliate_id = $3)"#,
        org.0,
        by_slug,
        by_number
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.parent", error))?
    .ok_or_else(|| ChangeError::Invalid(format!("{field} is unknown")))?;
    if stands_below(change, org, found.id, child.id).await? {
        return Err(ChangeError::Invalid(format!(
            "{field} would make a circle of parents"
        )));
    }
    write(change, slug, &child, Some((found.id, found.slug))).await
}

/// Leaves an affiliate without a parent.
///
/// # Errors
/// [`ChangeError::NotFound`] for the affiliate.
pub async fn remove(change: &mut Changeset, slug: &str) -> Result<(), ChangeError> {
    let child = living(change, slug).await?;
    write(change, slug, &child, None).await
}

/// Whether `above` is among the ancestors of `affiliate`, or is the same.
async fn stands_below(
    change: &mut Changeset,
    org: OrgId,
    affiliate: AffiliateId,
    above: AffiliateId,
) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"WITH RECURSIVE line AS (
             SELECT $2::bigint AS affiliate_id
             UNION
             SELECT a.parent_id FROM line JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = line.affiliate_id
             WHERE a.parent_id IS NOT NULL
         )
         SELECT EXISTS (SELECT FROM line WHERE affiliate_id = $3) AS "below!""#,
        org.0,
        affiliate.0,
        above.0
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.line", error))
}

async fn write(
    change: &mut Changeset,
    slug: &str,
    child: &Living,
    parent: Option<(AffiliateId, String)>,
) -> Result<(), ChangeError> {
    let org = change.org().0;
    let (id, name) = parent.unzip();
    sqlx::query!(
        "UPDATE affiliates SET parent_id = $3 WHERE org_id = $1 AND affiliate_id = $2",
        org,
        child.id.0,
        id.map(|id| id.0)
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.set_parent", error))?;
    let (before, after) = (json!({"parent_id": child.parent}), json!({"parent_id": name}));
    change.note(
        "affiliate.parent",
        &format!("affiliate/{slug}"),
        Some(before),
        Some(after),
    );
    Ok(())
}
