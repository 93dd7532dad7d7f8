use tfplug::{
    Type,
    testing::{decode_state, decode_value, encode_value},
};

/// A stored state is read or refused; what is read is a value of its type, known, and travels unchanged.
pub fn states(data: &[u8]) {
    let text = || Type::String;
    let types = [
        Type::Dynamic,
        Type::object([
            ("a", text()),
            ("b", Type::list(Type::Number)),
            ("c", Type::Dynamic),
        ]),
        Type::map(Type::set(Type::Bool)),
    ];
    for ty in types {
        let Ok(value) = decode_state(data, &ty) else {
            continue;
        };
        assert!(
            value.is_wholly_known(),
            "a stored state holds no unknown: {value:?}"
        );
        let bytes = encode_value(&value, &ty).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        let again = decode_value(&bytes, &ty).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        assert_eq!(value, again);
    }
}
