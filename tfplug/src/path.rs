//! Paths to attributes, for diagnostics and replacements.

use std::fmt;

/// The way from the root of a configuration or state to a value inside it.
///
/// ```
/// use tfplug::AttributePath;
/// let path = AttributePath::attribute("side").key("standby").then("zone_id");
/// assert_eq!(path.to_string(), r#"side["standby"].zone_id"#);
/// ```
///
/// Elements of sets have no step of their own: a path stops at the set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath {
    steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into an attribute of an object.
    Attribute(String),
    /// Into an entry of a map.
    Key(String),
    /// Into an element of a list or tuple.
    Index(i64),
}

impl AttributePath {
    /// Returns the empty path: the whole resource, data source or provider block.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns the path of a top-level attribute.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self::root().then(name)
    }

    /// Returns the path to an attribute of the object at this path.
    #[must_use]
    pub fn then(self, name: impl Into<String>) -> Self {
        self.step(Step::Attribute(name.into()))
    }

    /// Returns the path to an entry of the map at this path.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }

    /// Returns the path to an element of the list or tuple at this path.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// Returns the path with one step more.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Returns the steps from the root on.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }
}

impl From<&str> for AttributePath {
    fn from(name: &str) -> Self {
        Self::attribute(name)
    }
}

/// Terraform's notation; the root is empty.
impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.steps.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
