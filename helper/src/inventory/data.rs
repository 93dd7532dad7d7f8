//! What others wrote, as Ansible takes it: data, never a template.
//!
//! A tag, a Terraform output or a GitLab path may hold `{{ … }}`, and Ansible would run it where
//! the keys of both sides are. Marked as unsafe, such a text stays text.
//! <https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_advanced_syntax.html#unsafe-or-raw-strings>

use serde::{Serialize, Serializer};
use serde_json::Value;

/// The key under which Ansible reads a text that is no template.
const UNSAFE: &str = "__ansible_unsafe";

/// The value with every text in it marked that Ansible could take for a template. Other texts
/// stay as they are, because scripts read them with `jq`.
pub(super) struct Inert<'a>(pub(super) &'a Value);

impl Serialize for Inert<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if may_be_template(text) => {
                serializer.collect_map([(UNSAFE, text)])
            }
            Value::Array(values) => serializer.collect_seq(values.iter().map(Inert)),
            Value::Object(entries) => {
                // A key cannot be marked.
                let kept = |key: &str| !may_be_template(key) && key != UNSAFE;
                let entries = entries.iter().filter(|(key, _)| kept(key));
                serializer.collect_map(entries.map(|(key, value)| (key, Inert(value))))
            }
            other => other.serialize(serializer),
        }
    }
}

/// Whether Ansible could take the text for a template: it has a brace, or begins with the header
/// by which a template names other signs than braces.
fn may_be_template(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'{' | b'}')) || text.trim_start().starts_with("#jinja")
}

/// A text of others on one line of a message, without characters that are not seen or that turn
/// text around.
pub(super) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let chars = text.chars();
    chars
        .map(|c| if hidden(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_marked_wherever_they_are() {
        let given = json!({
            "plain": "vpc-1",
            "evil": "{{ lookup('pipe', 'id') }}",
            "block": "a {% set x = 1 %}",
            "other signs": "#jinja2: variable_start_string: '[%'\n[% lookup('pipe', 'id') %]",
            "deep": [{ "a": ["{# c #}", 5, true, null] }],
            "{{ key }}": "v",
            "__ansible_unsafe": "v",
        });
        let text = |text: &str| json!({ "__ansible_unsafe": text });
        let expected = json!({
            "plain": "vpc-1",
            "evil": text("{{ lookup('pipe', 'id') }}"),
            "block": text("a {% set x = 1 %}"),
            "other signs": text("#jinja2: variable_start_string: '[%'\n[% lookup('pipe', 'id') %]"),
            "deep": [{ "a": [text("{# c #}"), 5, true, null] }],
        });
        assert_eq!(serde_json::to_value(Inert(&given)).unwrap(), expected);
    }
}
