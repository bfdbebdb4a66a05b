//! The conditions of a list: what its filter asks for, as SQL with bound values.
//!
//! Each combination of filters is a statement of its own, put together at run time, which the macros of sqlx cannot check: here
//! the text comes from constants alone, so that a value can only be bound. What is asked for is all that the planner sees.

use sqlx::{Arguments as _, Encode, Postgres, QueryBuilder, Type, postgres::PgArguments};

use crate::domain::OrgId;

/// Conditions that must all hold. The values are `$1`, `$2` … in the order in which the conditions came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    sql: String,
    values: PgArguments,
    /// Of these one must hold, too, where there are any; no row fulfils two of them.
    parts: Vec<String>,
}

impl Conditions {
    /// `column` is the organisation, which is `$1`: later conditions and the rest of the statement may name it.
    pub(crate) fn of_org(column: &'static str, org: OrgId) -> Self {
        Self::default().equals(column, Some(org.0))
    }

    /// A condition without a value.
    pub(crate) fn and(mut self, sql: &'static str) -> Self {
        self.push(sql);
        self
    }

    /// A condition without a value, where it is asked for.
    pub(crate) fn and_some(self, sql: Option<&'static str>) -> Self {
        match sql {
            Some(sql) => self.and(sql),
            None => self,
        }
    }

    /// A condition on a value, where one is given: `{}` stands for it.
    pub(crate) fn given<'v, T>(mut self, sql: &'static str, value: Option<T>) -> Self
    where
        T: Encode<'v, Postgres> + Type<Postgres>,
    {
        if let Some(value) = value {
            let value = self.bind(value);
            self.push(&sql.replace("{}", &value));
        }
        self
    }

    /// A condition on two values, where both are given: `{0}` and `{1}` stand for them.
    pub(crate) fn given_both<'v, T, U>(mut self, sql: &'static str, values: Option<(T, U)>) -> Self
    where
        T: Encode<'v, Postgres> + Type<Postgres>,
        U: Encode<'v, Postgres> + Type<Postgres>,
    {
        if let Some((first, second)) = values {
            let (first, second) = (self.bind(first), self.bind(second));
            self.push(&sql.replace("{0}", &first).replace("{1}", &second));
        }
        self
    }

    /// `column` has the value, where one is given.
    pub(crate) fn equals<'v, T>(mut self, column: &'static str, value: Option<T>) -> Self
    where
        T: Encode<'v, Postgres> + Type<Postgres>,
    {
        if let Some(value) = value {
            let value = self.bind(value);
            self.push(&format!("{column} = {value}"));
        }
        self
    }

    /// `column` is the program of the organisation with that slug, where one is given.
    pub(crate) fn in_program(mut self, column: &'static str, slug: Option<&str>) -> Self {
        if let Some(slug) = slug {
            let slug = self.bind(slug);
            self.push(&format!(
                "{column} = (SELECT p.program_id FROM programs p WHERE p.org_id = $1 AND p.slug = {slug})"
            ));
        }
        self
    }

    /// `column` is the affiliate of the organisation with that slug, where one is given.
    pub(crate) fn of_affiliate(mut self, column: &'static str, slug: Option<&str>) -> Self {
        if let Some(slug) = slug {
            let slug = self.bind(slug);
            self.push(&format!(
                "{column} = (SELECT a.affiliate_id FROM affiliates a WHERE a.org_id = $1 AND a.slug = {slug})"
            ));
        }
        self
    }

    /// Conditions on a value, `{}`, which all hold in one part of the rows: there are several, and no row is in two. An index can be
    /// walked through each part by itself.
    pub(crate) fn in_part<'v, T>(mut self, sql: &[&'static str], value: T) -> Self
    where
        T: Encode<'v, Postgres> + Type<Postgres>,
    {
        let value = self.bind(value);
        self.parts.push(sql.join(" AND ").replace("{}", &value));
        self
    }

    /// The conditions of each part, one at least.
    pub(crate) fn each_part(&self) -> Vec<String> {
        let sql = if self.sql.is_empty() { "true" } else { &self.sql };
        if self.parts.is_empty() {
            return vec![sql.to_owned()];
        }
        let parts = self.parts.iter();
        parts.map(|part| format!("{sql} AND {part}")).collect()
    }

    /// A statement of `before`, which ends with `WHERE `, and the conditions, which are in one part: more may be added to it.
    pub(crate) fn statement(&self, before: &str) -> QueryBuilder<Postgres> {
        let sql = self.each_part().join(" OR ");
        self.query(format!("{before}{sql}"))
    }

    /// A statement that names the values.
    pub(crate) fn query(&self, sql: String) -> QueryBuilder<Postgres> {
        QueryBuilder::with_arguments(sql, self.values.clone())
    }

    fn push(&mut self, sql: &str) {
        if !self.sql.is_empty() {
            self.sql.push_str(" AND ");
        }
        self.sql.push_str(sql);
    }

    /// The value's place in the statement.
    #[expect(
        clippy::expect_used,
        reason = "numbers, texts, times and lists of them can always be encoded"
    )]
    pub(crate) fn bind<'v, T>(&mut self, value: T) -> String
    where
        T: Encode<'v, Postgres> + Type<Postgres>,
    {
        self.values.add(value).expect("a value that can be encoded");
        format!("${}", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_restricts() {
        let none = Conditions::default().given("a < {}", None::<i64>).and_some(None);
        assert_eq!(
            none.statement("SELECT 1 WHERE ").sql().as_str(),
            "SELECT 1 WHERE true"
        );
        let some = Conditions::of_org("k.org_id", OrgId(7))
            .and("k.deleted_at IS NULL")
            .equals("k.click_id", None::<i64>)
            .given("(k.a = {} OR k.b = {})", Some("x"))
            .given_both("k.c ->> {0} = {1}", Some(("key", "value")))
            .in_program("k.program_id", Some("johns"))
            .of_affiliate("k.affiliate_id", None);
        let parts = some
            .clone()
            .in_part(&["k.d = {}", "k.e"], 1)
            .in_part(&["k.d = {}"], 2);
        let parts: Vec<_> = parts.each_part();
        assert!(
            parts[0].ends_with(" AND k.d = $6 AND k.e") && parts[1].ends_with(" AND k.d = $7"),
            "{parts:?}"
        );
        assert_eq!(
            some.statement("SELECT FROM clicks k WHERE ")
                .push(" LIMIT ")
                .push_bind(9_i64)
                .sql()
                .as_str(),
            "SELECT FROM clicks k WHERE k.org_id = $1 AND k.deleted_at IS NULL AND (k.a = $2 OR k.b = $2) AND k.c ->> $3 = $4 \
             AND k.program_id = (SELECT p.program_id FROM programs p WHERE p.org_id = $1 AND p.slug = $5) LIMIT $6"
        );
    }
}
