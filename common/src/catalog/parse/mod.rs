//! From the text of a catalog file to what it declares. What can be said about a field alone is checked here, what
//! needs other things of the file in `check`.

mod affiliate;
mod json;
mod key;
mod org;
mod program;
mod rate;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use toml::de::DeTable;

use super::{
    check,
    fields::Fields,
    file::CatalogFile,
    problem::{CatalogError, Problems},
};

/// Reads and checks a catalog file.
///
/// # Errors
/// Everything that is wrong with it, each with its line. In a file that is not TOML, only where it is not.
pub fn parse(text: &str) -> Result<CatalogFile, CatalogError> {
    let problems = Problems::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let message = match (error.message(), text.get(span.clone())) {
                // Only of keys: what stands elsewhere may be a secret.
                ("duplicate key", Some(key)) => format!("duplicate key {key:?}"),
                (message, _) => message.to_owned(),
            };
            problems.add(&span, message);
        }
        return problems.finish(CatalogFile { orgs: Vec::new() });
    }
    let mut fields = Fields::new("the file".to_owned(), 0..0, document.get_ref(), &problems);
    let orgs: Vec<_> = fields
        .things("orgs", |id| format!("org {id:?}"))
        .into_iter()
        .map(|(id, fields)| org::parse(id, fields))
        .collect();
    fields.close();
    let file = CatalogFile { orgs };
    check::check(&file, &problems);
    problems.finish(file)
}

/// Reads and checks what `declared` says of the organisation `org`, in the words of a catalog file.
///
/// # Errors
/// As [`parse`].
pub fn parse_org(org: &str, declared: &Map<String, Value>) -> Result<CatalogFile, CatalogError> {
    parse(&json::file_of(org, declared))
}
