//! The programs and affiliates that filters name.

use crate::db::{Connection, DbError};
use crate::domain::OrgId;

/// Nothing can be chosen.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    #[error("program {0:?} is not known")]
    UnknownProgram(String),
    #[error("affiliate {0:?} is not known")]
    UnknownAffiliate(String),
    #[error("more than {0} conversions match: restrict them further, such as by from and to")]
    TooMany(u32),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Numbers of what is named; `None`: it is not restricted to one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) program: Option<i64>,
    pub(crate) affiliate: Option<i64>,
}

/// The program and the affiliate with these slugs.
///
/// # Errors
/// When one is not known: a slip must not look like "nothing matches".
pub(crate) async fn named(
    conn: &mut Connection,
    org: OrgId,
    program: Option<&str>,
    affiliate: Option<&str>,
) -> Result<Named, SelectError> {
    let found = sqlx::query!(
        "SELECT (SELECT program_id FROM programs WHERE org_id = $1 AND slug = $2) AS program,
                (SELECT affiliate_id FROM affiliates WHERE org_id = $1 AND slug = $3) AS affiliate",
        org.0,
        program,
        affiliate
    )
    .fetch_one(conn)
    .await
    .map_err(|error| DbError::new("bulk.named", error))?;
    match (program, affiliate) {
        (Some(slug), _) if found.program.is_none() => Err(SelectError::UnknownProgram(slug.to_owned())),
        (_, Some(slug)) if found.affiliate.is_none() => Err(SelectError::UnknownAffiliate(slug.to_owned())),
        _ => Ok(Named {
            program: found.program,
            affiliate: found.affiliate,
        }),
    }
}
