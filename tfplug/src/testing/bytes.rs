//! Values as they travel, for tests that feed a decoder with bytes of their own.

use crate::{Type, Value, codec};

/// Reads MessagePack as a request's values are read; an error says what is wrong and where, without
/// any value.
pub fn decode_value(bytes: &[u8], ty: &Type) -> Result<Value, String> {
    codec::decode(bytes, ty).map_err(|error| error.to_string())
}

/// Writes MessagePack as an answer's values are written; an error says what does not fit the type.
pub fn encode_value(value: &Value, ty: &Type) -> Result<Vec<u8>, String> {
    codec::encode(value, ty).map_err(|error| error.to_string())
}

/// Reads a stored state's JSON text as core hands it over; an error says what is wrong and where, without any value.
pub fn decode_state(json: &[u8], ty: &Type) -> Result<Value, String> {
    codec::decode_state(json, ty).map_err(|error| error.to_string())
}
