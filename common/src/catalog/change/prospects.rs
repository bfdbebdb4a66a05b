//! Affiliate prospects.

use rand::RngExt;
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{ChangeError, Changeset};
use crate::{
    db::DbError,
    domain::{ProgramId, prospect::ProspectProfile},
};

/// What a prospect is called at most in its id, before its number.
const MAX_SLUG: usize = 60;
/// Without what looks alike.
const CODE_ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
const CODE_LENGTH: usize = 7;
/// Of prospects that a shop enters by a call (seed: REST 1.6).
const BY_API: &str = "by-advertiser-api";

/// What a shop says of a new prospect.
#[derive(Clone, Debug)]
pub struct NewProspect {
    pub firstname: String,
    pub lastname: String,
    pub email: Option<String>,
    pub profile: ProspectProfile,
    /// The program's public id; `None`: the one that the key is bound to, else the default one.
    pub program: Option<String>,
    pub group: Option<String>,
}

struct Place {
    program: ProgramId,
    asset: Option<String>,
}

/// Makes a prospect, and returns its id. `scope` is the program that the caller's key is bound to.
///
/// # Errors
/// [`ChangeError::Invalid`] for a program that is not there or retired, a group that is not there, and an address that another prospect has, or when the
/// database does not answer.
pub async fn create(
    change: &mut Changeset,
    scope: Option<ProgramId>,
    new: &NewProspect,
) -> Result<String, ChangeError> {
    let place = place(change, scope, new.program.as_deref()).await?;
    check_group(change, new.group.as_deref()).await?;
    check_email(change, new.email.as_deref()).await?;
    let slug = free_slug(change, &slug_base(&new.firstname, &new.lastname)).await?;
    let code = free_code(change).await?;
    let source = place.asset.as_ref().map(|_| code.clone());
    let (org, now) = (change.org(), change.author.now);
    sqlx::query!(
        "INSERT INTO prospects (org_id, slug, program_id, group_id, firstname, lastname, email, profile, referral_code,
                                asset_id, source_id, signup_source, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        org.0,
        &slug,
        place.program.0,
        new.group.as_deref(),
        &new.firstname,
        &new.lastname,
        new.email.as_deref(),
        Json(&new.profile) as _,
        &code,
        place.asset.as_deref(),
        source.as_deref(),
        BY_API,
        now
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("prospects.create", error))?;
    let after = json!({"firstname": new.firstname, "lastname": new.lastname, "email": new.email, "referral_code": code});
    change.note("prospect.create", &subject(&slug), None, Some(after));
    Ok(slug)
}

/// Removes a prospect.
///
/// # Errors
/// [`ChangeError::NotFound`], or when the database does not answer.
pub async fn delete(change: &mut Changeset, scope: Option<ProgramId>, slug: &str) -> Result<(), ChangeError> {
    let org = change.org();
    let before: Option<Value> = sqlx::query_scalar!(
        r#"DELETE FROM prospects
         WHERE org_id = $1 AND slug = $2 AND ($3::bigint IS NULL OR program_id = $3)
         RETURNING jsonb_build_object('firstname', firstname, 'lastname', lastname, 'email', email,
                                      'referral_code', referral_code) AS "before!""#,
        org.0,
        slug,
        scope.map(|program| program.0)
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("prospects.delete", error))?;
    let before = before.ok_or(ChangeError::NotFound)?;
    change.note("prospect.delete", &subject(slug), Some(before), None);
    Ok(())
}

fn subject(slug: &str) -> String {
    format!("prospect/{slug}")
}

/// Where the prospect's link leads.
async fn place(
    change: &mut Changeset,
    scope: Option<ProgramId>,
    program: Option<&str>,
) -> Result<Place, ChangeError> {
    let (org, now) = (change.org(), change.author.now);
    let found = sqlx::query!(
        r#"SELECT p.program_id AS "program: ProgramId",
                (SELECT min(s.asset_id) FROM program_assets s
                  WHERE s.org_id = p.org_id AND s.program_id = p.program_id) AS asset,
                coalesce(p.retired_at <= $4, false) AS "retired!"
         FROM programs p
         WHERE p.org_id = $1
             AND CASE WHEN $2::text IS NOT NULL THEN p.slug = $2
                      WHEN $3::bigint IS NOT NULL THEN p.program_id = $3
                      ELSE p.is_default END
             AND ($3::bigint IS NULL OR p.program_id = $3)"#,
        org.0,
        program,
        scope.map(|program| program.0),
        now
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("prospects.program", error))?;
    match (found, program) {
        (Some(found), _) if found.retired => Err(ChangeError::Invalid(
            "program_id is that of a retired program".to_owned(),
        )),
        (Some(found), _) => Ok(Place {
            program: found.program,
            asset: found.asset,
        }),
        (None, Some(program)) => Err(ChangeError::Invalid(format!(
            "program_id {program:?} is not known"
        ))),
        (None, None) => Err(ChangeError::Invalid(
            "program_id is required: no program is the default one".to_owned(),
        )),
    }
}

