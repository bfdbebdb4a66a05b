//! Reading the tables of a catalog file, field by field. A wrong field is noted and reading goes on, so that all
//! mistakes are found at once; numbers are taken as text, so that no amount passes through a float.

use std::{collections::BTreeSet, ops::Range, str::FromStr};

use rust_decimal::Decimal;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
    value::Datetime,
};

use super::problem::{KNOWN, Problems, declared_at};

/// Ids name things in URLs, reports and files.
const MAX_ID_CHARS: usize = 100;
/// Titles, names, codes, addresses; descriptions, of which REST 1.6 takes as many.
const MAX_TEXT_CHARS: usize = 4_000;
/// The field by which a table says which of its fields are to have no value any more.
const CLEAR: &str = "clear";

/// A table of the file, and which of its fields were asked for.
pub(super) struct Fields<'a> {
    /// What the table declares, for messages: `program "x"`.
    pub(super) what: String,
    pub(super) span: Range<usize>,
    table: &'a DeTable<'a>,
    known: BTreeSet<&'static str>,
    /// Those of them that cannot be cleared.
    lasting: BTreeSet<&'static str>,
    problems: &'a Problems<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        what: String,
        span: Range<usize>,
        table: &'a DeTable<'a>,
        problems: &'a Problems<'a>,
    ) -> Self {
        let (known, lasting) = (BTreeSet::new(), BTreeSet::new());
        Self {
            what,
            span,
            table,
            known,
            lasting,
            problems,
        }
    }

    /// The table that declares thing `id`; nothing when it is no table.
    pub(super) fn open(
        what: String,
        id: &Id,
        value: &'a Spanned<DeValue<'a>>,
        problems: &'a Problems<'a>,
    ) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            let found = value.get_ref().type_str();
            problems.add(&value.span(), format!("{what}: must be a table, found {found}"));
            return None;
        };
        Some(Self::new(what, id.span(), table, problems))
    }

    pub(super) fn wrong(&self, span: &Range<usize>, message: &str) {
        self.problems.add(span, format!("{}: {message}", self.what));
    }

    /// Something is missing, in the file and in the database.
    pub(super) fn missing(&self, span: &Range<usize>, message: &str) {
        self.problems.missing(span, format!("{}: {message}", self.what));
    }

    fn wrong_type(&self, name: &str, value: &Spanned<DeValue<'_>>, needed: &str) {
        let found = value.get_ref().type_str();
        self.wrong(&value.span(), &format!("{name} must be {needed}, found {found}"));
    }

    fn take(&mut self, name: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.insert(name);
        self.table.get(name)
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<Spanned<String>> {
        let value = self.take(name)?;
        let text = self.text_of(name, value)?;
        Some(Spanned::new(value.span(), text))
    }

    fn text_of(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(name, value, "a text");
            return None;
        };
        if value.span() == KNOWN {
            return Some(text.to_owned());
        }
        if text.trim().is_empty() {
            self.wrong(&value.span(), &format!("{name} is empty"));
        } else if text.chars().count() > MAX_TEXT_CHARS {
            self.wrong(
                &value.span(),
                &format!("{name} is longer than {MAX_TEXT_CHARS} characters"),
            );
        } else if text.contains('\0') {
            self.wrong(&value.span(), &format!("{name} contains a NUL character"));
        } else {
            return Some(text.to_owned());
        }
        None
    }

    pub(super) fn plain_text(&mut self, name: &'static str) -> Option<String> {
        self.text(name).map(Spanned::into_inner)
    }

    /// Whether the field is there, right or wrong.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether the file itself says it: it was not taken from the database.
    pub(super) fn declares(&self, name: &str) -> bool {
        let field = self.table.get_key_value(name);
        field.is_some_and(|(key, _)| key.span() != KNOWN)
    }

    /// Where a field stands, or its table if it is absent.
    pub(super) fn span_of(&self, name: &str) -> Range<usize> {
        let field = self.table.get_key_value(name);
        field.map_or(self.span.clone(), |(key, _)| declared_at(&key.span(), &self.span))
    }

    /// Where a field's key stands, also if that is in the database alone.
    pub(super) fn spot(&self, name: &str) -> Range<usize> {
        let field = self.table.get_key_value(name);
        field.map_or(self.span.clone(), |(key, _)| key.span())
    }

    /// Whether `clear` names the field.
    pub(super) fn clears(&self, name: &str) -> bool {
        let list = self.table.get(CLEAR).and_then(|list| list.get_ref().as_array());
        list.is_some_and(|list| list.iter().any(|item| item.get_ref().as_str() == Some(name)))
    }

    /// Notes a field that must be there and is not.
    pub(super) fn required(&self, name: &str) {
        if !self.has(name) {
            self.missing(&self.span, &format!("{name} is missing"));
        }
    }

    /// A text that must be there. What stands for a missing one is never used: the file is wrong.
    pub(super) fn required_text(&mut self, name: &'static str) -> Spanned<String> {
        self.required(name);
        let missing = Spanned::new(self.span.clone(), String::new());
        self.text(name).unwrap_or(missing)
    }

    /// One of a few words.
    pub(super) fn word(
        &mut self,
        name: &'static str,
        words: &[&'static str],
        default: &'static str,
    ) -> String {
        let Some(text) = self.text(name) else {
            return default.to_owned();
        };
        if !words.contains(&text.get_ref().as_str()) {
            let message = format!(
                "unknown {name} {:?}, known are {}",
                text.get_ref(),
                words.join(", ")
            );
            self.wrong(&text.span(), &message);
        }
        text.into_inner()
    }

    /// What [`FromStr`] makes of a text, with its error as the message.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.get_ref().parse::<T>();
        parsed
            .inspect_err(|error| self.wrong(&text.span(), &format!("{name}: {error}")))
            .ok()
    }

    pub(super) fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.take(name) else {
            return default;
        };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_type(name, value, "true or false");
            default
        })
    }

    /// A whole number within `range`.
    pub(super) fn integer(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let value = self.take(name)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(name, value, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let found = number.filter(|number| range.contains(number));
        if found.is_none() {
            let message = format!("{name} must be between {} and {}", range.start(), range.end());
            self.wrong(&value.span(), &message);
        }
        found
    }

    /// An [`integer`](Self::integer) of a column that has 32 bits.
    pub(super) fn small(&mut self, name: &'static str, range: std::ops::RangeInclusive<i32>) -> Option<i32> {
        let wide = i64::from(*range.start())..=i64::from(*range.end());
        self.integer(name, wide)
            .and_then(|number| i32::try_from(number).ok())
    }

    /// An exact number from 0 to `max` with at most `scale` decimals.
    pub(super) fn decimal(&mut self, name: &'static str, max: Decimal, scale: u32) -> Option<Decimal> {
        let value = self.take(name)?;
        let text = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => {
                self.wrong_type(name, value, "a number");
                return None;
            }
        };
        let number = Decimal::from_str_exact(text)
            .or_else(|_| Decimal::from_scientific(text))
            .ok();
        let found = number
            .map(|number| number.normalize())
            .filter(|number| *number >= Decimal::ZERO && *number <= max && number.scale() <= scale);
        if found.is_none() {
            let message = format!("{name} must be between 0 and {max}, with at most {scale} decimals");
            self.wrong(&value.span(), &message);
        }
        found
    }

    /// A day, as `2026-11-20`, in quotes or not.
    pub(super) fn date(&mut self, name: &'static str) -> Option<String> {
        let value = self.take(name)?;
        let day = match value.get_ref() {
            DeValue::String(text) => text.parse().ok(),
            other => other.as_datetime().copied(),
        };
        let day = day.filter(|at: &Datetime| at.date.is_some() && at.time.is_none());
        if day.is_none() {
            self.wrong(&value.span(), &format!("{name} must be a day such as 2026-11-20"));
        }
        day.map(|day| day.to_string())
    }

    /// A list of texts; an absent one is empty.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<Spanned<String>> {
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(name, value, "a list of texts");
            return Vec::new();
        };
        let texts = array
            .iter()
            .filter_map(|item| Some(Spanned::new(item.span(), self.text_of(name, item)?)));
        texts.collect()
    }

    /// [`texts`](Self::texts) that are added to those in the database.
    pub(super) fn more_texts(&mut self, name: &'static str) -> Vec<Spanned<String>> {
        self.lasting.insert(name);
        self.texts(name)
    }

    /// A table of fields, such as an address.
    pub(super) fn table(&mut self, name: &'static str) -> Option<Fields<'a>> {
        let value = self.take(name)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(name, value, "a table");
            return None;
        };
        Some(Fields::new(
            format!("{name} of {}", self.what),
            self.spot(name),
            table,
            self.problems,
        ))
    }

    /// The entries of a table whose keys are free, in the order of the file.
    pub(super) fn entries(&mut self, name: &'static str) -> Vec<(Id, &'a Spanned<DeValue<'a>>)> {
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(name, value, "a table of tables by id");
            return Vec::new();
        };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| (Spanned::new(key.span(), key.get_ref().to_string()), value))
            .collect();
        entries.sort_by_key(|(id, _)| id.span().start);
        entries
    }

    /// A text of free data, or nothing if it is something else.
    pub(super) fn free_text(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
        value.get_ref().as_str()?;
        Some(Spanned::new(value.span(), self.text_of(name, value)?))
    }

    /// The things of a table by id, in the order of the file, each opened. `what` prints an id in messages.
    pub(super) fn things(
        &mut self,
        name: &'static str,
        what: impl Fn(&str) -> String,
    ) -> Vec<(Id, Fields<'a>)> {
        let mut things = Vec::new();
        self.lasting.insert(name);
        for (id, value) in self.entries(name) {
            let what = what(id.get_ref());
            if !is_id(id.get_ref()) {
                let message = format!(
                    "{what}: an id has 1 to {MAX_ID_CHARS} letters, digits, hyphens, underscores and dots"
                );
                self.problems.add(&id.span(), message);
            }
            things.extend(Fields::open(what, &id, value, self.problems).map(|fields| (id, fields)));
        }
        things
    }

    /// Lets `clear` take away all [`things`](Self::things) of a field.
    pub(super) fn may_clear(&mut self, name: &'static str) {
        self.lasting.remove(name);
    }

    /// Notes the fields that nobody asked for, and what cannot be cleared.
    pub(super) fn close(mut self) {
        for name in self.texts(CLEAR) {
            let cleared = name.get_ref().as_str();
            let is_table = |value: &Spanned<DeValue<'_>>| value.get_ref().is_table();
            let given = self.declares(cleared) && !self.table.get(cleared).is_some_and(is_table);
            if self.lasting.contains(cleared) {
                let message = format!("{cleared} cannot be cleared: what is in the database is left alone");
                self.wrong(&name.span(), &message);
            } else if cleared == CLEAR || !self.known.contains(cleared) {
                self.wrong(&name.span(), &format!("clear: unknown field {cleared:?}"));
            } else if given {
                self.wrong(&name.span(), &format!("{cleared} is both said and cleared"));
            }
        }
        self.close_whole();
    }

    /// The same of a table that is never taken from the database.
    pub(super) fn close_whole(self) {
        let unknown = self
            .table
            .keys()
            .filter(|key| !self.known.contains(key.get_ref().as_ref()));
        for key in unknown {
            let known: Vec<_> = self.known.iter().copied().collect();
            let message = format!(
                "unknown field {:?}, known are {}",
                key.get_ref(),
                known.join(", ")
            );
            self.wrong(&key.span(), &message);
        }
    }
}

/// The id of a thing and where it stands.
pub(super) type Id = Spanned<String>;

fn is_id(id: &str) -> bool {
    let length = (1..=MAX_ID_CHARS).contains(&id.chars().count());
    length && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
