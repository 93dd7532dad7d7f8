//! Whatever a resource returns, core receives nothing that breaks its rules, and loses no object.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tfplug::testing::{Action, Driver};
use tfplug::{
    ApplyRequest, ApplyResponse, Attribute, AttributePath, ConfigureRequest, Diagnostic,
    Diagnostics, NestedType, PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse,
    Resource, Schema, Type, Value, async_trait,
};

const SECRET: &str = "planted-secret-9d2e";

/// What the resource returns next; where it says nothing, the resource behaves.
#[derive(Clone, Debug, Default)]
struct Script {
    plan: Option<Value>,
    replace: Vec<AttributePath>,
    apply: Option<Value>,
    apply_fails: bool,
    read: Option<Value>,
}

#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

impl Scripted {
    fn script(&self) -> Script {
        self.0
            .lock()
            .map(|script| script.clone())
            .unwrap_or_default()
    }
}

#[async_trait]
impl Provider for Scripted {
    fn address(&self) -> &'static str {
        "example/scripted"
    }

    fn version(&self) -> &'static str {
        "1.0.0"
    }

    fn schema(&self) -> Schema {
        Schema::default()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(self.clone())]
    }

    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        Diagnostics::new()
    }
}

#[async_trait]
impl Resource for Scripted {
    fn type_name(&self) -> &'static str {
        "scripted_thing"
    }

    fn schema(&self) -> Schema {
        let children = [
            ("want", Attribute::required(Type::String)),
            ("got", Attribute::computed(Type::String)),
        ];
        Schema::new(
            0,
            [
                ("name", Attribute::required(Type::String)),
                ("secret", Attribute::optional(Type::String).sensitive()),
                ("mode", Attribute::optional_computed(Type::String)),
                ("list", Attribute::optional(Type::list(Type::Number))),
                ("set", Attribute::optional_computed(Type::set(Type::String))),
                ("map", Attribute::computed(Type::map(Type::String))),
                (
                    "one",
                    Attribute::optional(NestedType::single(children.clone())),
                ),
                ("many", Attribute::optional(NestedType::map(children))),
                ("id", Attribute::computed(Type::String)),
            ],
        )
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        ReadResponse::found(self.script().read.unwrap_or(request.state), request.private)
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let script = self.script();
        let mut response =
            PlanResponse::new(script.plan.unwrap_or(request.proposed_new_state), SECRET);
        response.requires_replace = script.replace;
        response
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let script = self.script();
        let response = ApplyResponse::new(script.apply.unwrap_or(request.planned_state), SECRET);
        let error = Diagnostic::error("failed", format!("with {SECRET}"));
        response.with(script.apply_fails.then_some(error))
    }
}

fn config() -> Value {
    let child = Value::object([("want", "w".into())]);
    Value::object([
        ("name", "n".into()),
        ("secret", SECRET.into()),
        ("one", child.clone()),
        ("many", Value::object([("k", child)])),
    ])
}

/// An object that fits the schema, as a start for what does not.
fn fitting() -> Value {
    let child = || Value::object([("want", "w".into()), ("got", Value::Null)]);
    let given = config()
        .with("one", child())
        .with("many", Value::map([("k", child())]));
    Scripted::default_schema().object(given.as_entries().cloned().unwrap_or_default())
}

impl Scripted {
    fn default_schema() -> Schema {
        Resource::schema(&Self::default())
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::Unknown),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(Value::from("w")),
        Just(Value::from(SECRET)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let name = prop::sample::select(vec!["want", "got", "k", "other"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::set),
            prop::collection::vec((name.clone(), inner.clone()), 0..3).prop_map(Value::map),
            prop::collection::vec((name, inner), 0..3).prop_map(Value::object),
        ]
    })
}

/// Something that fits the schema but for a few attributes, or not at all.
fn returned() -> impl Strategy<Value = Value> {
    let names = [
        "name", "secret", "mode", "list", "set", "map", "one", "many", "id", "extra",
    ];
    let any = (
        prop::sample::select(names.to_vec()),
        prop::option::weighted(0.9, anything()),
    );
    let computed = prop::sample::select(vec!["mode", "set", "map", "id"]);
    let change = prop_oneof![1 => any, 1 => computed.prop_map(|name| (name, Some(Value::Unknown)))];
    let changed = prop::collection::vec(change, 0..4).prop_map(|changes| {
        let mut entries = fitting().as_entries().cloned().unwrap_or_default();
        for (name, value) in changes {
            match value {
                Some(value) => entries.insert(name.to_owned(), value),
                None => entries.remove(name),
            };
        }
        Value::Object(entries)
    });
    prop_oneof![9 => changed, 1 => anything()]
}

fn check(diagnostics: &Diagnostics) -> Result<(), TestCaseError> {
    for diagnostic in diagnostics.iter() {
        let text = diagnostic.to_string();
        prop_assert!(
            !diagnostic.summary.starts_with("Provider "),
            "core found it: {text}"
        );
        prop_assert!(!text.contains(SECRET), "a secret: {text}");
    }
    Ok(())
}

#[expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

proptest! {
    #[test]
    fn plans_and_results_never_break_the_rules(
        plan in prop::option::weighted(0.4, returned()),
        apply in prop::option::weighted(0.8, returned()),
        apply_fails: bool,
        exists: bool,
        replace in prop::collection::vec(prop::sample::select(vec!["name", "one", "extra"]), 0..2),
    ) {
        run(async {
            let provider = Scripted::default();
            let script = Arc::clone(&provider.0);
            let driver = Driver::new(move || Arc::new(provider.clone()));
            let mut thing = driver.resource("scripted_thing");
            if exists {
                let applied = thing.plan_and_apply(config().with("name", "before")).await;
                prop_assert!(applied.diagnostics.is_empty(), "{}", applied.diagnostics);
            }
            let before = thing.state();
            let replace = replace.into_iter().map(AttributePath::from).collect();
            *script.lock().unwrap() = Script { plan, replace, apply: apply.clone(), apply_fails, read: None };
            let planned = thing.plan(config()).await;
            check(&planned.diagnostics)?;
            if planned.diagnostics.has_errors() {
                prop_assert_eq!(thing.state(), before);
                return Ok(());
            }
            let applied = thing.apply().await;
            check(&applied.diagnostics)?;
            prop_assert!(!thing.private().windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
            prop_assert!(applied.state.is_wholly_known());
            if planned.action == Action::Update {
                prop_assert!(!applied.state.is_null(), "the object was lost");
            }
            let told = apply.as_ref().is_some_and(|state| matches!(state, Value::Object(_)));
            if told && planned.action != Action::NoOp && planned.action != Action::Replace {
                prop_assert!(!applied.state.is_null(), "what the resource said was lost");
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_read_never_breaks_the_rules(read in returned()) {
        run(async {
            let provider = Scripted::default();
            let script = Arc::clone(&provider.0);
            let driver = Driver::new(move || Arc::new(provider.clone()));
            let mut thing = driver.resource("scripted_thing");
            thing.plan_and_apply(config()).await;
            let before = thing.state();
            script.lock().unwrap().read = Some(read);
            let refreshed = thing.refresh().await;
            check(&refreshed.diagnostics)?;
            prop_assert!(!refreshed.state.is_null(), "the object was dropped without a word");
            if refreshed.diagnostics.has_errors() {
                prop_assert_eq!(refreshed.state, before);
            }
            Ok(())
        })?;
    }
}
