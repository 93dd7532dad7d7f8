//! The `.proto` texts state the facts, and the committed code is what they generate.
//!
//! After a change of a `.proto` text: `TFPLUG_WIRE=write cargo test -p tfplug --test wire`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::BTreeMap;
use std::path::Path;

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value as Json;

const FILES: [&str; 3] = ["tfplugin6.proto", "plugin.proto", "health.proto"];

/// Every call of the protocol that this SDK leaves to gRPC's `Unimplemented`.
const UNSERVED: [&str; 25] = [
    "CallFunction",
    "CloseEphemeralResource",
    "ConfigureStateStore",
    "DeleteState",
    "GenerateResourceConfig",
    "GetFunctions",
    "GetMetadata",
    "GetResourceIdentitySchemas",
    "GetStates",
    "InvokeAction",
    "ListResource",
    "LockState",
    "MoveResourceState",
    "OpenEphemeralResource",
    "PlanAction",
    "ReadStateBytes",
    "RenewEphemeralResource",
    "UnlockState",
    "UpgradeResourceIdentity",
    "ValidateActionConfig",
    "ValidateEphemeralResourceConfig",
    "ValidateListResourceConfig",
    "ValidateStateStoreConfig",
    "WriteStateBytes",
    "grpc.health.v1.Health/List",
];

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn descriptors() -> tonic_prost_build::FileDescriptorSet {
    protox::compile(FILES, [crate_dir().join("proto")]).unwrap()
}

#[test]
fn committed_code_is_what_the_texts_generate() {
    let out = tempfile::tempdir().unwrap();
    let mut prost = tonic_prost_build::Config::new();
    prost.btree_map(["."]);
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(out.path())
        .compile_fds_with_config(descriptors(), prost)
        .unwrap();
    for name in ["tfplugin6.rs", "plugin.rs", "grpc.health.v1.rs"] {
        let generated = std::fs::read_to_string(out.path().join(name)).unwrap();
        let committed = crate_dir().join("src/wire").join(name);
        if std::env::var_os("TFPLUG_WIRE").is_some_and(|value| value == "write") {
            std::fs::write(&committed, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(committed).unwrap_or_default();
        assert!(
            generated == committed,
            "src/wire/{name} is stale: run TFPLUG_WIRE=write cargo test -p tfplug --test wire"
        );
    }
}

#[test]
fn texts_state_the_facts() {
    let facts: Json =
        serde_json::from_slice(&std::fs::read(crate_dir().join("proto/tfplugin6.json")).unwrap())
            .unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(descriptors()).unwrap();
    let sections = [
        ("tfplugin6", "tfplugin6"),
        ("go_plugin", "plugin"),
        ("grpc_health", "grpc.health.v1"),
    ];
    let mut unserved = Vec::new();
    for (section, package) in sections {
        let facts = &facts[section];
        for message in pool
            .all_messages()
            .filter(|message| message.package_name() == package && !message.is_map_entry())
        {
            let expected = &facts["messages"][message.full_name()]["fields"];
            assert_eq!(
                fields_of(&message),
                fields_in(expected),
                "{}",
                message.full_name()
            );
        }
        for stated in pool
            .all_enums()
            .filter(|stated| stated.package_name() == package)
        {
            let ours: BTreeMap<String, i64> = stated
                .values()
                .map(|value| (value.name().to_owned(), value.number().into()))
                .collect();
            let theirs: BTreeMap<String, i64> = facts["enums"][stated.full_name()]["values"]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| (text(&value["name"]), value["number"].as_i64().unwrap()))
                .collect();
            assert_eq!(ours, theirs, "{}", stated.full_name());
        }
        for (service, fact) in facts["services"].as_object().unwrap() {
            let stated = pool.get_service_by_name(service).unwrap();
            for method in fact["methods"].as_array().unwrap() {
                let name = text(&method["name"]);
                let Some(ours) = stated.methods().find(|ours| ours.name() == name) else {
                    unserved.push(if section == "tfplugin6" {
                        name
                    } else {
                        format!("{service}/{name}")
                    });
                    continue;
                };
                assert_eq!(ours.input().full_name(), method["request"], "{name}");
                assert_eq!(ours.output().full_name(), method["response"], "{name}");
                assert_eq!(
                    ours.is_client_streaming(),
                    method["client_streaming"],
                    "{name}"
                );
                assert_eq!(
                    ours.is_server_streaming(),
                    method["server_streaming"],
                    "{name}"
                );
            }
        }
    }
    unserved.sort();
    assert_eq!(unserved, UNSERVED);
}

/// One line a field: number, name, label, type, oneof, explicit presence.
fn fields_of(message: &MessageDescriptor) -> Vec<String> {
    let mut lines: Vec<String> = message.fields().map(|field| field_line(&field)).collect();
    lines.sort();
    lines
}

fn field_line(field: &FieldDescriptor) -> String {
    let label = match (field.is_map(), field.is_list()) {
        (true, _) => "map",
        (_, true) => "repeated",
        _ => "singular",
    };
    let ty = match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            format!(
                "{} {}",
                kind(&entry.map_entry_key_field().kind()),
                kind(&entry.map_entry_value_field().kind())
            )
        }
        other => kind(&other),
    };
    let presence = field.field_descriptor_proto().proto3_optional();
    let oneof = field
        .containing_oneof()
        .filter(|_| !presence)
        .map(|oneof| oneof.name().to_owned());
    line(
        field.number().into(),
        field.name(),
        label,
        &ty,
        oneof.as_deref(),
        presence,
    )
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(stated) => stated.full_name().to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn fields_in(facts: &Json) -> Vec<String> {
    let mut lines: Vec<String> = facts.as_array().unwrap().iter().map(fact_line).collect();
    lines.sort();
    lines
}

fn fact_line(fact: &Json) -> String {
    let ty = match (fact["map_key"].as_str(), fact["type_name"].as_str()) {
        (Some(key), _) => format!("{key} {}", text(&fact["map_value"])),
        (None, Some(name)) => name.to_owned(),
        (None, None) => text(&fact["type"]),
    };
    line(
        fact["number"].as_i64().unwrap(),
        &text(&fact["name"]),
        &text(&fact["label"]),
        &ty,
        fact["oneof"].as_str(),
        fact["explicit_presence"].as_bool().unwrap_or(false),
    )
}

fn line(
    number: i64,
    name: &str,
    label: &str,
    ty: &str,
    oneof: Option<&str>,
    presence: bool,
) -> String {
    format!("{number:>3} {name}: {label} {ty} oneof {oneof:?} presence {presence}")
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}
