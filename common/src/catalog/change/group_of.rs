//! The group of an affiliate, whose rates count for what is sold from now on.

use serde::Serialize;
use serde_json::json;

use super::{
    ChangeError, Changeset,
    affiliate::{Living, living},
};
use crate::{catalog::versions, db::DbError};

#[derive(Serialize)]
struct Membership<'a> {
    id: &'a str,
    group_id: Option<&'a str>,
}

/// Puts an affiliate into a group, or into none.
///
/// # Errors
/// [`ChangeError::NotFound`] for the affiliate, [`ChangeError::Invalid`] for a group that is not there.
pub async fn set(change: &mut Changeset, slug: &str, group: Option<&str>) -> Result<(), ChangeError> {
    let Living {
        id, group: before, ..
    } = living(change, slug).await?;
    let org = change.org().0;
    if let Some(group) = group {
        let known = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM affiliate_groups WHERE org_id = $1 AND group_id = $2) AS "known!""#,
            org,
            group
        );
        let known = known.fetch_one(change.connection()).await;
        if !known.map_err(|error| DbError::new("affiliate_groups.known", error))? {
            return Err(ChangeError::Invalid(format!("group_id {group:?} is unknown")));
        }
    }
    let membership = Membership {
        id: slug,
        group_id: group,
    };
    let now = change.author.now;
    versions::memberships(change.connection(), org, &[membership], now)
        .await
        .map_err(|error| DbError::new("affiliates.memberships", error))?;
    sqlx::query!(
        "UPDATE affiliates SET group_id = $3 WHERE org_id = $1 AND affiliate_id = $2",
        org,
        id.0,
        group
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.group", error))?;
    let (before, after) = (json!({"group_id": before}), json!({"group_id": group}));
    change.note(
        "affiliate.group",
        &format!("affiliate/{slug}"),
        Some(before),
        Some(after),
    );
    Ok(())
}
