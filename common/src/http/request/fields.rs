//! The fields of a request, read by name: each accessor says what a field may be, each error names the field.
//!
//! Absent, `null` and blank text are the same, and so is what PHP and JavaScript print for nothing: `false`, `[]`, `{}`. Fields
//! that nobody asks for are ignored, be they sent once or twice with different values; those that are asked for must not differ.
//! What decides money (ids, codes: `ids`; amounts: `numbers`) may refuse the request. What does not (`free`) is cut or left out,
//! with a warning.

use serde_json::{Map, Value};

use super::{
    Invalid,
    charset::LOST,
    invisible::{first_invisible, is_blank, trimmed},
    macros::{contains_macro, is_macro},
    number::id_of_number,
    placeholder::is_nobodys_address,
    text_checks,
    value::Sent,
};
use crate::http::Warnings;

/// Characters of order ids, customer ids, codes and other identifiers.
pub const MAX_ID: usize = 255;
/// Characters of an e-mail address (RFC 5321).
pub const MAX_EMAIL: usize = 254;
/// Characters of a person's name.
pub const MAX_NAME: usize = 255;
pub const MAX_NOTES: usize = 4_000;
pub const MAX_USER_AGENT: usize = 2_000;
/// Bytes of a free object of the catalog as JSON.
pub const MAX_OBJECT_BYTES: usize = 8 * 1024;
const SENT_TWICE: &str = "is sent twice";

/// The fields of a request or of an object in it.
#[derive(Clone, Debug)]
pub struct Fields {
    sent: Sent,
    /// Names of the objects around, each with a point.
    prefix: String,
    warnings: Warnings,
}

impl Fields {
    /// # Errors
    /// When something in `sent` may be stored nowhere.
    pub fn new(sent: impl Into<Sent>) -> Result<Self, Invalid> {
        Self::noting(sent, &Warnings::default())
    }

    /// Fields whose reader notes in `warnings` what it leaves out.
    ///
    /// # Errors
    /// As [`Fields::new`].
    pub fn noting(sent: impl Into<Sent>, warnings: &Warnings) -> Result<Self, Invalid> {
        let sent = sent.into();
        text_checks::check(&sent.values)?;
        Ok(Self {
            sent,
            prefix: String::new(),
            warnings: warnings.clone(),
        })
    }

    /// The fields of one entry of a list that is the whole request; errors call it `name`.
    ///
    /// # Errors
    /// As [`Fields::new`].
    pub(super) fn entry(name: &str, sent: Sent, warnings: &Warnings) -> Result<Self, Invalid> {
        let mut fields = Self::noting(sent, warnings)?;
        fields.prefix = format!("{name}.");
        Ok(fields)
    }

    /// All of it, to be stored as it is.
    ///
    /// # Errors
    /// Names what cannot be stored.
    pub fn into_storable(self) -> Result<Map<String, Value>, Invalid> {
        for (name, value) in &self.sent.values {
            text_checks::check_storable(name, value)?;
        }
        Ok(self.sent.values)
    }

