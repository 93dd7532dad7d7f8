//! Types of values, and their JSON form.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `dynamic`: any type, decided at run time.
    Dynamic,
    /// `list(T)`
    List(Box<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `tuple([T, ...])`
    Tuple(Vec<Type>),
    /// `object({name = T, ...})`
    Object(BTreeMap<String, Type>),
}

/// Why bytes are not the JSON form of a type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// Not JSON.
    #[error("type is not JSON")]
    Syntax(#[from] serde_json::Error),
    /// JSON, but of no type's shape.
    #[error("`{0}` is not a type")]
    Shape(String),
}

impl Type {
    /// Returns `list(element)`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// Returns `set(element)`.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// Returns `map(element)`.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// Returns the object type of these attributes.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    /// Parses the JSON form, for example `["list","string"]`.
    ///
    /// The optional third element of `["object",{...},[...]]` concerns configuration only and is dropped.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TypeError> {
        Self::from_json_value(&serde_json::from_slice(bytes)?)
    }

    pub(crate) fn from_json_value(json: &Json) -> Result<Self, TypeError> {
        let wrong = || TypeError::Shape(json.to_string());
        if let Some(name) = json.as_str() {
            return match name {
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(wrong()),
            };
        }
        let parts = json.as_array().map(Vec::as_slice).ok_or_else(wrong)?;
        let name = parts.first().and_then(Json::as_str).ok_or_else(wrong)?;
        match (name, &parts[1..]) {
            ("list", [element]) => Ok(Self::list(Self::from_json_value(element)?)),
            ("set", [element]) => Ok(Self::set(Self::from_json_value(element)?)),
            ("map", [element]) => Ok(Self::map(Self::from_json_value(element)?)),
            ("tuple", [Json::Array(elements)]) => elements
                .iter()
                .map(Self::from_json_value)
                .collect::<Result<_, _>>()
                .map(Self::Tuple),
            ("object", [Json::Object(attributes)] | [Json::Object(attributes), Json::Array(_)]) => {
                attributes
                    .iter()
                    .map(|(name, ty)| Ok((name.clone(), Self::from_json_value(ty)?)))
                    .collect::<Result<_, _>>()
                    .map(Self::Object)
            }
            _ => Err(wrong()),
        }
    }

    /// Renders the JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        self.to_json_value().to_string().into_bytes()
    }

    pub(crate) fn to_json_value(&self) -> Json {
        let pair = |name: &str, inner: Json| Json::Array(vec![name.into(), inner]);
        match self {
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(element) => pair("list", element.to_json_value()),
            Self::Set(element) => pair("set", element.to_json_value()),
            Self::Map(element) => pair("map", element.to_json_value()),
            Self::Tuple(elements) => {
                pair("tuple", elements.iter().map(Self::to_json_value).collect())
            }
            Self::Object(attributes) => {
                let attributes = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json_value()))
                    .collect();
                pair("object", Json::Object(attributes))
            }
        }
    }
}

/// Terraform's own spelling of the type, as in a variable's `type` argument.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("dynamic"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
            Self::Object(attributes) => {
                f.write_str("object({")?;
                for (index, (name, ty)) in attributes.iter().enumerate() {
                    write!(f, "{}{name}={ty}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_back() {
        for text in [
            r#""bool""#,
            r#"["list","string"]"#,
            r#"["map",["set","number"]]"#,
            r#"["tuple",["string","dynamic"]]"#,
            r#"["object",{"a":"string","b":["list","bool"]}]"#,
        ] {
            let ty = Type::from_json(text.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(ty.to_json()).unwrap(), text);
        }
        let optional = Type::from_json(br#"["object",{"a":"string"},["a"]]"#).unwrap();
        assert_eq!(optional, Type::object([("a", Type::String)]));
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in [
            "",
            "null",
            r#""strin""#,
            "[]",
            r#"["list"]"#,
            r#"["object",["a"]]"#,
            r#"["set","string","string"]"#,
        ] {
            assert!(Type::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }
}