async fn check_group(change: &mut Changeset, group: Option<&str>) -> Result<(), ChangeError> {
    let Some(group) = group else { return Ok(()) };
    let org = change.org();
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM affiliate_groups WHERE org_id = $1 AND group_id = $2) AS "exists!""#,
        org.0,
        group
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("prospects.group", error))?;
    if exists {
        return Ok(());
    }
    Err(ChangeError::Invalid(format!(
        "affiliate_group_id {group:?} is not known"
    )))
}

async fn check_email(change: &mut Changeset, email: Option<&str>) -> Result<(), ChangeError> {
    let Some(email) = email else { return Ok(()) };
    let org = change.org();
    let holder = sqlx::query_scalar!(
        "SELECT slug FROM prospects WHERE org_id = $1 AND lower(email) = lower($2)",
        org.0,
        email
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("prospects.email", error))?;
    // Not whose it is: a key that is bound to a program may not see that prospect.
    match holder {
        Some(_) => Err(ChangeError::Invalid(format!(
            "email {email:?} belongs to another prospect"
        ))),
        None => Ok(()),
    }
}

/// Both names in small Latin letters and digits.
fn slug_base(firstname: &str, lastname: &str) -> String {
    let names = deunicode::deunicode(&format!("{firstname}{lastname}"));
    let letters = names.chars().filter(char::is_ascii_alphanumeric);
    let base: String = letters
        .map(|letter| letter.to_ascii_lowercase())
        .take(MAX_SLUG)
        .collect();
    if base.is_empty() {
        "prospect".to_owned()
    } else {
        base
    }
}

/// `base`, or with the number behind the highest where it is taken. `base` has nothing that a pattern could mean.
async fn free_slug(change: &mut Changeset, base: &str) -> Result<String, DbError> {
    let org = change.org();
    sqlx::query_scalar!(
        r#"SELECT $2::text || CASE WHEN bool_or(slug = $2)
                THEN (coalesce(max(nullif(substr(slug, length($2) + 1), '')::bigint), 1) + 1)::text
                ELSE '' END AS "slug!"
         FROM prospects WHERE org_id = $1 AND slug ~ ('^' || $2 || '[0-9]{0,9}$')"#,
        org.0,
        base
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("prospects.slug", error))
}

/// A referral code that nobody has, and that is no affiliate's id, which serves as one.
async fn free_code(change: &mut Changeset) -> Result<String, DbError> {
    let org = change.org();
    loop {
        let code = random_code();
        let is_taken = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM prospects WHERE org_id = $1 AND referral_code = $2)
                 OR EXISTS (SELECT FROM affiliations WHERE org_id = $1 AND referral_code = $2)
                 OR EXISTS (SELECT FROM affiliates WHERE org_id = $1 AND slug = $2) AS "taken!""#,
            org.0,
            &code
        )
        .fetch_one(change.connection())
        .await
        .map_err(|error| DbError::new("prospects.code", error))?;
        if !is_taken {
            return Ok(code);
        }
    }
}

fn random_code() -> String {
    let mut random = rand::rng();
    let letter = |_| CODE_ALPHABET.get(random.random_range(0..CODE_ALPHABET.len()));
    (0..CODE_LENGTH)
        .filter_map(letter)
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_names() {
        for (first, last, want) in [
            ("Peter", "Prospect", "peterprospect"),
            ("Jürgen", "O'Neill 3rd", "jurgenoneill3rd"),
            ("…", "!", "prospect"),
        ] {
            assert_eq!(slug_base(first, last), want);
        }
        assert_eq!(slug_base(&"a".repeat(255), "b").len(), MAX_SLUG);
        assert_eq!(random_code().len(), CODE_LENGTH);
    }
}
