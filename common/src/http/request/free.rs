//! What decides no money: texts that people and browsers write, meta data, products. None of it refuses a request: it is cut or
//! left out with a warning, and made such that anybody can store it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    Fields, MAX_EMAIL,
    charset::LOST,
    fields::{is_nothing, text_of, tidied},
    invisible::first_invisible,
    macros::{contains_macro, is_macro},
    names::check_name,
    number::is_sane,
    placeholder::is_nobodys_address,
};
use crate::domain::MetaData;

/// Bytes of one free object as JSON: several of them, and the rest, fit an envelope.
pub const MAX_FREE_BYTES: usize = 32 * 1024;
const NOT_LEGIBLE: &str = "cannot be read and was left out";
const IS_MACRO: &str = "is an unresolved macro and was left out";
const HAS_RESERVED_NAME: &str = "has a property with a reserved name, which was left out";

impl Fields {
    /// A text of at most `limit` characters that is kept for reports.
    pub fn remark(&self, name: &str, limit: usize) -> Option<String> {
        let value = self.kept(name)?;
        let Ok(text) = text_of(value) else {
            self.warn(name, NOT_LEGIBLE);
            return None;
        };
        let text = text?;
        if is_macro(&text) {
            self.warn(name, IS_MACRO);
            return None;
        }
        let text = storable(text);
        match cut_to(&text, limit) {
            Cow::Borrowed(_) => Some(text),
            Cow::Owned(cut) => {
                self.warn(name, &format!("is longer than {limit} characters and was cut"));
                Some(cut)
            }
        }
    }

    /// A yes or no that is kept for reports.
    pub fn remark_flag(&self, name: &str) -> Option<bool> {
        self.kept(name)?;
        self.flag(name).unwrap_or_else(|_illegible| {
            self.warn(name, NOT_LEGIBLE);
            None
        })
    }

    /// An e-mail address that identifies nobody.
    pub fn contact(&self, name: &str) -> Option<String> {
        let address = self.remark(name, usize::MAX).map(tidied)?;
        let is_address = address
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        let is_good = is_address
            && !address.contains(char::is_whitespace)
            && address.chars().count() <= MAX_EMAIL
            && first_invisible(&address).is_none()
            && !address.contains(LOST)
            && !contains_macro(&address)
            && !is_nobodys_address(&address);
        if !is_good {
            self.warn(name, "is no e-mail address and was left out");
        }
        is_good.then_some(address)
    }

    /// Free data with any names, of which [`MAX_FREE_BYTES`] are kept. An empty object is one.
    pub fn free_object(&self, name: &str) -> Option<MetaData> {
        match self.kept(name)? {
            Value::Object(object) => Some(self.cleaned(name, object.clone().into())),
            Value::Array(list) if list.is_empty() => Some(MetaData::new()),
            nothing if is_nothing(nothing) => None,
            _ => {
                self.warn(name, "is no object and was left out");
                None
            }
        }
    }

    /// Any JSON, of which [`MAX_FREE_BYTES`] are kept.
    pub fn free_json(&self, name: &str) -> Option<Value> {
        let mut value = self.kept(name).filter(|value| !is_nothing(value))?.clone();
        if let Value::Object(object) = value {
            return Some(self.cleaned(name, object.into()).into());
        }
        clean(&mut value);
        if let Value::Array(list) = &mut value {
            let all = list.len();
            let mut left = MAX_FREE_BYTES;
            let fits = |value: &Value| {
                let size = size(value) + 1;
                let fits = size <= left;
                left = left.saturating_sub(size);
                fits
            };
            let kept = list.iter().map(fits).take_while(|fits| *fits).count();
            list.truncate(kept);
            if kept < all {
                self.warn(
                    name,
                    &format!(
                        "is larger than {MAX_FREE_BYTES} bytes: {} entries were left out",
                        all - kept
                    ),
                );
            }
            return Some(value);
        }
        if size(&value) > MAX_FREE_BYTES {
            self.warn(
                name,
                &format!("is larger than {MAX_FREE_BYTES} bytes and was left out"),
            );
            return None;
        }
        Some(value)
    }

    /// `object`, which came as `name`, as it can be kept.
    pub fn cleaned(&self, name: &str, mut object: MetaData) -> MetaData {
        object.retain(|key, value| {
            if check_name(key).is_err() {
                self.warn(name, HAS_RESERVED_NAME);
                return false;
            }
            let is_lost = value.as_str().is_some_and(is_macro);
            if is_lost {
                self.warn(&format!("{name}.{}", cut_to(key, MAX_SHOWN)), IS_MACRO);
            }
            !is_lost
        });
        if object.keys().any(|key| key.contains('\0')) {
            object = object
                .into_iter()
                .map(|(key, value)| (storable(key), value))
                .collect();
        }
        object.values_mut().for_each(clean);
        if size_of_object(&object) > MAX_FREE_BYTES {
            let lost = cut_object(&mut object);
            self.warn(
                name,
                &format!(
                    "is larger than {MAX_FREE_BYTES} bytes: {lost} of its properties were cut or left out"
                ),
            );
        }
        object
    }

    /// What is kept of a field that may have been sent twice.
    fn kept(&self, name: &str) -> Option<&Value> {
        if self.value(name).is_err() {
            self.warn(name, "is sent twice with different values, and the first is kept");
        }
        self.first(name)
    }
}

/// Characters of a name in a warning.
const MAX_SHOWN: usize = 64;

/// The first `limit` characters.
pub fn cut_to(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text.into();
    }
    match text.char_indices().nth(limit) {
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned().into(),
        None => text.into(),
    }
}

/// Without NUL, which Postgres cannot store.
fn storable(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Number(number) if !is_sane(number) => *value = Value::String(number.as_str().to_owned()),
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(inner) => {
            if inner.keys().any(|key| key.contains('\0')) {
                *inner = std::mem::take(inner)
                    .into_iter()
                    .map(|(key, value)| (storable(key), value))
                    .collect();
            }
            inner.values_mut().for_each(clean);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Makes `object` fit: keeps what fits, in the order of the names, and of a text that does not its beginning. Returns how many
/// properties were cut or left out.
fn cut_object(object: &mut MetaData) -> usize {
    let mut left = MAX_FREE_BYTES.saturating_sub(2);
    let mut lost = 0;
    let all = std::mem::take(object);
    for (key, value) in all {
        let around = text_size(&key) + 2;
        let size = around + size(&value);
        if size <= left {
            left -= size;
            object.insert(key, value);
            continue;
        }
        lost += 1;
        let room = left.saturating_sub(around + 2);
        if let Value::String(text) = value
            && room > 0
        {
            let cut = cut_to_bytes(&text, room);
            left = left.saturating_sub(around + text_size(&cut));
            object.insert(key, cut.into());
        }
    }
    lost
}

fn size_of_object(object: &Map<String, Value>) -> usize {
    2 + object
        .iter()
        .map(|(key, value)| text_size(key) + size(value) + 2)
        .sum::<usize>()
}

/// Bytes of `value` as JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text_size(text),
        Value::Array(list) => 2 + list.iter().map(|value| size(value) + 1).sum::<usize>(),
        Value::Object(inner) => size_of_object(inner),
    }
}

fn text_size(text: &str) -> usize {
    2 + text.chars().map(size_of_char).sum::<usize>()
}

/// As JSON escapes it.
fn size_of_char(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

fn cut_to_bytes(text: &str, room: usize) -> String {
    let mut left = room;
    let fits = |c: &char| {
        let size = size_of_char(*c);
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
#[path = "free_tests.rs"]
mod tests;
