use tfplug::{
    Type,
    testing::{decode_value, encode_value},
};

/// A value is read or refused; what is read is written so that it is read as the same value.
///
/// Of a value of any type (`dynamic`), the bytes bring the type with them.
pub fn values(data: &[u8]) {
    let text = || Type::String;
    let types = [
        Type::Dynamic,
        Type::Number,
        Type::list(text()),
        Type::set(Type::Dynamic),
        Type::map(Type::Number),
        Type::object([("a", text()), ("b", Type::list(Type::Bool))]),
    ];
    for ty in types {
        let Ok(value) = decode_value(data, &ty) else {
            continue;
        };
        let bytes = encode_value(&value, &ty).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        let again = decode_value(&bytes, &ty).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        assert_eq!(value, again);
    }
}
