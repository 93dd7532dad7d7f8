//! MessagePack to values.

use std::collections::BTreeMap;

use rmp::Marker;

use super::{CodecError, MAX_DEPTH};
use crate::value::normalized;
use crate::{AttributePath, Dynamic, Number, Type, Value};

/// Decodes a value of a type. Unknowns, refined or not, are accepted anywhere; empty input is null.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader {
        rest: bytes,
        path: AttributePath::root(),
    };
    let value = reader.value(ty, 0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(reader.error("bytes after the end of the value"))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    path: AttributePath,
}

impl<'a> Reader<'a> {
    fn error(&self, problem: impl Into<String>) -> CodecError {
        CodecError::new(&self.path, problem)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.error("the bytes end too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads a big-endian unsigned integer of up to eight bytes.
    fn unsigned(&mut self, width: usize) -> Result<u64, CodecError> {
        Ok(self
            .take(width)?
            .iter()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// Reads a length of `width` bytes. It is believed only as far as bytes follow.
    fn length(&mut self, width: usize) -> Result<usize, CodecError> {
        let length = self.unsigned(width)?;
        usize::try_from(length).map_err(|_| self.error("a length is out of range"))
    }

    fn marker(&mut self) -> Result<Marker, CodecError> {
        Ok(Marker::from_u8(self.take(1)?[0]))
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, CodecError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let marker = self.marker()?;
        if marker == Marker::Null {
            return Ok(Value::Null);
        }
        if let Some(payload) = self.extension(marker)? {
            self.take(payload)?;
            return Ok(Value::Unknown);
        }
        match ty {
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(self.error("not a bool")),
            },
            Type::String => Ok(Value::String(self.text(marker, "not a string")?)),
            Type::Number => self.number(marker).map(Value::Number),
            Type::List(element) => self.elements(marker, |_| element, depth).map(Value::List),
            Type::Set(element) => {
                let at = self.path.clone();
                let elements = self
                    .elements(marker, |_| element, depth)
                    .map_err(|mut error| {
                        error.path = at;
                        error
                    })?;
                Ok(Value::Set(elements.into_iter().collect()))
            }
            Type::Tuple(types) => {
                let elements = self.elements(
                    marker,
                    |index| types.get(index).unwrap_or(&Type::Dynamic),
                    depth,
                )?;
                if elements.len() == types.len() {
                    Ok(Value::Tuple(elements))
                } else {
                    Err(self.error(format!("a tuple of {} elements is required", types.len())))
                }
            }
            Type::Map(element) => {
                let mut entries = BTreeMap::new();
                for _ in 0..self.map_length(marker)? {
                    let key = self.key()?;
                    let outer = std::mem::take(&mut self.path);
                    self.path = outer.clone().key(&key);
                    entries.insert(key, self.value(element, depth + 1)?);
                    self.path = outer;
                }
                Ok(Value::Map(entries))
            }
            Type::Object(types) => self.object(marker, types, depth),
            Type::Dynamic => self.dynamic(marker, depth),
        }
    }

    /// Returns the payload length if the marker begins an extension; its code does not matter, all are unknown.
    fn extension(&mut self, marker: Marker) -> Result<Option<usize>, CodecError> {
        let length = match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.length(1)?,
            Marker::Ext16 => self.length(2)?,
            Marker::Ext32 => self.length(4)?,
            _ => return Ok(None),
        };
        self.take(1)?;
        Ok(Some(length))
    }

    fn text(&mut self, marker: Marker, otherwise: &str) -> Result<String, CodecError> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 => self.length(1)?,
            Marker::Str16 => self.length(2)?,
            Marker::Str32 => self.length(4)?,
            _ => return Err(self.error(otherwise)),
        };
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.error("a string is not UTF-8"))?;
        Ok(normalized(text.to_owned()))
    }

    fn key(&mut self) -> Result<String, CodecError> {
        let marker = self.marker()?;
        self.text(marker, "a key is not a string")
    }

    fn number(&mut self, marker: Marker) -> Result<Number, CodecError> {
        let float = |reader: &Self, value: f64| {
            Number::from_f64(value).map_err(|error| reader.error(error.to_string()))
        };
        Ok(match marker {
            Marker::FixPos(value) => Number::from(value),
            Marker::FixNeg(value) => Number::from(i64::from(value)),
            Marker::U8 => Number::from(self.unsigned(1)?),
            Marker::U16 => Number::from(self.unsigned(2)?),
            Marker::U32 => Number::from(self.unsigned(4)?),
            Marker::U64 => Number::from(self.unsigned(8)?),
            Marker::I8 => Number::from(self.signed(1)?),
            Marker::I16 => Number::from(self.signed(2)?),
            Marker::I32 => Number::from(self.signed(4)?),
            Marker::I64 => Number::from(self.signed(8)?),
            Marker::F32 => {
                let bits = u32::try_from(self.unsigned(4)?).unwrap_or_default();
                float(self, f32::from_bits(bits).into())?
            }
            Marker::F64 => {
                let bits = self.unsigned(8)?;
                float(self, f64::from_bits(bits))?
            }
            other => {
                let text = self.text(other, "not a number")?;
                text.parse()
                    .map_err(|error: crate::NumberError| self.error(error.to_string()))?
            }
        })
    }

    fn signed(&mut self, width: usize) -> Result<i64, CodecError> {
        let unused = 64 - 8 * u32::try_from(width).unwrap_or(8);
        Ok((self.unsigned(width)?.cast_signed() << unused) >> unused)
    }

    fn elements<'t>(
        &mut self,
        marker: Marker,
        element: impl Fn(usize) -> &'t Type,
        depth: usize,
    ) -> Result<Vec<Value>, CodecError> {
        let length = match marker {
            Marker::FixArray(length) => usize::from(length),
            Marker::Array16 => self.length(2)?,
            Marker::Array32 => self.length(4)?,
            _ => return Err(self.error("not an array")),
        };
        let mut elements = Vec::new();
        let outer = self.path.clone();
        for index in 0..length {
            self.path = outer.clone().index(index);
            elements.push(self.value(element(index), depth + 1)?);
        }
        self.path = outer;
        Ok(elements)
    }

    fn map_length(&mut self, marker: Marker) -> Result<usize, CodecError> {
        match marker {
            Marker::FixMap(length) => Ok(usize::from(length)),
            Marker::Map16 => self.length(2),
            Marker::Map32 => self.length(4),
            _ => Err(self.error("not a map")),
        }
    }

    fn object(
        &mut self,
        marker: Marker,
        types: &BTreeMap<String, Type>,
        depth: usize,
    ) -> Result<Value, CodecError> {
        let mut attributes = BTreeMap::new();
        for _ in 0..self.map_length(marker)? {
            let name = self.key()?;
            let outer = std::mem::take(&mut self.path);
            self.path = outer.clone().then(&name);
            let ty = types
                .get(&name)
                .ok_or_else(|| self.error("no such attribute"))?;
            attributes.insert(name, self.value(ty, depth + 1)?);
            self.path = outer;
        }
        match types.keys().find(|name| !attributes.contains_key(*name)) {
            None => Ok(Value::Object(attributes)),
            Some(missing) => Err(CodecError::new(
                &self.path.clone().then(missing),
                "attribute is missing",
            )),
        }
    }

    fn dynamic(&mut self, marker: Marker, depth: usize) -> Result<Value, CodecError> {
        let pair = match marker {
            Marker::FixArray(length) => usize::from(length),
            Marker::Array16 => self.length(2)?,
            Marker::Array32 => self.length(4)?,
            _ => 0,
        };
        if pair != 2 {
            return Err(self.error("not a pair of type and value"));
        }
        let length = match self.marker()? {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 | Marker::Bin8 => self.length(1)?,
            Marker::Str16 | Marker::Bin16 => self.length(2)?,
            Marker::Str32 | Marker::Bin32 => self.length(4)?,
            _ => return Err(self.error("a dynamic value's type is not text")),
        };
        let json = self.take(length)?;
        let ty = Type::from_json(json).map_err(|error| self.error(error.to_string()))?;
        let value = self.value(&ty, depth + 1)?;
        Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
    }
}
