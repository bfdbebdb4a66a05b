//! From the text of a catalog file to what it declares. What can be said about a field alone is checked here, what
//! needs other things of the file in `check`.

mod affiliate;
mod key;
mod org;
mod program;
mod rate;
mod request;

#[cfg(test)]
mod tests;

use std::fmt;

use toml::de::DeTable;

pub use request::parse_org;

use super::{
    check,
    fields::Fields,
    file::{CatalogFile, Org},
    known::KnownOrgs,
    overlay,
    problem::{Against, CatalogError, Problems},
};

/// A catalog file as far as it can be read without a database: what it leaves out of a thing that exists, the database says.
#[derive(Clone)]
pub struct Declaration {
    text: String,
    /// Read by itself.
    outline: CatalogFile,
}

/// Without the keys in clear and the secrets that the text may have.
impl fmt::Debug for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outline.fmt(f)
    }
}

/// Reads a catalog file and checks what can be checked without a database.
///
/// # Errors
/// Everything that is wrong with it, each with its line. In a file that is not TOML, only where it is not.
pub fn parse(text: &str) -> Result<Declaration, CatalogError> {
    let problems = Problems::new(text, Against::Nothing);
    let declaration = read_with(text, &problems);
    problems.finish(declaration)
}

/// Reads a catalog file whose mistakes [`Declaration::resolve`] is to find, or [`parse`] has found.
pub(super) fn read(text: &str) -> Declaration {
    read_with(text, &Problems::new(text, Against::Nothing))
}

fn read_with(text: &str, problems: &Problems<'_>) -> Declaration {
    let document = document(text, problems);
    Declaration {
        text: text.to_owned(),
        outline: document.map_or_else(CatalogFile::default, |document| catalog(&document, problems)),
    }
}

impl Declaration {
    /// What the file declares, read by itself.
    pub(super) fn outline(&self) -> &CatalogFile {
        &self.outline
    }

    /// The affiliates that it is about in the organisation `org`.
    pub(super) fn affiliates_named(&self, org: &str) -> Vec<String> {
        let orgs = self.outline.orgs.iter();
        let named = orgs.filter(|one| one.id.get_ref() == org);
        named.flat_map(Org::affiliates_named).collect()
    }

    /// What the things of the file are to be, where `known` says what they are.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each with its line.
    pub(super) fn resolve(&self, known: &KnownOrgs) -> Result<CatalogFile, CatalogError> {
        let problems = Problems::new(&self.text, Against::Database);
        let below = overlay::text(known);
        let (below, _unreadable) = DeTable::parse_recoverable(&below);
        let mut file = CatalogFile::default();
        if let Some(mut document) = document(&self.text, &problems) {
            overlay::lay(&mut document, below.get_ref());
            file = catalog(&document, &problems);
        }
        file = problems.finish(file)?;
        file.keep_declared();
        file.keep_free_data(known);
        Ok(file)
    }
}

/// Nothing when it is not TOML.
fn document<'a>(text: &'a str, problems: &Problems<'_>) -> Option<DeTable<'a>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = match (error.message(), text.get(span.clone())) {
            // Only of keys: what stands elsewhere may be a secret.
            ("duplicate key", Some(key)) => format!("duplicate key {key:?}"),
            (message, _) => message.to_owned(),
        };
        problems.add(&span, message);
    }
    errors.is_empty().then(|| document.into_inner())
}

fn catalog(document: &DeTable<'_>, problems: &Problems<'_>) -> CatalogFile {
    let mut fields = Fields::new("the file".to_owned(), 0..0, document, problems);
    let orgs: Vec<_> = fields
        .things("orgs", |id| format!("org {id:?}"))
        .into_iter()
        .map(|(id, fields)| org::parse(id, fields))
        .collect();
    fields.close_whole();
    let file = CatalogFile { orgs };
    check::check(&file, problems);
    file
}
