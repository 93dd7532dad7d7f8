//! Which roles a task is guarded for: plays and task files in the order in which Ansible runs them.

use super::yaml::Node;

/// Variables of variables are followed so far.
const DEEPEST: usize = 4;
/// Longer than any command; bounds what variables of variables unfold to.
const LONGEST: usize = 1 << 14;

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    No,
    /// There is a guard, and the file does not say for which role or whether it runs.
    Maybe,
    Yes,
}

/// The guards that have run before a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guards {
    pub(super) production: Known,
    pub(super) hot_standby: Known,
}

impl Guards {
    pub(super) const NONE: Self = Self {
        production: Known::No,
        hot_standby: Known::No,
    };

    /// What holds whichever of two ways led here.
    pub(super) fn either(self, other: Self) -> Self {
        Self {
            production: self.production.min(other.production),
            hot_standby: self.hot_standby.min(other.hot_standby),
        }
    }

    /// A guard for the role of this name has run, `surely` or perhaps.
    pub(super) fn add(&mut self, role: Option<&str>, surely: bool) {
        let known = if surely { Known::Yes } else { Known::Maybe };
        match role {
            Some("production") => self.production = self.production.max(known),
            Some("hot_standby") => self.hot_standby = self.hot_standby.max(known),
            Some(role) if !role.contains("{{") => {}
            _ => {
                self.production = self.production.max(Known::Maybe);
                self.hot_standby = self.hot_standby.max(Known::Maybe);
            }
        }
    }
}

/// The role by which a play is guarded.
pub(super) fn is_guard(role: &str) -> bool {
    matches!(role, "gigascience.gigadb.role_guard" | "role_guard")
}

/// Variables that are in force, outermost first, and the item of a loop.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope<'n> {
    pub(super) variables: Vec<&'n Node>,
    pub(super) item: Option<&'n Node>,
}

impl<'n> Scope<'n> {
    pub(super) fn with(&self, variables: Option<&'n Node>) -> Self {
        let mut scope = self.clone();
        scope.variables.extend(variables);
        scope
    }

    /// A variable's text, made of other variables as far as they are known.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.variable_at(name, 0)
    }

    fn variable_at(&self, name: &str, depth: usize) -> Option<String> {
        let mut sources = self.variables.iter().rev();
        let text = sources.find_map(|source| source.get(name))?.text()?;
        // A variable that is made of itself is not known.
        (depth < DEEPEST).then(|| self.filled_at(text, depth + 1))
    }

    /// `text` with the variables that are known in place of `{{ name }}`; any other Jinja stays.
    pub(super) fn filled(&self, text: &str) -> String {
        self.filled_at(text, 0)
    }

    fn filled_at(&self, text: &str, depth: usize) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            filled.push_str(before);
            let Some((inner, after)) = after.split_once("}}") else {
                filled.push_str("{{");
                rest = after;
                continue;
            };
            match self.value(inner.trim(), depth) {
                Some(value) if filled.len() + value.len() < LONGEST => filled.push_str(&value),
                _ => filled.extend(["{{", inner, "}}"]),
            }
            rest = after;
        }
        filled + rest
    }

    fn value(&self, name: &str, depth: usize) -> Option<String> {
        if let Some(field) = name.strip_prefix("item") {
            let item = self.item?;
            if field.is_empty() {
                return item.text().map(str::to_owned);
            }
            let dotted = field.strip_prefix('.');
            let indexed = || {
                let inner = field.strip_prefix('[')?.strip_suffix(']')?;
                Some(inner.trim_matches(['"', '\'']))
            };
            if let Some(key) = dotted.or_else(indexed) {
                return item.get(key)?.text().map(str::to_owned);
            }
        }
        self.variable_at(name, depth)
    }
}
