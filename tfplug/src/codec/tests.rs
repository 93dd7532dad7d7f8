use proptest::prelude::*;

use super::*;
use crate::{Dynamic, Number, Type, Value};

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn decoded(bytes: &str, ty: &Type) -> Value {
    decode(&hex(bytes), ty).unwrap()
}

#[test]
fn every_spelling_of_a_number_is_read() {
    for (bytes, expected) in [
        ("05", "5"),
        ("ff", "-1"),
        ("cc ff", "255"),
        ("cd ff ff", "65535"),
        ("ce ff ff ff ff", "4294967295"),
        ("cf ff ff ff ff ff ff ff ff", "18446744073709551615"),
        ("d0 80", "-128"),
        ("d1 80 00", "-32768"),
        ("d2 80 00 00 00", "-2147483648"),
        ("d3 80 00 00 00 00 00 00 00", "-9223372036854775808"),
        ("ca 3f 00 00 00", "0.5"),
        ("cb 3f b9 99 99 99 99 99 9a", "0.1"),
        ("cb 7f f0 00 00 00 00 00 00", "Inf"),
        ("a3 30 2e 31", "0.1"),
    ] {
        let expected: Number = expected.parse().unwrap();
        assert_eq!(
            decoded(bytes, &Type::Number),
            Value::Number(expected),
            "{bytes}"
        );
    }
    assert!(decode(&hex("cb 7f f8 00 00 00 00 00 00"), &Type::Number).is_err());
}

#[test]
fn numbers_are_written_as_core_writes_them() {
    for (text, expected) in [
        ("5", "05"),
        ("-1", "ff"),
        ("9223372036854775807", "cf 7f ff ff ff ff ff ff ff"),
        ("0.5", "cb 3f e0 00 00 00 00 00 00"),
        ("0.1", "a3 30 2e 31"),
        (
            "18446744073709551616",
            "b4 31 38 34 34 36 37 34 34 30 37 33 37 30 39 35 35 31 36 31 36",
        ),
        ("Inf", "cb 7f f0 00 00 00 00 00 00"),
    ] {
        let value = Value::Number(text.parse().unwrap());
        assert_eq!(
            encode(&value, &Type::Number).unwrap(),
            hex(expected),
            "{text}"
        );
    }
}

#[test]
fn unknowns_of_any_code_and_payload_are_unknown() {
    for bytes in [
        "d4 00 00",
        "c7 00 00",
        "d4 07 00",
        // {1: false, 2: "x-"}: refined, as Terraform sends it for "x-${res.id}"
        "c7 07 0c 82 01 c2 02 a2 78 2d",
        // {1: false, 3: [0, true]}
        "c7 06 0c 82 01 c2 03 92 00 c3",
    ] {
        let mut bytes = hex(bytes);
        if bytes[0] == 0xc7 {
            bytes[1] = u8::try_from(bytes.len() - 3).unwrap();
        }
        for ty in [
            Type::String,
            Type::Dynamic,
            Type::list(Type::Number),
            Type::object([("a", Type::Bool)]),
        ] {
            assert_eq!(decode(&bytes, &ty).unwrap(), Value::Unknown);
        }
    }
    assert_eq!(
        encode(&Value::Unknown, &Type::String).unwrap(),
        hex("d4 00 00")
    );
}

#[test]
fn empty_input_is_null_and_text_is_normalized() {
    assert_eq!(decode(&[], &Type::String).unwrap(), Value::Null);
    assert_eq!(decoded("a3 65 cc 81", &Type::String), Value::from("\u{e9}"));
    assert_eq!(
        encode(&Value::String("e\u{301}".into()), &Type::String).unwrap(),
        hex("a2 c3 a9")
    );
}

#[test]
fn objects_have_exactly_their_attributes() {
    let ty = Type::object([("a", Type::String), ("b", Type::Bool)]);
    let message = |result: Result<Value, CodecError>| result.unwrap_err().to_string();
    assert_eq!(
        message(decode(&hex("81 a1 61 c0"), &ty)),
        "b: attribute is missing"
    );
    assert_eq!(
        message(decode(&hex("81 a1 63 c0"), &ty)),
        "c: no such attribute"
    );
    assert_eq!(
        message(decode(&hex("82 a1 61 c0 a1 62 01"), &ty)),
        "b: not a bool"
    );
    let missing = encode(&Value::object([("a", Value::Null)]), &ty).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "b: attribute is missing, it must at least be null"
    );
    let wrong = Value::object([("a", 1.into()), ("b", Value::Null)]);
    assert_eq!(
        encode(&wrong, &ty).unwrap_err().to_string(),
        "a: a number where string is required"
    );
}

#[test]
fn sets_coalesce_and_dynamic_values_carry_their_type() {
    assert_eq!(
        decoded("93 a1 62 a1 61 a1 62", &Type::set(Type::String)),
        Value::set(["a", "b"])
    );
    let pair = "92 c4 08 22 73 74 72 69 6e 67 22 a1 78";
    let dynamic = Value::Dynamic(Box::new(Dynamic {
        ty: Type::String,
        value: "x".into(),
    }));
    assert_eq!(decoded(pair, &Type::Dynamic), dynamic);
    assert_eq!(encode(&dynamic, &Type::Dynamic).unwrap(), hex(pair));
    assert_eq!(encode(&"x".into(), &Type::Dynamic).unwrap(), hex(pair));
    // The type may come as text instead of bytes.
    assert_eq!(
        decoded("92 a8 22 73 74 72 69 6e 67 22 a1 78", &Type::Dynamic),
        dynamic
    );
    let typed_null = Value::Dynamic(Box::new(Dynamic {
        ty: Type::String,
        value: Value::Null,
    }));
    assert_eq!(
        decoded("92 c4 08 22 73 74 72 69 6e 67 22 c0", &Type::Dynamic),
        typed_null
    );
    assert!(typed_null.is_null());
}

