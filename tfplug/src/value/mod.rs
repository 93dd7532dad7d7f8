//! Terraform values: what configuration, plans and states are made of.

mod number;
mod set;
mod types;

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

pub use number::{Number, NumberError};
pub use set::ValueSet;
pub use types::{Type, TypeError};

static NULL: Value = Value::Null;

/// A value of the Terraform language.
///
/// Equality is Terraform's: sets have no order, numbers compare by value however they were written.
/// Build strings through [`Value::string`] or `From`, which normalize to NFC as core does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Absent.
    Null,
    /// Not known yet, of any type. Refinements that core sends with it are dropped.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// A string in Unicode normalization form C.
    String(String),
    /// A list: ordered, all of one type.
    List(Vec<Value>),
    /// A set: unordered, no two equal elements, all of one type.
    Set(ValueSet),
    /// A tuple: ordered, each element of its own type.
    Tuple(Vec<Value>),
    /// A map: string keys, all values of one type.
    Map(BTreeMap<String, Value>),
    /// An object: exactly the attributes of its type, the null ones too.
    Object(BTreeMap<String, Value>),
    /// A value of an attribute whose type is [`Type::Dynamic`], with the type it turned out to have.
    Dynamic(Box<Dynamic>),
}

/// A value together with the type it was given at run time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dynamic {
    /// What the value conforms to.
    pub ty: Type,
    /// The value itself.
    pub value: Value,
}

impl Value {
    /// Builds a string, normalized to NFC.
    pub fn string(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.is_ascii() {
            Self::String(text.to_owned())
        } else {
            Self::String(text.nfc().collect())
        }
    }

    /// Builds a list.
    pub fn list<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }

    /// Builds a set; equal elements become one.
    pub fn set<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Set(elements.into_iter().map(Into::into).collect())
    }

    /// Builds a map.
    pub fn map<K: Into<String>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (normalized(key.into()), value.into()))
                .collect(),
        )
    }

    /// Builds an object of the given attributes.
    ///
    /// ```
    /// use tfplug::Value;
    /// let value = Value::object([("name", "a".into()), ("size", Value::Null)]);
    /// assert_eq!(value.get("name").as_str(), Some("a"));
    /// ```
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// Returns whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self.plain(), Self::Null)
    }

    /// Returns whether this is unknown as a whole.
    pub fn is_unknown(&self) -> bool {
        matches!(self.plain(), Self::Unknown)
    }

    /// Returns whether neither this nor anything inside it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(elements) | Self::Tuple(elements) => {
                elements.iter().all(Self::is_wholly_known)
            }
            Self::Set(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Map(entries) | Self::Object(entries) => {
                entries.values().all(Self::is_wholly_known)
            }
            Self::Dynamic(dynamic) => dynamic.value.is_wholly_known(),
        }
    }

    /// Returns the value without the type a dynamic attribute carries beside it.
    pub fn plain(&self) -> &Value {
        match self {
            Self::Dynamic(dynamic) => dynamic.value.plain(),
            other => other,
        }
    }

    /// Returns the attribute of an object, or the entry of a map; null where there is none, and of null itself.
    ///
    /// An attribute of an unknown object is unknown.
    pub fn get(&self, name: &str) -> &Value {
        match self.plain() {
            Self::Object(entries) | Self::Map(entries) => entries.get(name).unwrap_or(&NULL),
            unknown @ Self::Unknown => unknown,
            _ => &NULL,
        }
    }

    /// Sets an attribute of an object, or an entry of a map; null becomes an object first. Other values stay as they are.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        if matches!(self, Self::Null) {
            *self = Self::Object(BTreeMap::new());
        }
        if let Self::Object(entries) | Self::Map(entries) = self {
            entries.insert(name.into(), value.into());
        }
    }

    /// Returns the value with one attribute set, see [`Value::insert`].
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Returns the text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self.plain() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a known boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.plain() {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns a known number.
    pub fn as_number(&self) -> Option<&Number> {
        match self.plain() {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns a known number that is an integer in the range of `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// Returns the elements of a known list, tuple or set (a set's in its fixed order).
    pub fn as_elements(&self) -> Option<&[Value]> {
        match self.plain() {
            Self::List(elements) | Self::Tuple(elements) => Some(elements),
            Self::Set(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the entries of a known map or object.
    pub fn as_entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self.plain() {
            Self::Map(entries) | Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns what kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown => "an unknown value",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Tuple(_) => "a tuple",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_) => "a dynamic value",
        }
    }
}

/// Normalizes to NFC, without a copy for plain ASCII.
pub(crate) fn normalized(text: String) -> String {
    if text.is_ascii() {
        text
    } else {
        text.nfc().collect()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(normalized(text))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::string(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

macro_rules! from_integers {
    ($($integer:ty),+) => {$(
        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::Number(Number::from(value))
            }
        }
    )+};
}
from_integers!(i32, i64, u8, u16, u32, u64);

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_normalized_on_the_way_in() {
        assert_eq!(Value::from("e\u{301}"), Value::from("\u{e9}"));
        assert_eq!(
            Value::map([("e\u{301}", "x")]).get("\u{e9}").as_str(),
            Some("x")
        );
    }

    #[test]
    fn attributes_of_nothing_are_null_and_of_the_unknown_unknown() {
        assert!(Value::Null.get("a").is_null());
        assert!(Value::Unknown.get("a").is_unknown());
        assert!(Value::object([("a", Value::Null)]).get("b").is_null());
    }

    #[test]
    fn one_unknown_deep_inside_makes_a_value_not_wholly_known() {
        let inner = Value::object([("x", Value::Unknown)]);
        let value = Value::object([("list", Value::list([inner]))]);
        assert!(!value.is_unknown());
        assert!(!value.is_wholly_known());
        assert!(value.with("list", Value::Null).is_wholly_known());
    }
}
