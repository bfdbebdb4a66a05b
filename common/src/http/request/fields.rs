//! The fields of a request, read by name: each accessor says what a field may be, each error names the field.
//!
//! Absent, `null` and blank text are the same. Fields that nobody asks for are ignored, be they sent once or twice with
//! different values; those that are asked for must not differ.

pub use crate::domain::MAX_META_PROPERTIES;
use crate::domain::{Currency, MetaData, money::CurrencyError};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{
    Invalid,
    macros::{contains_macro, is_macro},
    number, text_checks,
    timestamp::timestamp,
    value::{Clashes, Sent},
};

/// Characters of order ids, customer ids, codes and other identifiers.
pub const MAX_ID: usize = 255;
/// Characters of an e-mail address (RFC 5321).
pub const MAX_EMAIL: usize = 254;
/// Characters of a person's name.
pub const MAX_NAME: usize = 255;
pub const MAX_NOTES: usize = 4_000;
pub const MAX_USER_AGENT: usize = 2_000;
/// Bytes of a free object as JSON: three of them, and the rest, fit an envelope.
pub const MAX_OBJECT_BYTES: usize = 8 * 1024;
/// Limits of Tapfiliate's `meta_data`, in characters; for its properties see [`MAX_META_PROPERTIES`].
pub const MAX_META_KEY: usize = 64;
pub const MAX_META_VALUE: usize = 255;
const SENT_TWICE: &str = "is sent twice";
/// Characters that no key of `meta_data` may have, from Tapfiliate's guide.
const META_KEY_ILLEGAL: &[char] = &['"', ':', '{', '}', ']', '\\', '\'', '/', '&'];

/// The fields of a request or of an object in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    values: Map<String, Value>,
    /// Which of them were sent again, with another value.
    clashes: Clashes,
    /// Names of the objects around, each with a point.
    prefix: String,
}

impl Fields {
    /// # Errors
    /// When something in `sent` may be stored nowhere.
    pub fn new(sent: impl Into<Sent>) -> Result<Self, Invalid> {
        let Sent { values, clashes } = sent.into();
        text_checks::check(&values)?;
        Ok(Self {
            values,
            clashes,
            prefix: String::new(),
        })
    }

    /// The fields of one entry of a list that is the whole request; errors call it `name`.
    ///
    /// # Errors
    /// As [`Fields::new`].
    pub fn entry(name: &str, sent: Sent) -> Result<Self, Invalid> {
        let mut fields = Self::new(sent)?;
        fields.prefix = format!("{name}.");
        Ok(fields)
    }

    /// All of it, to look at names that nobody can know beforehand.
    pub fn into_values(self) -> Map<String, Value> {
        self.values
    }

    /// An identifier of at most `limit` characters. Numbers are taken as they are written. Space around it is a slip of a
    /// template or a spreadsheet, and would make another order of it.
    pub fn text(&self, name: &str, limit: usize) -> Result<Option<String>, Invalid> {
        let text = self.any_text(name)?.map(|text| text.trim().to_owned());
        let text = self.limited(name, text, limit)?;
        self.resolved(name, text, contains_macro)
    }

    pub fn required_text(&self, name: &str, limit: usize) -> Result<String, Invalid> {
        self.text(name, limit)?.ok_or_else(|| self.required(name))
    }

    /// One of a few words, whatever its case: comes in lower case.
    pub fn word(&self, name: &str) -> Result<Option<String>, Invalid> {
        let word = self.text(name, MAX_ID)?;
        Ok(word.map(|word| word.to_ascii_lowercase()))
    }

    /// A text that people write, braces and all.
    pub fn prose(&self, name: &str, limit: usize) -> Result<Option<String>, Invalid> {
        let text = self.limited(name, self.any_text(name)?, limit)?;
        self.resolved(name, text, is_macro)
    }

