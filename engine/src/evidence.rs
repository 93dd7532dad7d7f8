//! Evidence: what the rules judge besides the observation. It is an argument of every plan, fresh,
//! saved, resumed or reverted, so that no caller can forget a rule.

use std::collections::BTreeSet;

use crate::name::InfrastructureName;

/// What is known besides the observation. The probes of rule `https-ready` are not part of it: the
/// one procedure that writes makes them itself, right before the first write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Which sides share an AWS access key, for rule `separate-credentials`.
    pub keys: SharedKeys,
}

impl Evidence {
    /// No evidence: for a plan that is only looked at and never carried out.
    pub fn none() -> Self {
        Self {
            keys: SharedKeys::default(),
        }
    }
}

/// Which infrastructures share an AWS access key. The keys themselves, even their ids, stay where
/// they were compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharedKeys {
    pairs: BTreeSet<(InfrastructureName, InfrastructureName)>,
    /// The files that the keys are in, in words; none for the usual one.
    kept_in: Option<String>,
}

impl SharedKeys {
    /// Compares the access key ids of infrastructures. One whose key is not known is left out:
    /// `known-address` says what is wrong with its profile.
    pub fn among<K: PartialEq>(keys: &[(InfrastructureName, K)]) -> Self {
        let pairs = keys.iter().enumerate().flat_map(|(index, (a, key))| {
            keys.iter()
                .skip(index + 1)
                .filter(move |(_, other)| key == other)
                .map(move |(b, _)| (a.clone(), b.clone()))
        });
        Self {
            pairs: pairs.collect(),
            kept_in: None,
        }
    }

    /// The same, with the files that the keys are in, in words.
    #[must_use]
    pub fn kept_in(self, files: String) -> Self {
        Self {
            kept_in: Some(files),
            ..self
        }
    }

    /// Whether no two share one.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Where a key is written.
    pub(crate) fn files(&self) -> &str {
        self.kept_in.as_deref().unwrap_or("`~/.aws/credentials`")
    }

    pub(crate) fn hold(&self, a: &InfrastructureName, b: &InfrastructureName) -> bool {
        let pair = |a: &InfrastructureName, b: &InfrastructureName| (a.clone(), b.clone());
        self.pairs.contains(&pair(a, b)) || self.pairs.contains(&pair(b, a))
    }
}

#[cfg(test)]
mod tests {
    use super::{InfrastructureName, SharedKeys};

    #[test]
    fn keys_are_compared_in_pairs() {
        let side = |name: &str| name.parse::<InfrastructureName>().unwrap();
        let (a, b, c) = (side("a"), side("b"), side("c"));
        let shared = SharedKeys::among(&[(a.clone(), 1), (b.clone(), 2), (c.clone(), 1)]);
        assert!(shared.hold(&a, &c) && shared.hold(&c, &a));
        assert!(!shared.hold(&a, &b) && !shared.hold(&b, &c));
    }
}
