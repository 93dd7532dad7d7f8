//! Values to MessagePack.

use std::borrow::Cow;

use rmp::encode::{self, ValueWriteError};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{CodecError, MAX_DEPTH};
use crate::{AttributePath, Number, Type, Value};

/// An unknown without refinements, as core writes it.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];

/// Encodes a value of a type, or says where the two do not fit.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, CodecError> {
    let mut writer = Writer { bytes: Vec::new() };
    writer.value(value, ty, &AttributePath::root(), 0)?;
    Ok(writer.bytes)
}

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn value(
        &mut self,
        value: &Value,
        ty: &Type,
        path: &AttributePath,
        depth: usize,
    ) -> Result<(), CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::new(path, "nested too deeply"));
        }
        match (ty, value) {
            (_, Value::Unknown) => self.bytes.extend_from_slice(&UNKNOWN),
            (_, Value::Null) => written(
                encode::write_nil(&mut self.bytes).map_err(ValueWriteError::InvalidMarkerWrite),
            ),
            (Type::Bool, Value::Bool(value)) => {
                written(
                    encode::write_bool(&mut self.bytes, *value)
                        .map_err(ValueWriteError::InvalidMarkerWrite),
                );
            }
            (Type::String, Value::String(text)) => self.text(text),
            (Type::Number, Value::Number(number)) => self.number(number),
            (Type::List(element), Value::List(elements)) => {
                self.array(elements.len(), path)?;
                for (index, value) in elements.iter().enumerate() {
                    self.value(value, element, &path.clone().index(index), depth + 1)?;
                }
            }
            (Type::Set(element), Value::Set(elements)) => {
                self.array(elements.len(), path)?;
                for value in elements {
                    self.value(value, element, path, depth + 1)
                        .map_err(|error| CodecError::new(path, error.problem))?;
                }
            }
            (Type::Tuple(types), Value::Tuple(elements)) if types.len() == elements.len() => {
                self.array(elements.len(), path)?;
                for (index, (value, ty)) in elements.iter().zip(types).enumerate() {
                    self.value(value, ty, &path.clone().index(index), depth + 1)?;
                }
            }
            (Type::Map(element), Value::Map(entries)) => {
                self.map(entries.len(), path)?;
                for (key, value) in entries {
                    self.text(key);
                    self.value(value, element, &path.clone().key(key), depth + 1)?;
                }
            }
            (Type::Object(types), Value::Object(attributes)) => {
                if let Some(extra) = attributes.keys().find(|name| !types.contains_key(*name)) {
                    return Err(CodecError::new(
                        &path.clone().then(extra),
                        "no such attribute in the schema",
                    ));
                }
                self.map(types.len(), path)?;
                for (name, ty) in types {
                    let path = path.clone().then(name);
                    let value = attributes.get(name).ok_or_else(|| {
                        CodecError::new(&path, "attribute is missing, it must at least be null")
                    })?;
                    self.text(name);
                    self.value(value, ty, &path, depth + 1)?;
                }
            }
            (Type::Dynamic, value) => {
                let (ty, value) = match value {
                    Value::Dynamic(dynamic) => (dynamic.ty.clone(), &dynamic.value),
                    Value::Bool(_) => (Type::Bool, value),
                    Value::Number(_) => (Type::Number, value),
                    Value::String(_) => (Type::String, value),
                    other => {
                        let problem = format!(
                            "{} in a dynamic attribute needs its type beside it",
                            other.kind()
                        );
                        return Err(CodecError::new(path, problem));
                    }
                };
                self.array(2, path)?;
                written(encode::write_bin(&mut self.bytes, &ty.to_json()));
                self.value(value, &ty, path, depth + 1)?;
            }
            (ty, value) => {
                return Err(CodecError::new(
                    path,
                    format!("{} where {ty} is required", value.kind()),
                ));
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let text = if is_nfc(text) {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(text.nfc().collect())
        };
        written(encode::write_str(&mut self.bytes, &text));
    }

    /// Integers and floats where they are exact, decimal text where they are not: core does the same.
    fn number(&mut self, number: &Number) {
        if let Some(integer) = number.as_i64() {
            written(encode::write_sint(&mut self.bytes, integer).map(|_| ()));
        } else if let Some(float) = number.as_exact_f64().filter(|_| !number.is_integer()) {
            written(encode::write_f64(&mut self.bytes, float));
        } else {
            self.text(&number.to_string());
        }
    }

    fn array(&mut self, length: usize, path: &AttributePath) -> Result<(), CodecError> {
        let length =
            u32::try_from(length).map_err(|_| CodecError::new(path, "too many elements"))?;
        written(encode::write_array_len(&mut self.bytes, length).map(|_| ()));
        Ok(())
    }

    fn map(&mut self, length: usize, path: &AttributePath) -> Result<(), CodecError> {
        let length =
            u32::try_from(length).map_err(|_| CodecError::new(path, "too many entries"))?;
        written(encode::write_map_len(&mut self.bytes, length).map(|_| ()));
        Ok(())
    }
}

/// Takes note that writing to memory cannot fail.
#[expect(clippy::needless_pass_by_value, reason = "it ends a call chain")]
fn written(result: Result<(), ValueWriteError<std::io::Error>>) {
    debug_assert!(result.is_ok(), "writing to a vector failed");
}
