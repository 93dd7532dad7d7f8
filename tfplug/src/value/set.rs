//! Sets of values.

use std::ops::Deref;

use super::Value;

/// The elements of a set: equal wholly known elements are one, and order carries no meaning.
///
/// Elements that hold unknowns never coalesce: each may turn out to be different.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueSet(Vec<Value>);

impl ValueSet {
    /// Returns whether an equal element is in the set.
    pub fn contains(&self, value: &Value) -> bool {
        self.0.binary_search(value).is_ok()
    }
}

impl<V: Into<Value>> FromIterator<V> for ValueSet {
    fn from_iter<I: IntoIterator<Item = V>>(elements: I) -> Self {
        let mut elements: Vec<Value> = elements.into_iter().map(Into::into).collect();
        elements.sort();
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Self(elements)
    }
}

impl Deref for ValueSet {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl IntoIterator for ValueSet {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a ValueSet {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_duplicates_do_not_count() {
        assert_eq!(Value::set(["b", "a", "b"]), Value::set(["a", "b"]));
        assert_eq!(
            Value::set([Value::Unknown, Value::Unknown])
                .as_elements()
                .map(<[_]>::len),
            Some(2)
        );
    }
}