    /// An address with text on both sides of an `@`.
    pub fn email(&self, name: &str) -> Result<Option<String>, Invalid> {
        let Some(address) = self.text(name, MAX_EMAIL)? else {
            return Ok(None);
        };
        let sides = address.rsplit_once('@');
        if sides.is_none_or(|(local, domain)| local.is_empty() || domain.is_empty())
            || address.contains(char::is_whitespace)
        {
            return Err(self.wrong(name, "must be an e-mail address"));
        }
        Ok(Some(address))
    }

    /// An exact amount from 0 to [`crate::domain::MAX_AMOUNT`], as a number or a text.
    pub fn amount(&self, name: &str) -> Result<Option<Decimal>, Invalid> {
        let text = self.number_text(name)?;
        text.map(|text| number::amount(&text).map_err(|wrong| self.wrong(name, &wrong)))
            .transpose()
    }

    /// An amount with all of its decimals: see [`number::exact_amount`].
    pub fn exact_amount(&self, name: &str) -> Result<Option<Decimal>, Invalid> {
        let text = self.number_text(name)?;
        text.map(|text| number::exact_amount(&text).map_err(|wrong| self.wrong(name, &wrong)))
            .transpose()
    }

    pub fn required_amount(&self, name: &str) -> Result<Decimal, Invalid> {
        self.amount(name)?.ok_or_else(|| self.required(name))
    }

    pub fn currency(&self, name: &str) -> Result<Option<Currency>, Invalid> {
        let code = self.text(name, MAX_ID)?;
        let currency = code.map(|code| code.parse()).transpose();
        currency.map_err(|wrong| match wrong {
            CurrencyError::Unknown(_) => self.wrong(name, "must be an ISO 4217 code"),
            CurrencyError::NoMinorUnit(_) => self.wrong(name, "must be an ISO 4217 code with a minor unit"),
        })
    }

