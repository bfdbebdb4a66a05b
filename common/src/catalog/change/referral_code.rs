//! Referral codes for affiliates who join a program.

use rand::seq::IndexedRandom as _;

use super::Changeset;
use crate::db::DbError;

/// Without letters and digits that look alike.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
const LENGTH: usize = 7;
/// Of 31^7 codes hardly any is taken: that all of these are does not happen.
const CANDIDATES: usize = 8;

/// A code that leads nowhere yet, in no organisation: clicks without a key look for theirs in all.
pub(super) async fn free(change: &mut Changeset) -> Result<String, DbError> {
    let candidates: Vec<String> = (0..CANDIDATES).map(|_| random()).collect();
    sqlx::query_scalar!(
        r#"SELECT code AS "code!" FROM unnest($1::text[]) AS code
         WHERE NOT EXISTS (SELECT FROM affiliations WHERE referral_code = code)
             AND NOT EXISTS (SELECT FROM affiliates WHERE slug = code)
         LIMIT 1"#,
        &candidates
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("affiliations.free_code", error))
}

fn random() -> String {
    let mut random = rand::rng();
    let letters = (0..LENGTH).filter_map(|_| LETTERS.choose(&mut random).copied());
    letters.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short() {
        let code = random();
        assert!(
            code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter)),
            "{code}"
        );
    }
}
