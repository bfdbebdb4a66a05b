//! Affiliates come and go.

use serde_json::json;
use sqlx::types::Json;

use super::{ChangeError, Changeset, slug};
use crate::{
    db::DbError,
    domain::{AffiliateId, MetaData, affiliate::Profile},
};

/// Somebody who is to become an affiliate.
#[derive(Debug)]
pub struct NewAffiliate {
    pub firstname: String,
    pub lastname: String,
    pub email: Option<String>,
    pub password_hash: String,
    pub profile: Profile,
}

/// An affiliate who was not deleted, as far as changes look at one.
#[derive(Debug)]
pub(super) struct Living {
    pub(super) id: AffiliateId,
    /// The parent's public id.
    pub(super) parent: Option<String>,
    pub(super) group: Option<String>,
    pub(super) meta_data: MetaData,
}

/// The affiliate with that public id.
///
/// # Errors
/// [`ChangeError::NotFound`] where there is none any more.
pub(super) async fn living(change: &mut Changeset, slug: &str) -> Result<Living, ChangeError> {
    let row = sqlx::query!(
        r#"SELECT a.affiliate_id AS "id: AffiliateId", p.slug AS "parent?", a.group_id, a.profile AS "profile: Json<Profile>"
         FROM affiliates a LEFT JOIN affiliates p ON p.org_id = a.org_id AND p.affiliate_id = a.parent_id
         WHERE a.org_id = $1 AND a.slug = $2 AND a.deleted_at IS NULL"#,
        change.org().0,
        slug
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.living", error))?
    .ok_or(ChangeError::NotFound)?;
    Ok(Living {
        id: row.id,
        parent: row.parent,
        group: row.group_id,
        meta_data: row.profile.0.meta_data,
    })
}

/// Creates an affiliate, of no program yet. Returns the public id.
///
/// # Errors
/// [`ChangeError::Invalid`] where the e-mail is another living affiliate's, or a custom field is none of the organisation's or retired.
pub async fn create(change: &mut Changeset, new: &NewAffiliate) -> Result<String, ChangeError> {
    if let Some(email) = &new.email {
        must_be_free(change, email).await?;
    }
    if let Some(fields) = &new.profile.custom_fields {
        must_be_known(change, fields).await?;
    }
    let slug = slug::free(change, &new.firstname, &new.lastname).await?;
    let (org, now) = (change.org().0, change.author.now);
    sqlx::query!(
        "INSERT INTO affiliates (org_id, slug, firstname, lastname, email, profile, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        org,
        slug,
        new.firstname,
        new.lastname,
        new.email,
        Json(&new.profile) as _,
        new.password_hash,
        now
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.create", error))?;
    let after = json!({
        "firstname": new.firstname, "lastname": new.lastname, "email": new.email, "profile": new.profile,
    });
    change.note(
        "affiliate.create",
        &format!("affiliate/{slug}"),
        None,
        Some(after),
    );
    Ok(slug)
}

/// Deletes an affiliate: the codes and the e-mail are free, the children have no parent, and nothing is earned from now on.
/// Money stays, and names of what was earned can be read.
///
/// # Errors
/// [`ChangeError::NotFound`] where there is none any more.
pub async fn delete(change: &mut Changeset, slug: &str) -> Result<(), ChangeError> {
    let Living { id, .. } = living(change, slug).await?;
    let (org, now) = (change.org().0, change.author.now);
    let before = sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
             'firstname', a.firstname, 'lastname', a.lastname, 'email', a.email, 'group_id', a.group_id, 'profile', a.profile,
             'programs', (SELECT coalesce(jsonb_object_agg(p.slug, jsonb_build_object(
                     'approved', o.approved, 'coupon', o.coupon, 'referral_code', o.referral_code, 'asset_id', o.asset_id,
                     'source_id', o.source_id)), '{}')
                 FROM affiliations o JOIN programs p ON p.org_id = o.org_id AND p.program_id = o.program_id
                 WHERE o.org_id = a.org_id AND o.affiliate_id = a.affiliate_id)) AS "before!"
         FROM affiliates a WHERE a.org_id = $1 AND a.affiliate_id = $2"#,
        org,
        id.0
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.before", error))?;
    sqlx::query!(
        "UPDATE affiliates SET deleted_at = $3, password_hash = NULL WHERE org_id = $1 AND affiliate_id = $2",
        org,
        id.0,
        now
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.delete", error))?;
    sqlx::query!(
        "UPDATE affiliations
         SET approved = false, coupon = NULL, coupon_folded = NULL, referral_code = NULL, asset_id = NULL, source_id = NULL
         WHERE org_id = $1 AND affiliate_id = $2",
        org,
        id.0
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.free", error))?;
    orphan_children(change, id, slug).await?;
    change.note(
        "affiliate.delete",
        &format!("affiliate/{slug}"),
        Some(before),
        None,
    );
    Ok(())
}

async fn orphan_children(change: &mut Changeset, parent: AffiliateId, slug: &str) -> Result<(), DbError> {
    let org = change.org().0;
    let children = sqlx::query_scalar!(
        "UPDATE affiliates SET parent_id = NULL WHERE org_id = $1 AND parent_id = $2 RETURNING slug",
        org,
        parent.0
    )
    .fetch_all(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.orphan", error))?;
    for child in children {
        let (before, after) = (json!({"parent_id": slug}), json!({"parent_id": null}));
        change.note(
            "affiliate.parent",
            &format!("affiliate/{child}"),
            Some(before),
            Some(after),
        );
    }
    Ok(())
}

async fn must_be_free(change: &mut Changeset, email: &str) -> Result<(), ChangeError> {
    let org = change.org().0;
    let holder = sqlx::query_scalar!(
        "SELECT slug FROM affiliates WHERE org_id = $1 AND lower(email) = lower($2) AND deleted_at IS NULL LIMIT 1",
        org,
        email
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.email", error))?;
    match holder {
        Some(_) => Err(ChangeError::Invalid(format!(
            "email {email:?} is another affiliate's"
        ))),
        None => Ok(()),
    }
}

async fn must_be_known(change: &mut Changeset, fields: &MetaData) -> Result<(), ChangeError> {
    let (org, now) = (change.org().0, change.author.now);
    let names: Vec<String> = fields.keys().cloned().collect();
    let unknown = sqlx::query_scalar!(
        r#"SELECT name AS "name!" FROM unnest($2::text[]) AS name
         WHERE NOT EXISTS (SELECT FROM custom_fields f
                           WHERE f.org_id = $1 AND f.field_id = name AND (f.retired_at IS NULL OR f.retired_at > $3))
         LIMIT 1"#,
        org,
        &names,
        now
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("custom_fields.unknown", error))?;
    match unknown {
        Some(name) => Err(ChangeError::Invalid(format!(
            "custom_fields.{name} is no custom field"
        ))),
        None => Ok(()),
    }
}
