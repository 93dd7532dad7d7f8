//! Between our types and the wire's.

use crate::codec::{CodecError, decode, encode};
use crate::wire::tfplugin6 as wire;
use crate::{
    Attribute, AttributePath, AttributeType, Block, ClientCapabilities, Diagnostic, Diagnostics,
    NestedType, Nesting, Presence, Schema, Severity, Step, Type, Value,
};

/// Decodes a value; an absent one is null.
pub(crate) fn value_from(
    wire: Option<&wire::DynamicValue>,
    ty: &Type,
) -> Result<Value, CodecError> {
    match wire {
        Some(value) if !value.msgpack.is_empty() => decode(&value.msgpack, ty),
        Some(value) if !value.json.is_empty() => crate::codec::decode_state(&value.json, ty),
        _ => Ok(Value::Null),
    }
}

/// Encodes a value; null is written out, never left out.
pub(crate) fn value_to(value: &Value, ty: &Type) -> Result<wire::DynamicValue, CodecError> {
    Ok(wire::DynamicValue {
        msgpack: encode(value, ty)?,
        json: Vec::new(),
    })
}

/// Converts what core says it can do.
pub(crate) fn capabilities_from(wire: Option<wire::ClientCapabilities>) -> ClientCapabilities {
    let wire = wire.unwrap_or_default();
    ClientCapabilities {
        deferral_allowed: wire.deferral_allowed,
        write_only_attributes_allowed: wire.write_only_attributes_allowed,
    }
}

/// Converts a schema.
pub(crate) fn schema_to(schema: &Schema) -> wire::Schema {
    wire::Schema {
        version: schema.version.into(),
        block: Some(block_to(&schema.block)),
    }
}

fn block_to(block: &Block) -> wire::schema::Block {
    wire::schema::Block {
        attributes: block.attributes.iter().map(attribute_to).collect(),
        description: block.description.clone(),
        description_kind: wire::StringKind::Markdown.into(),
        deprecated: block.deprecated.is_some(),
        deprecation_message: block.deprecated.clone().unwrap_or_default(),
        ..wire::schema::Block::default()
    }
}

fn attribute_to((name, attribute): (&String, &Attribute)) -> wire::schema::Attribute {
    let (plain, nested) = match &attribute.ty {
        AttributeType::Plain(ty) => (ty.to_json(), None),
        AttributeType::Nested(nested) => (Vec::new(), Some(nested_to(nested))),
    };
    wire::schema::Attribute {
        name: name.clone(),
        r#type: plain,
        nested_type: nested,
        description: attribute.description.clone(),
        required: attribute.presence == Presence::Required,
        optional: matches!(
            attribute.presence,
            Presence::Optional | Presence::OptionalComputed
        ),
        computed: attribute.presence.is_computed(),
        sensitive: attribute.sensitive,
        description_kind: wire::StringKind::Markdown.into(),
        deprecated: attribute.deprecated.is_some(),
        write_only: false,
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn nested_to(nested: &NestedType) -> wire::schema::Object {
    use wire::schema::object::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    wire::schema::Object {
        attributes: nested.attributes.iter().map(attribute_to).collect(),
        nesting: nesting.into(),
        ..wire::schema::Object::default()
    }
}

/// Converts diagnostics, in their order.
pub(crate) fn diagnostics_to(diagnostics: &Diagnostics) -> Vec<wire::Diagnostic> {
    use wire::diagnostic::Severity as WireSeverity;
    diagnostics
        .iter()
        .map(|diagnostic| wire::Diagnostic {
            severity: match diagnostic.severity {
                Severity::Error => WireSeverity::Error,
                Severity::Warning => WireSeverity::Warning,
            }
            .into(),
            summary: diagnostic.summary.clone(),
            detail: diagnostic.detail.clone(),
            attribute: (!diagnostic.path.is_root()).then(|| path_to(&diagnostic.path)),
        })
        .collect()
}

/// Converts diagnostics as core reads them: what is no warning is an error.
pub(crate) fn diagnostics_from(wire: &[wire::Diagnostic]) -> Diagnostics {
    wire.iter()
        .map(|diagnostic| {
            let (summary, detail) = (&diagnostic.summary, &diagnostic.detail);
            let path = diagnostic
                .attribute
                .as_ref()
                .map(path_from)
                .unwrap_or_default();
            match diagnostic.severity() {
                wire::diagnostic::Severity::Warning => {
                    Diagnostic::warning(summary, detail).at(path)
                }
                _ => Diagnostic::error(summary, detail).at(path),
            }
        })
        .collect()
}

/// Converts a path.
pub(crate) fn path_to(path: &AttributePath) -> wire::AttributePath {
    use wire::attribute_path::step::Selector;
    let steps = path.steps().iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(*index),
        };
        wire::attribute_path::Step {
            selector: Some(selector),
        }
    });
    wire::AttributePath {
        steps: steps.collect(),
    }
}

/// Converts a path; steps of no kind are left out.
pub(crate) fn path_from(wire: &wire::AttributePath) -> AttributePath {
    use wire::attribute_path::step::Selector;
    wire.steps
        .iter()
        .filter_map(|step| step.selector.as_ref())
        .fold(AttributePath::root(), |path, selector| {
            path.step(match selector {
                Selector::AttributeName(name) => Step::Attribute(name.clone()),
                Selector::ElementKeyString(key) => Step::Key(key.clone()),
                Selector::ElementKeyInt(index) => Step::Index(*index),
            })
        })
}
