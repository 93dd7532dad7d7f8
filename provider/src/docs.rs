//! The reference in the registry's layout, made from schemas, templates and examples.
//!
//! Templates lie in `templates/`; `{{schema}}` becomes the schema, `{{example NAME}}` the
//! `main.tf` of that folder of `examples/terraform/`.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use tfplug::{Attribute, AttributeType, Nesting, Presence, Schema, Type};

use crate::schema;

/// The comment on top of every page.
const NOTICE: &str = "<!-- Generated from the provider's schema, templates and examples: see CONTRIBUTING.md. Do not edit. -->\n\n";

const EXAMPLES: [(&str, &str); 2] = [
    (
        "upstream",
        include_str!("../../examples/terraform/upstream/main.tf"),
    ),
    (
        "one-environment",
        include_str!("../../examples/terraform/one-environment/main.tf"),
    ),
];

/// Renders every generated page: its path below `docs/`, and its text.
pub fn render() -> BTreeMap<PathBuf, String> {
    [
        (
            "index.md",
            schema::provider(),
            include_str!("../templates/index.md"),
        ),
        (
            "resources/role_assignment.md",
            schema::role_assignment(),
            include_str!("../templates/resource_role_assignment.md"),
        ),
        (
            "data-sources/role_assignment.md",
            schema::role_assignment_data(),
            include_str!("../templates/data_role_assignment.md"),
        ),
        (
            "data-sources/infrastructure.md",
            schema::infrastructure_data(),
            include_str!("../templates/data_infrastructure.md"),
        ),
        (
            "data-sources/preflight.md",
            schema::preflight_data(),
            include_str!("../templates/data_preflight.md"),
        ),
    ]
    .into_iter()
    .map(|(path, schema, template)| (PathBuf::from(path), page(template, &schema)))
    .collect()
}

fn page(template: &str, schema: &Schema) -> String {
    let mut text = template
        .replace("{{description}}", &schema.block.description)
        .replace("{{schema}}", section(schema).trim_end());
    for (name, example) in EXAMPLES {
        let block = format!("```terraform\n{}\n```", example.trim_end());
        text = text.replace(&format!("{{{{example {name}}}}}"), &block);
    }
    // The registry reads the front matter from the first line on.
    match text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("---\n\n"))
    {
        Some((front, rest)) => format!("---\n{front}---\n\n{NOTICE}{rest}"),
        None => format!("{NOTICE}{text}"),
    }
}

fn section(schema: &Schema) -> String {
    let mut text = "## Schema\n\n".to_owned();
    let mut nested = Vec::new();
    list(&schema.block.attributes, "", &mut text, &mut nested);
    while !nested.is_empty() {
        let (path, attributes) = nested.remove(0);
        // Writing to a string cannot fail.
        let _ = write!(text, "### Nested schema for `{path}`\n\n");
        list(&attributes, &path, &mut text, &mut nested);
    }
    text
}

type Nested = (String, BTreeMap<String, Attribute>);

fn list(
    attributes: &BTreeMap<String, Attribute>,
    path: &str,
    text: &mut String,
    nested: &mut Vec<Nested>,
) {
    type Test = fn(Presence) -> bool;
    let groups: [(&str, Test); 3] = [
        ("Required", |p| p == Presence::Required),
        ("Optional", |p| {
            matches!(p, Presence::Optional | Presence::OptionalComputed)
        }),
        ("Read-only", |p| p == Presence::Computed),
    ];
    for (title, belongs) in groups {
        let group: Vec<_> = attributes
            .iter()
            .filter(|(_, attribute)| belongs(attribute.presence))
            .collect();
        if group.is_empty() {
            continue;
        }
        let _ = if path.is_empty() {
            write!(text, "### {title}\n\n")
        } else {
            write!(text, "{title}:\n\n")
        };
        for (name, attribute) in group {
            let full = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let sensitive = if attribute.sensitive {
                ", sensitive"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "- `{name}` ({}{sensitive}) {}",
                kind(attribute),
                attribute.description
            );
            if let AttributeType::Nested(inner) = &attribute.ty {
                nested.push((full, inner.attributes.clone()));
            }
        }
        text.push('\n');
    }
}

fn kind(attribute: &Attribute) -> String {
    match &attribute.ty {
        AttributeType::Plain(ty) => plain(ty),
        AttributeType::Nested(nested) => match nested.nesting {
            Nesting::Single => "Object".to_owned(),
            Nesting::List => "List of objects".to_owned(),
            Nesting::Set => "Set of objects".to_owned(),
            Nesting::Map => "Map of objects".to_owned(),
        },
    }
}

fn plain(ty: &Type) -> String {
    let of = |outer: &str, inner: &Type| format!("{outer} of {}", plain(inner).to_lowercase());
    match ty {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(inner) => of("List", inner),
        Type::Set(inner) => of("Set", inner),
        Type::Map(inner) => of("Map", inner),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => "Object".to_owned(),
    }
}