    /// What has been left out and cut until now, here and in what is within.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.all()
    }

    /// Notes that something of `name` is left out or cut.
    pub fn warn(&self, name: &str, what: &str) {
        self.warnings.add(format!("{}{name} {what}", self.prefix));
    }

    /// A word or name of at most `limit` characters. Numbers are taken as they are written. Space around it is a slip of a
    /// template or a spreadsheet.
    ///
    /// # Errors
    /// When it is no text, too long, has signs that nobody sees, or is an unresolved macro.
    pub fn text(&self, name: &str, limit: usize) -> Result<Option<String>, Invalid> {
        let Some(text) = self.any_text(name)? else {
            return Ok(None);
        };
        let text = self.visible(name, tidied(text), limit)?;
        if contains_macro(&text) {
            return Err(self.wrong(name, "is an unresolved macro"));
        }
        Ok(Some(text))
    }

    pub fn required_text(&self, name: &str, limit: usize) -> Result<String, Invalid> {
        self.text(name, limit)?.ok_or_else(|| self.required(name))
    }

    /// One of a few words, whatever its case: comes in lower case.
    pub fn word(&self, name: &str) -> Result<Option<String>, Invalid> {
        let word = self.text(name, MAX_ID)?;
        Ok(word.map(|word| word.to_ascii_lowercase()))
    }

    /// A text of the catalog that people write, braces and all. For what is kept for reports see [`Fields::remark`].
    ///
    /// # Errors
    /// When it is no text, too long, has a NUL character, or is an unresolved macro and nothing else.
    pub fn prose(&self, name: &str, limit: usize) -> Result<Option<String>, Invalid> {
        let Some(text) = self.any_text(name)? else {
            return Ok(None);
        };
        if text.chars().count() > limit {
            return Err(self.too_long(name, limit));
        }
        if text.contains('\0') {
            return Err(self.wrong(name, "contains a NUL character"));
        }
        if is_macro(&text) {
            return Err(self.wrong(name, "is an unresolved macro"));
        }
        Ok(Some(text))
    }

    /// An address with text on both sides of an `@`. That of nobody (`undefined`) or of a macro counts as not sent.
    ///
    /// # Errors
    /// When it is something else, too long, or has signs that nobody sees.
    pub fn email(&self, name: &str) -> Result<Option<String>, Invalid> {
        let Some(address) = self.any_text(name)?.map(tidied) else {
            return Ok(None);
        };
        if is_nobodys_address(&address) || contains_macro(&address) {
            self.warn(
                name,
                "is a placeholder or an unresolved macro and counts as not sent",
            );
            return Ok(None);
        }
        let address = self.visible(name, address, MAX_EMAIL)?;
        let sides = address.rsplit_once('@');
        if sides.is_none_or(|(local, domain)| local.is_empty() || domain.is_empty())
            || address.contains(char::is_whitespace)
        {
            return Err(self.wrong(name, "must be an e-mail address"));
        }
        Ok(Some(address))
    }

    /// A yes or no in any of its spellings. A flag that is named without a value is not set.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Invalid> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Bool(flag)) => return Ok(Some(*flag)),
            Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            Some(nothing) if is_nothing(nothing) => return Ok(None),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) => String::from("?"),
        };
        match text.as_str() {
            "" => Ok(None),
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// The fields of an object, under their full names.
    pub fn nested(&self, name: &str) -> Result<Option<Self>, Invalid> {
        #[cfg(any(test, feature = "testing"))]
        super::asked::note(&self.prefix, name);
        if self.sent.clashes.contains(std::slice::from_ref(&name.to_owned())) {
            return Err(self.wrong(name, SENT_TWICE));
        }
        let Some(values) = self.map_of(name, self.sent.values.get(name))? else {
            return Ok(None);
        };
        let within = self
            .clashes_of(name)
            .filter_map(|path| Some(path.get(1..)?.to_vec()));
        let sent = Sent {
            values,
            clashes: within.collect(),
            ..Sent::default()
        };
        Ok(Some(self.within(name, sent)))
    }

    /// The fields of each object of a list of at most `limit`; an object alone is a list of one. An empty list counts as
    /// not sent.
    pub fn list(&self, name: &str, limit: usize) -> Result<Vec<Self>, Invalid> {
        let values = match self.value(name)? {
            None => return Ok(Vec::new()),
            Some(nothing) if is_nothing(nothing) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(value @ Value::Object(object)) => numbered(object).unwrap_or_else(|| vec![value]),
            Some(_) => return Err(self.wrong(name, "must be a list of objects")),
        };
        if values.len() > limit {
            return Err(self.wrong(name, &format!("has more than {limit} entries")));
        }
        let entries = values.into_iter().enumerate();
        entries
            .map(|(index, value)| match value {
                Value::Object(values) => Ok(self.within(&format!("{name}[{index}]"), values.clone().into())),
                _ => Err(self.wrong(name, "must be a list of objects")),
            })
            .collect()
    }

    /// Free data of the catalog, of at most [`MAX_OBJECT_BYTES`]. For what comes with a sale see [`Fields::free_object`].
    ///
    /// # Errors
    /// When it is no object, or larger.
    pub fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, Invalid> {
        let Some(object) = self.map_of(name, self.value(name)?)? else {
            return Ok(None);
        };
        let object = Value::Object(object);
        if object.to_string().len() > MAX_OBJECT_BYTES {
            return Err(self.wrong(name, &format!("is larger than {MAX_OBJECT_BYTES} bytes")));
        }
        text_checks::check_storable(&format!("{}{name}", self.prefix), &object)?;
        match object {
            Value::Object(object) => Ok(Some(object)),
            _ => Ok(None),
        }
    }

    /// An object. PHP prints an empty one as an empty list.
    fn map_of(&self, name: &str, value: Option<&Value>) -> Result<Option<Map<String, Value>>, Invalid> {
        match value {
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(Value::Array(list)) if list.is_empty() => Ok(Some(Map::new())),
            None => Ok(None),
            Some(nothing) if is_nothing(nothing) => Ok(None),
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    fn within(&self, name: &str, sent: Sent) -> Self {
        Self {
            sent,
            prefix: format!("{}{name}.", self.prefix),
            warnings: self.warnings.clone(),
        }
    }

    /// A text or a number, of which a list of one is the same. Blank ones are none.
    pub(super) fn any_text(&self, name: &str) -> Result<Option<String>, Invalid> {
        match self.value(name)? {
            Some(value) => text_of(value).map_err(|NoText| self.wrong(name, "must be a string")),
            None => Ok(None),
        }
    }

    /// `text` as an identifier may be.
    pub(super) fn visible(&self, name: &str, text: String, limit: usize) -> Result<String, Invalid> {
        // One look at its bytes is enough for nearly all.
        let is_ascii = text.is_ascii();
        if text.len() > limit && (is_ascii || text.chars().count() > limit) {
            return Err(self.too_long(name, limit));
        }
        if let Some(sign) = first_invisible(&text) {
            return Err(match sign {
                '\0' => self.wrong(name, "contains a NUL character"),
                sign => self.wrong(
                    name,
                    &format!("contains a sign that nobody sees (U+{:04X})", u32::from(sign)),
                ),
            });
        }
        if !is_ascii && text.contains(LOST) {
            return Err(self.wrong(name, "contains what is not UTF-8 (U+FFFD)"));
        }
        Ok(text)
    }

    /// The value as it was sent, for what no accessor fits. It has been screened.
    ///
    /// # Errors
    /// When the field, or something in it, was sent again with another value.
    pub fn value(&self, name: &str) -> Result<Option<&Value>, Invalid> {
        #[cfg(any(test, feature = "testing"))]
        super::asked::note(&self.prefix, name);
        if let Some(path) = self.clashes_of(name).next() {
            return Err(self.wrong(&path.join("."), SENT_TWICE));
        }
        Ok(self.sent.values.get(name).filter(|value| !value.is_null()))
    }

    fn clashes_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Vec<String>> {
        let clashes = self.sent.clashes.iter();
        clashes.filter(move |path| path.first().is_some_and(|first| first == name))
    }

    /// Everything as it was sent, to be kept as it is; the first of what came twice.
    pub fn values(&self) -> &Map<String, Value> {
        &self.sent.values
    }

    /// What was sent under this name first, whatever came after it: for what decides nothing.
    pub(super) fn first(&self, name: &str) -> Option<&Value> {
        #[cfg(any(test, feature = "testing"))]
        super::asked::note(&self.prefix, name);
        self.sent.values.get(name).filter(|value| !value.is_null())
    }

    /// Whether a query or a form names the field without a value.
    pub(super) fn is_unsaid(&self, name: &str) -> bool {
        self.sent.unsaid.contains(name)
    }

    /// The error of a field that is not there.
    pub fn required(&self, name: &str) -> Invalid {
        self.wrong(name, "is required")
    }

    /// The error of a field whose value is not as it should be.
    pub fn wrong(&self, name: &str, what: &str) -> Invalid {
        Invalid::of_field(format!("{}{name}", self.prefix), what)
    }

    pub(super) fn too_long(&self, name: &str, limit: usize) -> Invalid {
        self.wrong(name, &format!("is longer than {limit} characters"))
    }
}

/// What PHP and JavaScript print where they have nothing, and a blank text.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => is_blank(text),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// A value that is neither text nor number nor nothing.
pub(super) struct NoText;

/// The text that `value` is; `None` where it says nothing.
pub(super) fn text_of(value: &Value) -> Result<Option<String>, NoText> {
    match value {
        nothing if is_nothing(nothing) => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(id_of_number(number.as_str()))),
        Value::Array(list) => match list.as_slice() {
            [one @ (Value::String(_) | Value::Number(_))] => text_of(one),
            _ => Err(NoText),
        },
        Value::Null | Value::Bool(_) | Value::Object(_) => Err(NoText),
    }
}

/// Without what nobody sees around it; most texts stay where they are.
pub(super) fn tidied(text: String) -> String {
    let tidy = trimmed(&text);
    if tidy.len() == text.len() {
        text
    } else {
        tidy.to_owned()
    }
}

/// `name[0][a]=…&name[1][a]=…` is a list to PHP, in the order of its numbers.
fn numbered(object: &Map<String, Value>) -> Option<Vec<&Value>> {
    let mut entries: Vec<(usize, &Value)> = object
        .iter()
        .map(|(index, value)| Some((index.parse().ok()?, value)).filter(|_| value.is_object()))
        .collect::<Option<_>>()?;
    entries.sort_by_key(|(index, _)| *index);
    (!entries.is_empty()).then(|| entries.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
