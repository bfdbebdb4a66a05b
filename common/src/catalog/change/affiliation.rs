//! Affiliates join programs, get coupons and are approved there.

use serde_json::{Value, json};

use super::{
    ChangeError, Changeset,
    affiliate::{Living, living},
    referral_code,
};
use crate::{
    db::DbError,
    domain::{AffiliateId, ProgramId, fold_coupon},
};

/// An affiliate who joins a program.
#[derive(Debug)]
pub struct NewAffiliation<'a> {
    /// The affiliate's public id.
    pub affiliate: &'a str,
    /// `None`: somebody is to decide it.
    pub approved: Option<bool>,
    pub coupon: Option<&'a str>,
}

/// Lets an affiliate take part in a program, with a referral code that nobody has.
///
/// # Errors
/// [`ChangeError::Invalid`] for an affiliate who is not there or takes part already, for a coupon that somebody has, and for a
/// program that is retired.
pub async fn create(
    change: &mut Changeset,
    program: ProgramId,
    new: &NewAffiliation<'_>,
) -> Result<(), ChangeError> {
    let slug = new.affiliate;
    let Living { id, .. } = living(change, slug).await.map_err(|error| match error {
        ChangeError::NotFound => ChangeError::Invalid(format!("affiliate.id {slug:?} is unknown")),
        error => error,
    })?;
    let at = (program, id);
    must_not_be_retired(change, program).await?;
    if let Some(coupon) = new.coupon {
        must_be_free(change, at, coupon).await?;
    }
    let code = referral_code::free(change).await?;
    let (org, now) = (change.org().0, change.author.now);
    let created = sqlx::query!(
        "INSERT INTO affiliations
             (org_id, program_id, affiliate_id, approved, coupon, coupon_folded, referral_code, applied_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT affiliations_pkey DO NOTHING",
        org,
        program.0,
        id.0,
        new.approved,
        new.coupon,
        new.coupon.map(fold_coupon),
        code,
        now
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.create", error))?;
    if created.rows_affected() == 0 {
        return Err(ChangeError::Invalid(format!(
            "affiliate {slug:?} takes part in the program already"
        )));
    }
    let after = json!({"approved": new.approved, "coupon": new.coupon, "referral_code": code});
    note(change, "affiliation.create", at, slug, None, after).await
}

/// Changes the coupon.
///
/// # Errors
/// [`ChangeError::NotFound`] for one who takes no part, [`ChangeError::Invalid`] for a coupon that somebody has.
pub async fn set_coupon(
    change: &mut Changeset,
    program: ProgramId,
    affiliate: &str,
    coupon: &str,
) -> Result<(), ChangeError> {
    let Part {
        at, coupon: before, ..
    } = part(change, program, affiliate).await?;
    must_be_free(change, at, coupon).await?;
    let org = change.org().0;
    sqlx::query!(
        "UPDATE affiliations SET coupon = $4, coupon_folded = $5
         WHERE org_id = $1 AND program_id = $2 AND affiliate_id = $3",
        org,
        program.0,
        at.1.0,
        coupon,
        fold_coupon(coupon)
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.set_coupon", error))?;
    let before = json!({"coupon": before});
    note(
        change,
        "affiliation.coupon",
        at,
        affiliate,
        Some(before),
        json!({"coupon": coupon}),
    )
    .await
}

/// Approves or disapproves: only who is approved earns from now on.
///
/// # Errors
/// [`ChangeError::NotFound`] for one who takes no part.
pub async fn set_approved(
    change: &mut Changeset,
    program: ProgramId,
    affiliate: &str,
    approved: bool,
) -> Result<(), ChangeError> {
    let Part {
        at, approved: before, ..
    } = part(change, program, affiliate).await?;
    let org = change.org().0;
    sqlx::query!(
        "UPDATE affiliations SET approved = $4 WHERE org_id = $1 AND program_id = $2 AND affiliate_id = $3",
        org,
        program.0,
        at.1.0,
        approved
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.set_approved", error))?;
    let before = json!({"approved": before});
    note(
        change,
        "affiliation.approved",
        at,
        affiliate,
        Some(before),
        json!({"approved": approved}),
    )
    .await
}

/// What an affiliation is before a change.
struct Part {
    at: (ProgramId, AffiliateId),
    approved: Option<bool>,
    coupon: Option<String>,
}

async fn part(change: &mut Changeset, program: ProgramId, affiliate: &str) -> Result<Part, ChangeError> {
    let Living { id, .. } = living(change, affiliate).await?;
    let org = change.org().0;
    let row = sqlx::query!(
        "SELECT approved, coupon FROM affiliations WHERE org_id = $1 AND program_id = $2 AND affiliate_id = $3",
        org,
        program.0,
        id.0
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.part", error))?
    .ok_or(ChangeError::NotFound)?;
    Ok(Part {
        at: (program, id),
        approved: row.approved,
        coupon: row.coupon,
    })
}

/// Nobody new takes part in a program that is retired.
async fn must_not_be_retired(change: &mut Changeset, program: ProgramId) -> Result<(), ChangeError> {
    let (org, now) = (change.org().0, change.author.now);
    let retired = sqlx::query_scalar!(
        "SELECT slug FROM programs WHERE org_id = $1 AND program_id = $2 AND retired_at <= $3",
        org,
        program.0,
        now
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("programs.retired", error))?;
    match retired {
        Some(slug) => Err(ChangeError::Invalid(format!("program {slug:?} is retired"))),
        None => Ok(()),
    }
}

/// A coupon finds one affiliation of the organisation.
async fn must_be_free(
    change: &mut Changeset,
    (program, affiliate): (ProgramId, AffiliateId),
    coupon: &str,
) -> Result<(), ChangeError> {
    let org = change.org().0;
    let taken = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM affiliations WHERE org_id = $1 AND coupon_folded = $2
             AND (program_id, affiliate_id) <> ($3, $4)) AS "taken!""#,
        org,
        fold_coupon(coupon),
        program.0,
        affiliate.0
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.taken", error))?;
    if taken {
        return Err(ChangeError::Invalid(format!("coupon {coupon:?} is taken")));
    }
    Ok(())
}

async fn note(
    change: &mut Changeset,
    action: &str,
    (program, _): (ProgramId, AffiliateId),
    affiliate: &str,
    before: Option<Value>,
    after: Value,
) -> Result<(), ChangeError> {
    let org = change.org().0;
    let program = sqlx::query_scalar!(
        "SELECT slug FROM programs WHERE org_id = $1 AND program_id = $2",
        org,
        program.0
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("programs.slug", error))?;
    change.note(
        action,
        &format!("affiliation/{program}/{affiliate}"),
        before,
        Some(after),
    );
    Ok(())
}
