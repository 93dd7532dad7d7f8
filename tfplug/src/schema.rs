//! Schemas: what configuration a block takes and what its state holds.

use std::collections::BTreeMap;

use crate::{Type, Value};

/// The schema of a provider, resource or data source.
///
/// ```
/// use tfplug::{Attribute, NestedType, Schema, Type};
/// let schema = Schema::new(0, [
///     ("name", Attribute::required(Type::String).describe("The *name*.")),
///     ("check", Attribute::optional(NestedType::single([("path", Attribute::optional(Type::String))]))),
///     ("id", Attribute::computed(Type::String)),
/// ]);
/// assert_eq!(schema.object([("name", "a".into())]).get("id"), &tfplug::Value::Null);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The version of the state that goes with it; raise it when old states need an upgrade.
    pub version: u32,
    /// The attributes.
    pub block: Block,
}

/// The body of a block: its attributes. Nested blocks are left out on purpose, nested attributes replace them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// What it is for, in Markdown.
    pub description: String,
    /// Why it should not be used any more, if so.
    pub deprecated: Option<String>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What values it takes.
    pub ty: AttributeType,
    /// Who sets it.
    pub presence: Presence,
    /// Whether core hides its value, and the SDK keeps it out of messages.
    pub sensitive: bool,
    /// What it means, in Markdown.
    pub description: String,
    /// Why it should not be used any more, if so.
    pub deprecated: Option<String>,
}

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The configuration, always.
    Required,
    /// The configuration, or nobody.
    Optional,
    /// The configuration, else the provider.
    OptionalComputed,
    /// The provider.
    Computed,
}

impl Presence {
    /// Returns whether the provider may choose the value where the configuration is null.
    pub fn is_computed(self) -> bool {
        matches!(self, Self::OptionalComputed | Self::Computed)
    }
}

/// What values an attribute takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// Values of one type.
    Plain(Type),
    /// Objects, or a collection of objects, whose attributes have schemas of their own.
    Nested(NestedType),
}

/// A nested attribute: objects whose attributes have schemas of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedType {
    /// One object, or which collection of them.
    pub nesting: Nesting,
    /// The attributes of each object.
    pub attributes: BTreeMap<String, Attribute>,
}

/// How many objects a nested attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects.
    Map,
}

impl Schema {
    /// Returns the schema of these attributes.
    pub fn new<N: Into<String>>(
        version: u32,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        Self {
            version,
            block: Block {
                attributes: collect(attributes),
                ..Block::default()
            },
        }
    }

    /// Returns the schema with a description in Markdown.
    #[must_use]
    pub fn describe(mut self, markdown: impl Into<String>) -> Self {
        self.block.description = markdown.into();
        self
    }

    /// Returns the type of a configuration or state under this schema.
    pub fn ty(&self) -> Type {
        object_type(&self.block.attributes)
    }

    /// Returns an object with every attribute of the schema: those given, and null for the others.
    pub fn object<K: Into<String>>(
        &self,
        attributes: impl IntoIterator<Item = (K, Value)>,
    ) -> Value {
        let nulls = self
            .block
            .attributes
            .keys()
            .map(|name| (name.clone(), Value::Null));
        let given = attributes
            .into_iter()
            .map(|(name, value)| (name.into(), value));
        Value::Object(nulls.chain(given).collect())
    }
}

impl Attribute {
    /// Returns an attribute that the configuration must set.
    pub fn required(ty: impl Into<AttributeType>) -> Self {
        Self::new(ty.into(), Presence::Required)
    }

    /// Returns an attribute that the configuration may set.
    pub fn optional(ty: impl Into<AttributeType>) -> Self {
        Self::new(ty.into(), Presence::Optional)
    }

    /// Returns an attribute that the provider chooses where the configuration does not.
    pub fn optional_computed(ty: impl Into<AttributeType>) -> Self {
        Self::new(ty.into(), Presence::OptionalComputed)
    }

    /// Returns an attribute that only the provider sets.
    pub fn computed(ty: impl Into<AttributeType>) -> Self {
        Self::new(ty.into(), Presence::Computed)
    }

    fn new(ty: AttributeType, presence: Presence) -> Self {
        Self {
            ty,
            presence,
            sensitive: false,
            description: String::new(),
            deprecated: None,
        }
    }

    /// Returns the attribute marked sensitive.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Returns the attribute with a description in Markdown.
    #[must_use]
    pub fn describe(mut self, markdown: impl Into<String>) -> Self {
        self.description = markdown.into();
        self
    }

    /// Returns the attribute marked deprecated, with the reason and what to use instead.
    #[must_use]
    pub fn deprecate(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// Returns the type of the attribute's values.
    pub fn value_type(&self) -> Type {
        match &self.ty {
            AttributeType::Plain(ty) => ty.clone(),
            AttributeType::Nested(nested) => nested.ty(),
        }
    }
}

impl NestedType {
    /// Returns one object of these attributes.
    pub fn single<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self {
            nesting: Nesting::Single,
            attributes: collect(attributes),
        }
    }

    /// Returns a list of objects of these attributes.
    pub fn list<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self {
            nesting: Nesting::List,
            attributes: collect(attributes),
        }
    }

    /// Returns a set of objects of these attributes.
    pub fn set<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self {
            nesting: Nesting::Set,
            attributes: collect(attributes),
        }
    }

    /// Returns a map of objects of these attributes.
    pub fn map<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self {
            nesting: Nesting::Map,
            attributes: collect(attributes),
        }
    }

    /// Returns the type of the attribute's values.
    pub fn ty(&self) -> Type {
        let object = object_type(&self.attributes);
        match self.nesting {
            Nesting::Single => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }
}

impl From<Type> for AttributeType {
    fn from(ty: Type) -> Self {
        Self::Plain(ty)
    }
}

impl From<NestedType> for AttributeType {
    fn from(nested: NestedType) -> Self {
        Self::Nested(nested)
    }
}

fn collect<N: Into<String>>(
    attributes: impl IntoIterator<Item = (N, Attribute)>,
) -> BTreeMap<String, Attribute> {
    attributes
        .into_iter()
        .map(|(name, attribute)| (name.into(), attribute))
        .collect()
}

fn object_type(attributes: &BTreeMap<String, Attribute>) -> Type {
    Type::object(
        attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), attribute.value_type())),
    )
}