#[test]
fn lengths_that_lie_are_refused() {
    for bytes in [
        "dd ff ff ff ff",
        "df ff ff ff ff",
        "db ff ff ff ff 61",
        "c9 ff ff ff ff 00",
        "92 c0",
        "c0 c0",
    ] {
        for ty in [
            Type::String,
            Type::list(Type::String),
            Type::map(Type::String),
            Type::Dynamic,
        ] {
            assert!(decode(&hex(bytes), &ty).is_err(), "{bytes} {ty}");
        }
    }
}

#[test]
fn stored_states_are_read_exactly_and_leniently() {
    let ty = Type::object([
        ("big", Type::Number),
        ("gained", Type::list(Type::String)),
        ("any", Type::Dynamic),
        ("set", Type::set(Type::String)),
        ("text", Type::String),
    ]);
    let json = r#" { "big": 123456789012345678901234567890.5, "dropped": {"x":[1]}, "text": "A\u00e9\"",
        "any": {"value": [1, true], "type": ["tuple", ["number", "bool"]]}, "set": ["b", "a", "b"] } "#;
    let state = decode_state(json.as_bytes(), &ty).unwrap();
    assert_eq!(
        state.get("big").as_number().unwrap().to_string(),
        "123456789012345678901234567890.5"
    );
    assert_eq!(state.get("text").as_str(), Some("A\u{e9}\""));
    assert_eq!(state.get("any").as_elements().map(<[_]>::len), Some(2));
    assert_eq!(*state.get("set"), Value::set(["a", "b"]));
    assert!(state.get("gained").is_null());
    assert!(state.as_entries().unwrap().contains_key("gained"));
    assert_eq!(
        decode_state(br#"{"big":[]}"#, &ty).unwrap_err().to_string(),
        "big: the stored value is not number"
    );
    assert!(decode_state(br#"{"big":1"#, &ty).is_err());
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::Number),
        Just(Type::String),
        Just(Type::Dynamic)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(Type::Object),
        ]
    })
}

/// Any value of a type.
pub(crate) fn values(ty: &Type) -> BoxedStrategy<Value> {
    let some = match ty.clone() {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => prop_oneof![
            any::<i64>().prop_map(Value::from),
            "-?[1-9][0-9]{0,30}(\\.[0-9]{1,10})?"
                .prop_map(|text| Value::Number(text.parse().unwrap())),
            Just(Value::Number(Number::INFINITY)),
        ]
        .boxed(),
        Type::String => ".{0,8}".prop_map(Value::from).boxed(),
        Type::Dynamic => any::<bool>()
            .prop_map(|value| {
                Value::Dynamic(Box::new(Dynamic {
                    ty: Type::Bool,
                    value: value.into(),
                }))
            })
            .boxed(),
        Type::List(element) => prop::collection::vec(values(&element), 0..3)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(element) => prop::collection::vec(values(&element), 0..3)
            .prop_map(Value::set)
            .boxed(),
        Type::Map(element) => prop::collection::vec((".{0,3}", values(&element)), 0..3)
            .prop_map(Value::map)
            .boxed(),
        Type::Tuple(types) => types
            .iter()
            .map(values)
            .collect::<Vec<_>>()
            .prop_map(Value::Tuple)
            .boxed(),
        Type::Object(types) => {
            let names: Vec<String> = types.keys().cloned().collect();
            types
                .values()
                .map(values)
                .collect::<Vec<_>>()
                .prop_map(move |values| Value::object(names.iter().cloned().zip(values)))
                .boxed()
        }
    };
    prop_oneof![8 => some, 1 => Just(Value::Null), 1 => Just(Value::Unknown)].boxed()
}

proptest! {
    #[test]
    fn values_survive_the_wire((ty, value) in types().prop_flat_map(|ty| (Just(ty.clone()), values(&ty)))) {
        let bytes = encode(&value, &ty).unwrap();
        prop_assert_eq!(decode(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(ty in types(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode(&bytes, &ty);
        let _ = decode_state(&bytes, &ty);
    }

    #[test]
    fn damaged_values_do_not_panic(
        (ty, value) in types().prop_flat_map(|ty| (Just(ty.clone()), values(&ty))),
        position: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = encode(&value, &ty).unwrap();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        let _ = decode(&bytes, &ty);
        bytes.truncate(position);
        let _ = decode(&bytes, &ty);
    }

    #[test]
    fn no_text_makes_the_state_reader_panic(text in r#"[\[\]{}",:\\u0-9ntf. eE+-]{0,40}"#) {
        let _ = decode_state(text.as_bytes(), &Type::Dynamic);
        let _ = decode_state(text.as_bytes(), &Type::list(Type::Number));
    }
}
