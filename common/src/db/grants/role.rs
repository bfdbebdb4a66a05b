//! The roles by name, and how the lists of [`super::privileges`] are read.

use super::privileges::Object;

/// A process with a role of its own in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum DatabaseRole {
    Ingest,
    Worker,
    Api,
}

/// What the roles are called in this server.
#[derive(Clone, Debug, clap::Args)]
pub struct RoleNames {
    /// The role of ingest.
    #[arg(long, env = "COMMISSARY_INGEST_ROLE", default_value = "commissary_ingest", value_name = "NAME", value_parser = role_name)]
    pub ingest_role: String,
    /// The role of workers.
    #[arg(long, env = "COMMISSARY_WORKER_ROLE", default_value = "commissary_worker", value_name = "NAME", value_parser = role_name)]
    pub worker_role: String,
    /// The role of the api.
    #[arg(long, env = "COMMISSARY_API_ROLE", default_value = "commissary_api", value_name = "NAME", value_parser = role_name)]
    pub api_role: String,
}

impl RoleNames {
    pub fn of(&self, role: DatabaseRole) -> &str {
        match role {
            DatabaseRole::Ingest => &self.ingest_role,
            DatabaseRole::Worker => &self.worker_role,
            DatabaseRole::Api => &self.api_role,
        }
    }
}

/// Longest name of a role in PostgreSQL, in bytes.
const MAX_NAME_BYTES: usize = 63;

/// The names become parts of statements: of letters, digits, `_` and `-`.
fn role_name(name: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(is_plain) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "a role's name has 1 to {MAX_NAME_BYTES} letters, digits, '_' and '-'"
        ))
    }
}

/// What `role` may do with an object, as it is declared.
pub(super) fn declared(object: &Object, role: DatabaseRole) -> &'static str {
    let [ingest, worker, api] = object.1;
    match role {
        DatabaseRole::Ingest => ingest,
        DatabaseRole::Worker => worker,
        DatabaseRole::Api => api,
    }
}

/// One privilege.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Privilege {
    /// Such as `select`.
    pub(super) verb: &'static str,
    /// Empty: all.
    pub(super) columns: Vec<&'static str>,
}

/// The privileges of a list such as `select (a, b), delete`.
pub(super) fn privileges(mut list: &'static str) -> Vec<Privilege> {
    let mut all = Vec::new();
    while !list.trim().is_empty() {
        let end = list.find([',', '(']).unwrap_or(list.len());
        let (verb, rest) = list.split_at(end);
        let (columns, rest) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((columns, rest)) => (columns.split(',').map(str::trim).collect(), rest),
            None => (Vec::new(), rest),
        };
        all.push(Privilege {
            verb: verb.trim(),
            columns,
        });
        list = rest.trim_start().trim_start_matches(',');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_its_columns() {
        let verbs = |list| -> Vec<(&str, Vec<&str>)> {
            privileges(list)
                .into_iter()
                .map(|one| (one.verb, one.columns))
                .collect()
        };
        assert_eq!(verbs(""), []);
        assert_eq!(
            verbs("select (a, b), insert, update (c), delete"),
            [
                ("select", vec!["a", "b"]),
                ("insert", vec![]),
                ("update", vec!["c"]),
                ("delete", vec![])
            ]
        );
    }

    #[test]
    fn a_name_that_could_end_a_statement_is_none() {
        assert_eq!(role_name("shop-ingest_2"), Ok("shop-ingest_2".to_owned()));
        for wrong in ["", "a b", "a\"b", "a;b", "$grants$", &"a".repeat(64)] {
            assert!(role_name(wrong).is_err(), "{wrong}");
        }
    }
}
