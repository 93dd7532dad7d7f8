use super::*;
use crate::{Attribute, NestedType, Schema, Type};

fn schema() -> Schema {
    let child = || {
        [
            ("want", Attribute::optional(Type::String)),
            ("got", Attribute::computed(Type::String)),
        ]
    };
    Schema::new(
        0,
        [
            ("name", Attribute::required(Type::String)),
            ("size", Attribute::optional(Type::Number)),
            ("mode", Attribute::optional_computed(Type::String)),
            ("id", Attribute::computed(Type::String)),
            ("one", Attribute::optional(NestedType::single(child()))),
            ("many", Attribute::optional(NestedType::list(child()))),
            ("named", Attribute::optional(NestedType::map(child()))),
            ("some", Attribute::optional(NestedType::set(child()))),
        ],
    )
}

fn base() -> Value {
    schema().object([("name", "a".into())])
}

fn child(want: &str) -> Value {
    Value::object([("want", want.into()), ("got", Value::Null)])
}

fn plan(config: &Value, prior: &Value, planned: &Value) -> Vec<String> {
    lines(check_plan(&schema(), config, prior, planned))
}

fn lines(found: Vec<Violation>) -> Vec<String> {
    found
        .into_iter()
        .map(|violation| format!("{}: {}", violation.path, violation.problem))
        .collect()
}

#[test]
fn what_a_plan_may_choose() {
    let config = base();
    let free = config
        .clone()
        .with("id", Value::Unknown)
        .with("mode", "default");
    assert_eq!(plan(&config, &Value::Null, &free), [""; 0]);
    // The prior spelling of a configured value may stay.
    let prior = config.clone().with("name", "A");
    assert_eq!(plan(&config, &prior, &prior), [""; 0]);
    assert_eq!(plan(&Value::Null, &prior, &Value::Null), [""; 0]);
}

#[test]
fn what_a_plan_must_not_change() {
    let config = base();
    let found = |planned: Value| plan(&config, &Value::Null, &planned);
    assert_eq!(
        found(base().with("name", "A")),
        ["name: is planned with another value than the configuration's"]
    );
    assert_eq!(found(base().with("name", Value::Unknown)).len(), 1);
    assert_eq!(
        found(base().with("size", 1)),
        ["size: is planned although it is neither configured nor computed"]
    );
    assert_eq!(
        found(Value::Null),
        [": is configured, but the plan is null"]
    );
    assert_eq!(
        plan(&Value::Null, &base(), &base()),
        [": is to be destroyed, but the plan is not null"]
    );
    let unknown = base().with("mode", Value::Unknown);
    assert_eq!(
        plan(&unknown, &Value::Null, &base().with("mode", "x")).len(),
        1
    );
}

#[test]
fn nested_attributes_follow_the_configuration() {
    let found = |name: &str, config: Value, planned: Value| {
        plan(
            &base().with(name, config),
            &Value::Null,
            &base().with(name, planned),
        )
    };
    let chosen = child("x").with("got", Value::Unknown);
    assert_eq!(found("one", child("x"), chosen.clone()), [""; 0]);
    assert_eq!(
        found("one", child("x"), child("y")),
        ["one.want: is planned with another value than the configuration's"]
    );
    assert_eq!(
        found("one", Value::Null, child("y")),
        ["one: is not configured, but planned"]
    );
    assert_eq!(
        found("one", child("y"), Value::Null),
        ["one: is configured, but planned as null"]
    );
    assert_eq!(
        found("one", child("y"), Value::Unknown),
        ["one: is known in the configuration, but unknown in the plan"]
    );
    let list = |values: &[&Value]| Value::list(values.iter().map(|value| (*value).clone()));
    assert_eq!(
        found("many", list(&[&child("x")]), list(&[&chosen])),
        [""; 0]
    );
    assert_eq!(
        found("many", list(&[&child("x")]), list(&[])),
        ["many: has another number of elements than the configuration"]
    );
    assert_eq!(
        found("many", list(&[&child("x")]), list(&[&child("z")])).len(),
        1
    );
    let map = |key: &str| Value::map([(key, child("x"))]);
    assert_eq!(
        found("named", map("k"), map("l")),
        ["named: has other keys than the configuration"]
    );
    let set = |wants: &[&str]| Value::set(wants.iter().map(|want| child(want)));
    assert_eq!(
        found("some", set(&["a"]), set(&["b"])),
        [""; 0],
        "core checks no more than the count"
    );
    assert_eq!(found("some", set(&["a"]), set(&["b", "c"])).len(), 1);
}

