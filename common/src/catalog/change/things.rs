//! Things of the catalog, such as programs and their rules, in the words of the catalog file: read by the reader of files, checked
//! by its checks and written by its writer. What a request leaves out stays, what it sends as null is cleared.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{ChangeError, Changeset};
use crate::{
    catalog::{
        known::{self, KnownOrg, Pixels, Which, versions},
        parse,
        problem::CatalogError,
        toml_text,
        write::{self, SyncError},
    },
    db::{Connection, DbError},
    domain::OrgId,
};

/// Where a thing stands among the tables of its organisation: `["programs", "partners", "types", "standard"]`; the organisation
/// itself stands at `[]`.
pub type Place<'a> = [&'a str];

/// A thing and its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub id: String,
    pub fields: Map<String, Value>,
}

/// The thing at `place`, with its `versions` if it is a rule. Secrets are none of its fields.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    connection: &mut Connection,
    org: OrgId,
    place: &Place<'_>,
) -> Result<Option<Map<String, Value>>, DbError> {
    let known = known::load(connection, org, &named(place), Pixels::WithoutSecrets).await?;
    let Some(mut fields) = step(&known, place) else {
        return Ok(None);
    };
    let versions = match place {
        ["programs", program] => versions::of_program(connection, org, program).await?,
        ["programs", program, "types", id] => versions::of_type(connection, org, program, id).await?,
        ["programs", program, "levels", id] => versions::of_level(connection, org, program, id).await?,
        ["affiliates", affiliate, "programs", program] => {
            versions::of_own_rate(connection, org, affiliate, program).await?
        }
        _ => return Ok(Some(fields)),
    };
    fields.insert("versions".to_owned(), versions.into());
    Ok(Some(fields))
}

/// The things of a table such as `programs`, in the order in which they were made, rules in the order of their ids. `None`: what
/// they are to be of is not there.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    connection: &mut Connection,
    org: OrgId,
    place: &Place<'_>,
) -> Result<Option<Vec<Found>>, DbError> {
    let known = known::load(connection, org, &named(place), Pixels::WithoutSecrets).await?;
    let found = |id: &str, fields: &Map<String, Value>| Found {
        id: id.to_owned(),
        fields: fields.clone(),
    };
    let top = |things: &[known::Known]| Some(things.iter().map(|one| found(&one.id, &one.fields)).collect());
    match place {
        ["programs"] => return Ok(top(&known.programs)),
        ["custom_fields"] => return Ok(top(&known.custom_fields)),
        ["pixel_keys"] => return Ok(top(&known.pixel_keys)),
        _ => {}
    }
    let Some(table) = step(&known, place) else {
        return Ok(None);
    };
    let mut things: Vec<_> = table
        .iter()
        .map(|(id, thing)| found(id, &known::object(thing.clone())))
        .collect();
    if place.last() == Some(&"levels") {
        // level-2 before level-10.
        things.sort_by_key(|level| level.id.len());
    }
    Ok(Some(things))
}

fn named(place: &Place<'_>) -> Which {
    match place {
        ["affiliates", id, ..] => Which::Named(vec![(*id).to_owned()]),
        _ => Which::Named(Vec::new()),
    }
}

/// Down the tables.
fn step(known: &KnownOrg, place: &Place<'_>) -> Option<Map<String, Value>> {
    let [table, id, rest @ ..] = place else {
        return place.is_empty().then(|| known.fields.clone());
    };
    let of = |things: &[known::Known]| {
        let thing = things.iter().find(|thing| thing.id == *id);
        thing.map(|thing| thing.fields.clone())
    };
    let mut fields = match *table {
        "programs" => of(&known.programs),
        "custom_fields" => of(&known.custom_fields),
        "pixel_keys" => of(&known.pixel_keys),
        "affiliates" => {
            let one = known.affiliates.iter().find(|one| one.id == *id);
            one.map(|one| one.fields.clone())
        }
        _ => None,
    }?;
    for name in rest {
        match fields.remove(*name)? {
            Value::Object(inner) => fields = inner,
            _ => return None,
        }
    }
    Some(fields)
}

/// Makes a thing that is not there yet, and returns it.
///
/// # Errors
/// [`ChangeError::Exists`], [`ChangeError::NotFound`] where what it is to be of is not there, else as [`set`].
pub async fn create(
    change: &mut Changeset,
    org: &str,
    place: &Place<'_>,
    fields: &Map<String, Value>,
    valid_from: Option<DateTime<Utc>>,
) -> Result<Map<String, Value>, ChangeError> {
    let id = change.org();
    if find(change.connection(), id, place).await?.is_some() {
        let name = place.last().copied().unwrap_or_default();
        return Err(ChangeError::Exists(format!("{name:?} exists already")));
    }
    if let [parent @ .., _, _] = place
        && find(change.connection(), id, parent).await?.is_none()
    {
        return Err(ChangeError::NotFound);
    }
    write(change, org, place, fields, valid_from).await
}

/// Changes fields of a thing that is there, and returns it.
///
/// # Errors
/// [`ChangeError::NotFound`]; [`ChangeError::Invalid`] names all that is wrong.
pub async fn set(
    change: &mut Changeset,
    org: &str,
    place: &Place<'_>,
    fields: &Map<String, Value>,
    valid_from: Option<DateTime<Utc>>,
) -> Result<Map<String, Value>, ChangeError> {
    let id = change.org();
    if find(change.connection(), id, place).await?.is_none() {
        return Err(ChangeError::NotFound);
    }
    write(change, org, place, fields, valid_from).await
}

async fn write(
    change: &mut Changeset,
    org: &str,
    place: &Place<'_>,
    fields: &Map<String, Value>,
    valid_from: Option<DateTime<Utc>>,
) -> Result<Map<String, Value>, ChangeError> {
    let (id, now) = (change.org(), change.author.now);
    let text = text(org, place, fields);
    let file = parse::read(&text);
    let known = known::load(
        change.connection(),
        id,
        &Which::Named(file.affiliates_named(org)),
        Pixels::WithSecrets,
    )
    .await?;
    let file = file
        .resolve(&[(org.to_owned(), known)].into())
        .map_err(|error| invalid(&error))?;
    let notes = write::one_org(change.connection(), &file, id, now, valid_from).await?;
    for note in notes {
        change.note(&note.action, &note.subject, note.before, note.after);
    }
    let found = find(change.connection(), id, place).await?;
    found.ok_or(ChangeError::NotFound)
}

/// A file that declares this alone.
fn text(org: &str, place: &Place<'_>, fields: &Map<String, Value>) -> String {
    let mut value = with_clear(Value::Object(fields.clone()));
    for name in place.iter().rev() {
        value = json!({ *name: value });
    }
    let orgs = toml_text::value(&json!({ org: value }));
    format!("orgs = {}", orgs.unwrap_or_default())
}

/// Null has no word in a catalog file: such fields are named by `clear`.
fn with_clear(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let (nulls, fields): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(_, value)| value.is_null());
    let fields = fields.into_iter();
    let mut fields: Map<_, _> = fields.map(|(name, value)| (name, with_clear(value))).collect();
    if !nulls.is_empty() {
        let names = nulls.into_iter().map(|(name, _)| Value::from(name));
        fields.insert("clear".to_owned(), names.collect());
    }
    Value::Object(fields)
}

fn invalid(error: &CatalogError) -> ChangeError {
    let messages: Vec<_> = error
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    ChangeError::Invalid(messages.join("; "))
}

impl From<SyncError> for ChangeError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Database(error) => Self::Db(error),
            SyncError::Wrong(error) => invalid(&error),
            other => Self::Invalid(other.to_string()),
        }
    }
}