    /// Seconds or milliseconds since 1970, of a time that makes sense at `now`.
    pub fn timestamp(&self, name: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Invalid> {
        let text = self.number_text(name)?;
        text.map(|text| {
            number::decimal(&text)
                .and_then(|value| timestamp(value, now))
                .map_err(|wrong| self.wrong(name, wrong))
        })
        .transpose()
    }

    /// A yes or no in any of its spellings. A flag that is named without a value is not set.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Invalid> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Bool(flag)) => return Ok(Some(*flag)),
            Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) => String::from("?"),
        };
        match text.as_str() {
            "" => Ok(None),
            "1" | "true" => Ok(Some(true)),
            "0" | "false" => Ok(Some(false)),
            _ => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// The fields of an object, under their full names.
    pub fn nested(&self, name: &str) -> Result<Option<Self>, Invalid> {
        #[cfg(any(test, feature = "testing"))]
        super::asked::note(&self.prefix, name);
        if self.clashes.contains(std::slice::from_ref(&name.to_owned())) {
            return Err(self.wrong(name, SENT_TWICE));
        }
        let Some(values) = self.map_of(name, self.values.get(name))? else {
            return Ok(None);
        };
        let within = self
            .clashes_of(name)
            .filter_map(|path| Some(path.get(1..)?.to_vec()));
        Ok(Some(Self {
            values,
            clashes: within.collect(),
            prefix: format!("{}{name}.", self.prefix),
        }))
    }

    /// The fields of each object of a list of at most `limit`; an object alone is a list of one. An empty list counts as
    /// not sent.
    pub fn list(&self, name: &str, limit: usize) -> Result<Vec<Self>, Invalid> {
        let values = match self.value(name)? {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(value @ Value::Object(object)) => numbered(object).unwrap_or_else(|| vec![value]),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
            Some(_) => return Err(self.wrong(name, "must be a list of objects")),
        };
        if values.len() > limit {
            return Err(self.wrong(name, &format!("has more than {limit} entries")));
        }
        let entries = values.into_iter().enumerate();
        entries
            .map(|(index, value)| match value {
                Value::Object(values) => Ok(Self {
                    values: values.clone(),
                    clashes: Clashes::new(),
                    prefix: format!("{}{name}[{index}].", self.prefix),
                }),
                _ => Err(self.wrong(name, "must be a list of objects")),
            })
            .collect()
    }

    /// Free data of at most [`MAX_OBJECT_BYTES`].
    pub fn object(&self, name: &str) -> Result<Option<MetaData>, Invalid> {
        let Some(object) = self.map(name)? else {
            return Ok(None);
        };
        let bytes = Value::Object(object.clone()).to_string().len();
        if bytes > MAX_OBJECT_BYTES {
            return Err(self.wrong(name, &format!("is larger than {MAX_OBJECT_BYTES} bytes")));
        }
        Ok(Some(object))
    }

    /// Free data within Tapfiliate's limits.
    pub fn meta_data(&self, name: &str) -> Result<Option<MetaData>, Invalid> {
        let Some(object) = self.map(name)? else {
            return Ok(None);
        };
        if object.len() > MAX_META_PROPERTIES {
            return Err(self.wrong(name, &format!("has more than {MAX_META_PROPERTIES} properties")));
        }
        for (key, value) in &object {
            if key.is_empty() || key.chars().count() > MAX_META_KEY || key.contains(META_KEY_ILLEGAL) {
                let wrong = format!(
                    "has a key that is empty, longer than {MAX_META_KEY} characters or has one of {}",
                    META_KEY_ILLEGAL.iter().collect::<String>()
                );
                return Err(self.wrong(name, &wrong));
            }
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let field = format!("{name}.{key}");
            if text.chars().count() > MAX_META_VALUE {
                return Err(self.too_long(&field, MAX_META_VALUE));
            }
            if value.is_string() {
                self.resolved(&field, Some(text), is_macro)?;
            }
        }
        Ok(Some(object))
    }

    fn map(&self, name: &str) -> Result<Option<Map<String, Value>>, Invalid> {
        self.map_of(name, self.value(name)?)
    }

    /// An object. PHP prints an empty one as an empty list.
    fn map_of(&self, name: &str, value: Option<&Value>) -> Result<Option<Map<String, Value>>, Invalid> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(Value::Array(list)) if list.is_empty() => Ok(Some(Map::new())),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    fn any_text(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(self.wrong(name, "must be a string"));
            }
        };
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    fn limited(&self, name: &str, text: Option<String>, limit: usize) -> Result<Option<String>, Invalid> {
        match text {
            Some(text) if text.chars().count() > limit => Err(self.too_long(name, limit)),
            text => Ok(text),
        }
    }

    fn number_text(&self, name: &str) -> Result<Option<String>, Invalid> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(self.wrong(name, "must be a number"));
            }
        };
        let text = Some(text).filter(|text| !text.trim().is_empty());
        self.resolved(name, text, contains_macro)
    }

    fn resolved(
        &self,
        name: &str,
        text: Option<String>,
        is_unresolved: fn(&str) -> bool,
    ) -> Result<Option<String>, Invalid> {
        match text {
            Some(text) if is_unresolved(&text) => Err(self.wrong(name, "is an unresolved macro")),
            text => Ok(text),
        }
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
        Ok(self.values.get(name).filter(|value| !value.is_null()))
    }

    fn clashes_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Vec<String>> {
        let clashes = self.clashes.iter();
        clashes.filter(move |path| path.first().is_some_and(|first| first == name))
    }

    /// Everything as it was sent, to be kept as it is; the first of what came twice.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The error of a field that is not there.
    pub fn required(&self, name: &str) -> Invalid {
        self.wrong(name, "is required")
    }

    /// The error of a field whose value is not as it should be.
    pub fn wrong(&self, name: &str, what: &str) -> Invalid {
        Invalid::of_field(format!("{}{name}", self.prefix), what)
    }

    fn too_long(&self, name: &str, limit: usize) -> Invalid {
        self.wrong(name, &format!("is longer than {limit} characters"))
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
