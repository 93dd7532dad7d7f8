//! Stored states (JSON text) to values.

use std::collections::BTreeMap;

use super::json::{self, Json};
use super::{CodecError, MAX_DEPTH};
use crate::value::normalized;
use crate::{AttributePath, Dynamic, Type, Value};

/// Decodes the JSON text of a stored state of the present schema version.
///
/// Attributes that the schema does not have are dropped and those it gained are null: a schema may change that much
/// without a new version. Primitive values convert into each other where the text allows it, as core's own reader does.
pub(crate) fn decode_state(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    let root = AttributePath::root();
    let document = json::parse(bytes).map_err(|problem| CodecError::new(&root, problem))?;
    value(&document, ty, &root, 0)
}

fn value(json: &Json, ty: &Type, path: &AttributePath, depth: usize) -> Result<Value, CodecError> {
    if depth > MAX_DEPTH {
        return Err(CodecError::new(path, "nested too deeply"));
    }
    let wrong = || CodecError::new(path, format!("the stored value is not {ty}"));
    let elements = |elements: &[Json], element: &Type| {
        elements
            .iter()
            .enumerate()
            .map(|(index, json)| value(json, element, &path.clone().index(index), depth + 1))
            .collect::<Result<Vec<_>, _>>()
    };
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Bool, Json::String(text)) => text.parse().map(Value::Bool).map_err(|_| wrong()),
        (Type::Number, Json::Number(number)) => Ok(Value::Number(number.clone())),
        (Type::Number, Json::String(text)) => text.parse().map(Value::Number).map_err(|_| wrong()),
        (Type::String, Json::String(text)) => Ok(Value::string(text)),
        (Type::String, Json::Number(number)) => Ok(Value::string(number.to_string())),
        (Type::String, Json::Bool(value)) => Ok(Value::string(value.to_string())),
        (Type::List(element), Json::Array(array)) => elements(array, element).map(Value::List),
        (Type::Set(element), Json::Array(array)) => Ok(Value::set(elements(array, element)?)),
        (Type::Tuple(types), Json::Array(array)) if types.len() == array.len() => array
            .iter()
            .zip(types)
            .enumerate()
            .map(|(index, (json, ty))| value(json, ty, &path.clone().index(index), depth + 1))
            .collect::<Result<_, _>>()
            .map(Value::Tuple),
        (Type::Map(element), Json::Object(entries)) => entries
            .iter()
            .map(|(key, json)| {
                Ok((
                    normalized(key.clone()),
                    value(json, element, &path.clone().key(key), depth + 1)?,
                ))
            })
            .collect::<Result<BTreeMap<_, _>, _>>()
            .map(Value::Map),
        (Type::Object(types), Json::Object(entries)) => types
            .iter()
            .map(|(name, ty)| {
                let json = entries.get(name).unwrap_or(&Json::Null);
                Ok((
                    name.clone(),
                    value(json, ty, &path.clone().then(name), depth + 1)?,
                ))
            })
            .collect::<Result<BTreeMap<_, _>, _>>()
            .map(Value::Object),
        (Type::Dynamic, Json::Object(entries)) => {
            let (Some(ty), Some(inner)) = (entries.get("type"), entries.get("value")) else {
                return Err(wrong());
            };
            let ty = plain(ty)
                .and_then(|ty| Type::from_json_value(&ty).ok())
                .ok_or_else(wrong)?;
            let value = value(inner, &ty, path, depth + 1)?;
            Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
        }
        _ => Err(wrong()),
    }
}

/// Converts what may occur in the JSON form of a type.
fn plain(json: &Json) -> Option<serde_json::Value> {
    match json {
        Json::String(text) => Some(text.as_str().into()),
        Json::Array(elements) => elements
            .iter()
            .map(plain)
            .collect::<Option<Vec<_>>>()
            .map(Into::into),
        Json::Object(entries) => entries
            .iter()
            .map(|(key, json)| Some((key.clone(), plain(json)?)))
            .collect::<Option<serde_json::Map<_, _>>>()
            .map(Into::into),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}
