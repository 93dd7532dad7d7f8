//! The published schema against the parser, judged by a validator nobody here wrote.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

use super::{
    examples,
    generate::{render, topology},
};
use crate::topology::{
    Topology, schema,
    yaml::{self, Kind, Node, NotText},
};

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());

/// What the document is as JSON, which is what editors validate.
fn json(text: &str) -> Value {
    let root = yaml::read(text, &mut Vec::new()).unwrap();
    value(&root)
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Mapping(entries) => entries
            .iter()
            .map(|(key, of_key)| {
                let Kind::Scalar(key) = &key.kind else {
                    panic!("a key is no word");
                };
                (key.text.clone(), value(of_key))
            })
            .collect(),
        Kind::Sequence(items) => items.iter().map(value).collect(),
        Kind::Faulty => Value::Array(Vec::new()),
        Kind::Scalar(scalar) => match scalar.not_text() {
            None => scalar.text.clone().into(),
            Some(NotText::Null) => Value::Null,
            Some(NotText::Boolean | NotText::Number) => serde_json::from_str(&scalar.text).unwrap(),
        },
    }
}

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::draft202012::meta::is_valid(&schema()));
}

#[test]
fn the_examples_satisfy_the_schema() {
    for example in ["upstream", "one-environment"] {
        let errors: Vec<String> = VALIDATOR
            .iter_errors(&json(&examples::text(example)))
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{example}");
    }
}

proptest! {
    #[test]
    fn what_the_parser_takes_satisfies_the_schema(topology in topology()) {
        let json = json(&render(&topology));
        let errors: Vec<String> = VALIDATOR
            .iter_errors(&json)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        prop_assert_eq!(errors, Vec::<String>::new());
    }
}

/// Each replaces a piece of the SOP's topology with one that both must refuse.
#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let text = examples::text("upstream");
    for (from, to) in [
        ("version: 1", "version: 2"),
        ("version: 1", "verison: 1"),
        (
            "  web:\n    eip: \"eip-gigadb-{environment}-{owner}\"",
            "  web:",
        ),
        ("{environment}-{owner}\"", "{enviroment}-{owner}\""),
        ("{environment}-{owner}\"", "{environment-{owner}\""),
        ("    checkout: gigadb-upstream", "    checkout: 5"),
        (
            "    checkout: gigadb-upstream",
            "    chekout: gigadb-upstream",
        ),
        ("    checkout: gigadb-upstream", "    checkout: \"\""),
        ("gigascience/upstream/gigadb-website", "gigadb-website"),
        (
            "gigascience/upstream/gigadb-website",
            "https://gitlab.com/a/b",
        ),
        ("region: ap-east-1", "region: ap-east-1a"),
        ("region: ap-east-1 ", ""),
        ("profile: Upstream,", ""),
        ("data_sync: true", "data_sync: \"true\""),
        ("gigadb.org: web", "gigadb: web"),
        ("HOME_URL: https://gigadb.org", "HOME_URL: 5"),
        ("HOME_URL: https://gigadb.org", "HOME_URL:"),
        (
            "HOME_URL: https://gigadb.org",
            "HOME-URL: https://gigadb.org",
        ),
        ("HOME_URL: https://gigadb.org", "HOME_URL: \"a\\nb\""),
        ("environments:", "policy: { record_ttl: 59 }\nenvironments:"),
        (
            "environments:",
            "policy: { record_ttl: 86401 }\nenvironments:",
        ),
        ("environments:", "policy: { proxied: 1 }\nenvironments:"),
        (
            "environments:",
            "policy: { missing_records: creat }\nenvironments:",
        ),
        ("environments:", "lock: { name: x }\nenvironments:"),
        (
            "environments:",
            "lock: { gitlab_project: a/b, name: \"{owner}\" }\nenvironments:",
        ),
        ("environments:", "certificate_variable: a b\nenvironments:"),
        ("environments:", "resolvers: [5]\nenvironments:"),
        ("environments:", "resolvers: 1.1.1.1\nenvironments:"),
        ("{ takes_effect: playbook }", "{}"),
        ("takes_effect: playbook", "takes_effect: soon"),
        (
            "environments:",
            "notify: [ { url_variable: \"https://example.org\" } ]\nenvironments:",
        ),
        (
            "environments:",
            "notify: [ { url_variable: A, events: [] } ]\nenvironments:",
        ),
        (
            "environments:",
            "notify: [ { url_variable: A, format: xml } ]\nenvironments:",
        ),
        ("warning: different-schemes", "warning: unused-acceptance"),
        ("warning: different-schemes", "warning: different-scheme"),
        ("warning: different-schemes, ", ""),
        ("at: live/HOME_URL, ", ""),
        ("at: live/HOME_URL", "at: 5"),
        ("at: live/HOME_URL", "where: live/HOME_URL"),
        ("protocols: [ssh]", "protocols: [sssh]"),
        ("protocols: [ssh]", "protocols: ssh"),
        ("protocols: [ssh]", "protocols: [\"tcp:0\"]"),
        ("  live:", "  -live:"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(Topology::parse(&changed).is_err(), "parser: {from} -> {to}");
        assert!(
            !VALIDATOR.is_valid(&json(&changed)),
            "schema: {from} -> {to}"
        );
    }
}
