//! What the texts of single fields may hold.

use super::{
    NameTemplate,
    reader::Reader,
    yaml::{Kind, Node, NotText},
};
use crate::{nearest::nearest, region};

/// What `{owner}` means where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// It is filled by the infrastructure, which is judged elsewhere.
    Elsewhere,
    /// There is no infrastructure that could fill it.
    Meaningless,
}

/// A name in which `{environment}` and, where it means something, `{owner}` are replaced.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    owner: Owner,
) -> Option<NameTemplate> {
    let text = reader.text(node, path)?;
    let placeholders: &[&str] = match owner {
        Owner::Elsewhere => &["environment", "owner"],
        Owner::Meaningless => &["environment"],
    };
    match misplaced(text, placeholders) {
        None => Some(NameTemplate::new(text)),
        Some(message) => {
            reader.fault(node.place, format!("`{path}`: {message}"));
            None
        }
    }
}

/// Tells whether filling `template` takes an owner.
pub(super) fn needs_owner(template: &NameTemplate) -> bool {
    template.as_str().contains("{owner}")
}

/// The first thing that is wrong with the braces of `text`.
pub(super) fn misplaced(text: &str, placeholders: &[&str]) -> Option<String> {
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        let closed = rest[brace..]
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'));
        let Some((word, after)) = closed else {
            return Some(format!(
                "`{text}` has a brace without its counterpart. Write placeholders as \
                 `{{environment}}`."
            ));
        };
        if !placeholders.contains(&word) {
            let known: Vec<String> = placeholders.iter().map(|p| format!("`{{{p}}}`")).collect();
            let advice = match nearest(word, placeholders.iter().copied()) {
                Some(near) => format!("Did you mean `{{{near}}}`?"),
                None => format!("Write {}, or no braces.", known.join(" or ")),
            };
            return Some(format!("`{{{word}}}` is not a placeholder here. {advice}"));
        }
        rest = after;
    }
    None
}

/// Path or numeric id of a GitLab project.
pub(super) fn gitlab_project(reader: &mut Reader, node: &Node, path: &str) -> Option<String> {
    let text = match &node.kind {
        // The one place where a bare number is what was meant.
        Kind::Scalar(scalar) if scalar.not_text() == Some(NotText::Number) => scalar.text.as_str(),
        _ => reader.text(node, path)?,
    };
    if is_id(text) || is_path(text) {
        return Some(text.to_owned());
    }
    let found = if text.contains("://") {
        "is a URL"
    } else if text.contains('%') {
        "is percent-encoded"
    } else if text.contains('/') || text.bytes().all(|b| b.is_ascii_digit()) {
        "is no project's path or id"
    } else {
        "has no group in front of the project"
    };
    reader.fault(
        node.place,
        format!(
            "`{path}` is `{text}`, which {found}. Write the project's path, such as \
             `gigascience/upstream/gigadb-website`, or its numeric id."
        ),
    );
    None
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

/// Groups and project, joined by slashes. GitLab's own rules for a segment.
/// <https://docs.gitlab.com/user/reserved_names/>
fn is_path(text: &str) -> bool {
    let segment = |s: &str| {
        !s.is_empty()
            && !s.starts_with(['-', '.'])
            && !s.to_ascii_lowercase().ends_with(".git")
            && s.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    text.contains('/') && text.split('/').all(segment)
}

/// An AWS region.
pub(super) fn region(reader: &mut Reader, node: &Node, path: &str) -> Option<String> {
    let text = reader.text(node, path)?;
    let word = |w: &str| {
        !w.is_empty()
            && w.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_zone = is_zone(text);
    if !is_zone
        && region::is_slip(text)
        && let Some(meant) = region::meant(text)
    {
        reader.fault(
            node.place,
            format!("`{path}` is `{text}`, and there is no such region. Did you mean `{meant}`?"),
        );
        return None;
    }
    if text.split('-').all(word) && !is_zone {
        return Some(text.to_owned());
    }
    let found = if is_zone {
        "is an availability zone rather than a region"
    } else {
        "is not a region's name"
    };
    reader.fault(
        node.place,
        format!("`{path}` is `{text}`, which {found}. Write it like `ap-east-1`."),
    );
    None
}

/// Tells whether `text` is a region's usual name (words, then a number) with a zone's letter.
fn is_zone(text: &str) -> bool {
    let Some((words, number)) = text
        .strip_suffix(|c: char| c.is_ascii_lowercase())
        .and_then(|region| region.rsplit_once('-'))
    else {
        return false;
    };
    !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && words.contains('-')
        && words.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// A login: one word.
pub(super) fn login(reader: &mut Reader, node: &Node, path: &str) -> Option<String> {
    let text = reader.text(node, path)?;
    if text.contains([' ', '@', ':', '/']) || text.starts_with('-') {
        reader.fault(
            node.place,
            format!(
                "`{path}` is `{text}`, which is not a login. Write one word, such as `centos`."
            ),
        );
        return None;
    }
    Some(text.to_owned())
}
