//! The public id of a new affiliate: its names in Latin letters, with a number where they are taken.

use deunicode::deunicode;

use super::Changeset;
use crate::db::DbError;

/// Characters of an id before its number.
const MAX_LENGTH: usize = 60;
/// For names of which no letter has a Latin one.
const NAMELESS: &str = "affiliate";

/// An id that no affiliate has, not even one who was deleted, and that is nobody's referral code: it will serve as one.
pub(super) async fn free(change: &mut Changeset, firstname: &str, lastname: &str) -> Result<String, DbError> {
    // One more candidate than are taken.
    sqlx::query_scalar!(
        r#"WITH taken AS (
             SELECT slug AS id FROM affiliates WHERE org_id = $1 AND starts_with(slug, $2)
             UNION
             SELECT referral_code FROM affiliations WHERE org_id = $1 AND starts_with(referral_code, $2)
         )
         SELECT candidate AS "id!"
         FROM generate_series(1, 1 + (SELECT count(*) FROM taken)) AS n,
             LATERAL (SELECT $2 || CASE WHEN n = 1 THEN '' ELSE n::text END AS candidate) named
         WHERE candidate NOT IN (SELECT id FROM taken)
         ORDER BY n LIMIT 1"#,
        change.org().0,
        base(firstname, lastname)
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.free_slug", error))
}

fn base(firstname: &str, lastname: &str) -> String {
    let letters: String = [firstname, lastname]
        .iter()
        .flat_map(|name| deunicode(name).chars().collect::<Vec<_>>())
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .take(MAX_LENGTH)
        .collect();
    if letters.is_empty() {
        NAMELESS.to_owned()
    } else {
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_become_ids() {
        for (firstname, lastname, want) in [
            ("Ramone", "Referra", "ramonereferra"),
            ("José-María", "O'Müller", "josemariaomuller"),
            ("Анна", "Иванова", "annaivanova"),
            ("!", "\u{e000}", NAMELESS),
        ] {
            assert_eq!(base(firstname, lastname), want);
        }
        assert_eq!(base(&"a".repeat(300), "b").len(), MAX_LENGTH);
    }
}
