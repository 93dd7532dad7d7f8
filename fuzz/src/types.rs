use tfplug::Type;

/// A type is read or refused; what is read is written so that it is read as the same type.
pub fn types(data: &[u8]) {
    let Ok(ty) = Type::from_json(data) else {
        return;
    };
    let again = Type::from_json(&ty.to_json()).unwrap_or_else(|error| panic!("{ty}: {error}"));
    assert_eq!(ty, again);
}
