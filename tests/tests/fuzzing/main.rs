//! The targets of `fuzz/`, held against their seeds and against damage to them.
//!
//! `cargo fuzz` runs the same targets for longer and looks for inputs of its own; see CONTRIBUTING.md.
//! `PROPTEST_CASES` sets how many inputs each test here tries.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: whatever is missing fails the test that asked"
)]

#[path = "../../../fuzz/src/"]
#[expect(unreachable_pub, reason = "a library of its own for `cargo fuzz`")]
mod targets {
    pub(crate) mod answers;
    pub(crate) mod journal;
    pub(crate) mod states;
    pub(crate) mod topology;
    pub(crate) mod types;
    pub(crate) mod values;
}

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};

/// Pieces that mean something to one reader or another.
const PIECES: [&[u8]; 16] = [
    b"null",
    b"-1",
    b"1e999",
    b"\"",
    b"{",
    b"[[[[[[",
    b"]",
    b"\n",
    b"\r",
    b": ",
    b"- ",
    b"&a *a",
    b"\\ud800",
    b"\xff",
    b"\xdc\x00",
    b"\xc7\x00",
];

/// A seed with a few places overwritten, and sometimes cut off.
fn damaged(seeds: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let inserted = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        prop::sample::select(PIECES.to_vec()).prop_map(<[u8]>::to_vec),
    ];
    let cut = (any::<Index>(), 0_usize..30, inserted);
    let cuts = prop::collection::vec(cut, 0..4);
    let end = prop::option::weighted(0.2, any::<Index>());
    (prop::sample::select(seeds.to_vec()), cuts, end).prop_map(|(mut bytes, cuts, end)| {
        for (place, length, with) in cuts {
            let from = place.index(bytes.len() + 1);
            let to = bytes.len().min(from + length);
            bytes.splice(from..to, with);
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len() + 1));
        }
        bytes
    })
}

/// Runs a target on its seeds, on damaged seeds and on bytes of any kind.
fn hold(target: fn(&[u8]), seeds: &[Vec<u8>], cases: u32) {
    for seed in seeds {
        target(seed);
    }
    let anything = prop::collection::vec(any::<u8>(), 0..200);
    let inputs = prop_oneof![4 => damaged(seeds), 1 => anything];
    let asked = Config::default().cases;
    let config = Config {
        cases: if asked == 256 { cases } else { asked },
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&inputs, |bytes| {
        target(&bytes);
        Ok(())
    });
    run.unwrap();
}

fn hex(text: &str) -> Vec<u8> {
    let bytes = text.split(' ').map(|byte| u8::from_str_radix(byte, 16));
    bytes.collect::<Result<_, _>>().unwrap()
}

#[test]
fn topologies() {
    let seeds = [
        include_str!("../../../examples/terraform/upstream/topology.yaml"),
        include_str!("../../../examples/terraform/one-environment/topology.yaml"),
    ];
    let seeds = seeds.map(|text| text.as_bytes().to_vec());
    hold(targets::topology::topology, &seeds, 1000);
}

#[test]
fn stored_states_of_the_plugin_protocol() {
    let seeds = [
        r#"{"a":"x","b":[1,2.5,1e400],"c":{"type":["list","string"],"value":["y"]}}"#,
        r#"{"a":1,"b":null,"c":{"value":true,"type":"bool"},"gone":0}"#,
        r#"{"k":[true,false,true]}"#,
        r#"{"type":"dynamic","value":null}"#,
    ];
    let seeds = seeds.map(|text| text.as_bytes().to_vec());
    hold(targets::states::states, &seeds, 4000);
}

#[test]
fn types_of_the_plugin_protocol() {
    let seeds = [
        r#""string""#,
        r#"["list",["set",["map","number"]]]"#,
        r#"["object",{"a":"bool","b":["tuple",["dynamic","string"]]},["a"]]"#,
    ];
    let seeds = seeds.map(|text| text.as_bytes().to_vec());
    hold(targets::types::types, &seeds, 4000);
}

#[test]
fn values_of_the_plugin_protocol() {
    let seeds = [
        // ["\"string\"", "a"]
        "92 c4 08 22 73 74 72 69 6e 67 22 a1 61",
        // {"a": "x", "b": [true, null]}
        "82 a1 61 a1 78 a1 62 92 c3 c0",
        // unknown, and refined unknown
        "d4 00 00",
        "c7 07 0c 82 01 c2 02 a2 78 2d",
        // 0.1 as a text and as a float
        "a3 30 2e 31",
        "cb 3f b9 99 99 99 99 99 9a",
        "82 a1 61 05 a1 62 ff",
    ];
    hold(targets::values::values, &seeds.map(hex), 4000);
}

#[test]
fn journals() {
    let seed = include_bytes!("../../../clients/src/journal/version-1.jsonl");
    hold(targets::journal::journal, &[seed.to_vec()], 2000);
}

#[test]
fn answers_of_apis() {
    let seeds: [&[u8]; 6] = [
        br#"{"result":[{"id":"0a","name":"gigadb.org","status":"active"}],"success":true,"errors":[],"result_info":{"page":1,"per_page":50,"total_pages":1,"count":1,"total_count":1}}"#,
        br#"{"result":[{"id":"0b","name":"gigadb.org","type":"A","content":"192.0.2.1","ttl":300,"proxied":false}],"success":true,"errors":[],"result_info":{"page":1,"total_pages":1}}"#,
        br#"[{"key":"HOME_URL","value":"http://a.example","environment_scope":"live","variable_type":"env_var","protected":true,"masked":false,"raw":false}]"#,
        br#"{"id":1,"path_with_namespace":"a/b","permissions":{"project_access":{"access_level":40}}}"#,
        b"<DescribeAddressesResponse><requestId>r</requestId><addressesSet><item><publicIp>192.0.2.1</publicIp><tagSet><item><key>Name</key><value>v</value></item></tagSet></item></addressesSet></DescribeAddressesResponse>",
        b"<html>502 Bad Gateway</html>",
    ];
    hold(targets::answers::answers, &seeds.map(<[u8]>::to_vec), 48);
}
