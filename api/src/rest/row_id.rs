//! The id of a row in a path: its number, or its public id such as `cv_…`.

use common::domain::{PublicId, PublicIdKind};

/// The number of the row that a path names. `None`: there can be no such row.
pub(crate) fn number_of(id: &str, kind: PublicIdKind) -> Option<i64> {
    let by_name = || PublicId::parse(kind, id).map(|id| id.number);
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    let by_number = is_number.then(|| id.parse().ok()).flatten();
    by_number.or_else(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_two_names() {
        let name = PublicId::new(PublicIdKind::Commission, 7).to_string();
        assert_eq!(number_of("7", PublicIdKind::Commission), Some(7));
        assert_eq!(number_of(&name, PublicIdKind::Commission), Some(7));
        for id in [
            "abc",
            "",
            "cm_none",
            "7.0",
            "+7",
            "07",
            "0",
            "99999999999999999999",
        ] {
            assert_eq!(number_of(id, PublicIdKind::Commission), None, "{id}");
        }
        assert_eq!(number_of(&name, PublicIdKind::Conversion), None);
    }
}