#[test]
fn an_apply_keeps_what_was_promised() {
    let planned = base().with("id", Value::Unknown).with("mode", "m");
    let found = |actual: Value| lines(check_applied(&planned, &actual));
    assert_eq!(found(base().with("id", "1").with("mode", "m")), [""; 0]);
    assert_eq!(
        found(base().with("mode", "m")),
        [""; 0],
        "an unknown may become null"
    );
    assert_eq!(
        found(base().with("mode", "n")),
        ["mode: has another value than planned"]
    );
    assert_eq!(found(base()), ["mode: was planned, but is now null"]);
    assert_eq!(
        found(base().with("mode", "m").with("size", 1)),
        ["size: was planned as null, but is now present"]
    );
    assert_eq!(found(Value::Null), [": was planned, but is now null"]);
    let pair = |planned: Value, actual: Value| {
        lines(check_applied(
            &base().with("named", planned),
            &base().with("named", actual),
        ))
    };
    let map = |key: &str, want: &str| Value::map([(key, child(want))]);
    assert_eq!(
        pair(map("k", "x"), map("l", "x")),
        [
            "named[\"k\"]: was planned, but is missing now",
            "named[\"l\"]: is new and was not planned"
        ]
    );
    assert_eq!(
        pair(map("k", "x"), map("k", "y")),
        ["named[\"k\"].want: has another value than planned"]
    );
    assert_eq!(
        pair(Value::set(["a"]), Value::set(["b"])),
        ["named: has other elements than planned"]
    );
    assert_eq!(
        pair(Value::set([Value::Unknown]), Value::set(["b"])),
        [""; 0]
    );
    assert_eq!(
        pair(Value::list(["a"]), Value::list(["a", "b"])),
        ["named: was planned with 1 elements, but has 2"]
    );
}

#[test]
fn a_state_is_brought_into_shape() {
    let ty = Type::object([
        ("a", Type::String),
        ("b", Type::list(Type::Number)),
        ("c", Type::Bool),
    ]);
    let prior = Value::object([
        ("a", "old".into()),
        ("b", Value::list([1])),
        ("c", true.into()),
    ]);
    let returned = Value::object([
        ("a", "new".into()),
        ("b", Value::list(["x"])),
        ("d", Value::Null),
    ]);
    let (state, found) = conform(returned, &ty, &prior);
    assert_eq!(state, prior.clone().with("a", "new"));
    assert_eq!(
        lines(found),
        [
            "b[0]: does not fit the schema: a string where number is required",
            "c: is missing; it must at least be null",
            "d: is not in the schema",
        ]
    );
    assert_eq!(conform("text".into(), &ty, &prior).0, prior);
    assert_eq!(conform(Value::Null, &ty, &prior), (Value::Null, Vec::new()));
}

#[test]
fn what_is_unknown_is_settled() {
    let prior = Value::object([("a", "old".into()), ("b", Value::Null)]);
    let state = Value::object([("a", Value::Unknown), ("b", Value::list([Value::Unknown]))]);
    let (settled, found) = settle(state, &prior);
    assert_eq!(
        settled,
        Value::object([("a", "old".into()), ("b", Value::list([Value::Null]))])
    );
    assert_eq!(lines(found).len(), 2);
}
