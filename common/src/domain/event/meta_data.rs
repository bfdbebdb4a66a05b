//! Data that clients attach for themselves. No rule reads it, so it is carried as the text that it came as, and read where somebody asks.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value, value::RawValue};

/// Properties of an object at most that is changed one by one (seed: REST 1.6, meta data). What comes with a sale may have more.
pub const MAX_META_PROPERTIES: usize = 100;
/// How deep what is read may be nested: beyond it serde_json refuses to.
const MAX_DEPTH: usize = 127;

/// Free data that a client attaches; values are JSON.
#[derive(Clone, Default)]
pub struct MetaData {
    /// As it came. `None`: `map` is what counts.
    text: Option<Arc<RawValue>>,
    /// What is in `text`, once somebody has asked.
    read: OnceLock<Arc<Map<String, Value>>>,
    map: Arc<Map<String, Value>>,
}

impl MetaData {
    pub fn new() -> Self {
        Self::default()
    }

    fn map(&self) -> &Arc<Map<String, Value>> {
        match &self.text {
            None => &self.map,
            Some(text) => self.read.get_or_init(|| Arc::new(parsed(text))),
        }
    }

    /// As a map of its own.
    pub fn into_map(self) -> Map<String, Value> {
        Arc::unwrap_or_clone(Arc::clone(self.map()))
    }
}

/// An object: whoever made a text of it has looked.
fn parsed(text: &RawValue) -> Map<String, Value> {
    serde_json::from_str(text.get()).unwrap_or_default()
}

impl Deref for MetaData {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        self.map()
    }
}

impl DerefMut for MetaData {
    fn deref_mut(&mut self) -> &mut Self::Target {
        if self.text.is_some() {
            *self = Self::of(Arc::clone(self.map()));
        }
        Arc::make_mut(&mut self.map)
    }
}

impl MetaData {
    fn of(map: Arc<Map<String, Value>>) -> Self {
        Self {
            text: None,
            read: OnceLock::new(),
            map,
        }
    }
}

impl From<Map<String, Value>> for MetaData {
    fn from(map: Map<String, Value>) -> Self {
        Self::of(Arc::new(map))
    }
}

impl From<MetaData> for Value {
    fn from(data: MetaData) -> Self {
        Self::Object(data.into_map())
    }
}

impl FromIterator<(String, Value)> for MetaData {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(properties: T) -> Self {
        Map::from_iter(properties).into()
    }
}

impl Extend<(String, Value)> for MetaData {
    fn extend<T: IntoIterator<Item = (String, Value)>>(&mut self, properties: T) {
        (**self).extend(properties);
    }
}

impl IntoIterator for MetaData {
    type Item = (String, Value);
    type IntoIter = serde_json::map::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.into_map().into_iter()
    }
}

impl<'a> IntoIterator for &'a MetaData {
    type Item = (&'a String, &'a Value);
    type IntoIter = serde_json::map::Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for MetaData {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Arc<RawValue>, &Arc<RawValue>)| one.get() == other.get();
        self.text.as_ref().zip(other.text.as_ref()).is_some_and(is_same) || self.map() == other.map()
    }
}

impl std::fmt::Debug for MetaData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.map().fmt(f)
    }
}

impl Serialize for MetaData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => text.serialize(serializer),
            None => self.map.serialize(serializer),
        }
    }
}

/// From JSON only.
impl<'de> Deserialize<'de> for MetaData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if !text.get().starts_with('{') {
            return Err(D::Error::custom("data of a client is an object"));
        }
        if depth(text.get()) > MAX_DEPTH {
            return Err(D::Error::custom("data of a client is nested too deep"));
        }
        if text.get() == "{}" {
            return Ok(Self::default());
        }
        Ok(Self {
            text: Some(text.into()),
            read: OnceLock::new(),
            map: Arc::default(),
        })
    }
}

/// How deep objects and arrays are nested in valid JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// A change of one property (seed: REST 1.6, meta data by key). Two of them at once both take effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetaChange {
    Set {
        key: String,
        value: Value,
    },
    /// What is not there is removed already.
    Remove {
        key: String,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Result<MetaData, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_came_is_carried_as_it_came_and_read_when_asked() {
        let json = r#"{"b": 1.0, "a":{"x": [1,2]},"b":2}"#;
        let mut data = read(json).unwrap();
        assert_eq!(serde_json::to_string(&data).unwrap(), json);
        assert_eq!(data.get("b"), Some(&2.into()), "the last of two counts");
        assert_eq!(data, data.clone());
        let before = data.clone();
        data.insert("c".to_owned(), true.into());
        assert_eq!(
            serde_json::to_string(&data).unwrap(),
            r#"{"a":{"x":[1,2]},"b":2,"c":true}"#
        );
        assert_eq!(before.len(), 2, "a copy is its own");
        assert_eq!(before, MetaData::from(before.clone().into_map()));
    }

    #[test]
    fn only_objects_are_read_and_none_that_is_nested_too_deep() {
        for wrong in ["[]", "1", "null", "\"{}\"", "{", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let nested = |depth: usize| {
            let inner = depth - 1;
            format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
        };
        assert!(!read(&nested(MAX_DEPTH)).unwrap().is_empty(), "it can be parsed");
        assert!(read(&nested(MAX_DEPTH + 1)).is_err());
    }

    #[test]
    fn brackets_in_texts_are_no_nesting() {
        assert_eq!(depth(r#"{"[{\"[":"\\","b":["]"]}"#), 2);
    }

    proptest! {
        #[test]
        fn it_is_as_a_map_is(keys in proptest::collection::vec(("[a-c]", ".{0,9}"), 0..6)) {
            let map: Map<String, Value> = keys.into_iter().map(|(key, value)| (key, value.into())).collect();
            let data = read(&serde_json::to_string(&map).unwrap()).unwrap();
            prop_assert_eq!(&*data, &map);
            prop_assert_eq!(serde_json::to_value(&data).unwrap(), Value::Object(map.clone()));
            prop_assert_eq!(serde_json::from_value::<MetaData>(Value::Object(map.clone())).unwrap(), MetaData::from(map));
        }
    }
}
