//! The part of a document between two markers.
//!
//! ```text
//! <!-- gigadb-roles status live -->
//! | … |
//! <!-- /gigadb-roles status -->
//! ```
//!
//! Pure, and over bytes: whatever else the document holds stays as it is.

use std::ops::Range;

use gigadb_engine::name::EnvironmentName;

const OPENS: &[u8] = b"<!-- gigadb-roles status ";
const ENDS: &[u8] = b" -->";
const CLOSES: &[u8] = b"<!-- /gigadb-roles status -->";

/// Why a document has no place for the status of an environment. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SectionError {
    /// No marker names the environment.
    #[error("it has no marker `<!-- gigadb-roles status {0} -->`")]
    Missing(EnvironmentName),
    /// More than one marker names it.
    #[error("lines {0} and {1} both begin the status of `{2}`")]
    Twice(usize, usize, EnvironmentName),
    /// A marker without its end.
    #[error("the marker on line {0} is not closed by `<!-- /gigadb-roles status -->`")]
    Unclosed(usize),
    /// An end without its marker.
    #[error("the marker on line {0} closes nothing")]
    Unopened(usize),
}

/// The document with `table`, whose lines end with `\n`, as the status of `environment`.
pub(crate) fn replaced(
    document: &[u8],
    environment: &EnvironmentName,
    table: &str,
) -> Result<Vec<u8>, SectionError> {
    let place = place(document, environment)?;
    let (before, after) = (&document[..place.start], &document[place.end..]);
    let windows = document[place.start..].starts_with(b"\r\n");
    let line_break = if windows { "\r\n" } else { "\n" };
    let inside = format!("\n{table}").replace('\n', line_break);
    Ok([before, inside.as_bytes(), after].concat())
}

/// What lies between the markers of `environment`. Every marker of the document must be in
/// order, because one that is not tells that the document is not what its author thinks.
fn place(document: &[u8], environment: &EnvironmentName) -> Result<Range<usize>, SectionError> {
    let line = |at: usize| document[..at].split(|byte| *byte == b'\n').count();
    let mut open: Option<(usize, usize, bool)> = None;
    let mut found: Option<(usize, Range<usize>)> = None;
    let mut at = 0;
    while at < document.len() {
        let rest = &document[at..];
        if let Some(name) = opened(rest) {
            if let Some((start, ..)) = open {
                return Err(SectionError::Unclosed(line(start)));
            }
            let past = at + OPENS.len() + name.len() + ENDS.len();
            open = Some((at, past, name == environment.as_str().as_bytes()));
            at = past;
        } else if rest.starts_with(CLOSES) {
            let Some((start, past, ours)) = open.take() else {
                return Err(SectionError::Unopened(line(at)));
            };
            match &found {
                Some((first, _)) if ours => {
                    let (first, second) = (line(*first), line(start));
                    return Err(SectionError::Twice(first, second, environment.clone()));
                }
                _ if ours => found = Some((start, past..at)),
                _ => {}
            }
            at += CLOSES.len();
        } else {
            at += 1;
        }
    }
    if let Some((start, ..)) = open {
        return Err(SectionError::Unclosed(line(start)));
    }
    found
        .map(|(_, place)| place)
        .ok_or_else(|| SectionError::Missing(environment.clone()))
}

/// The name in the marker that `text` begins with.
fn opened(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(OPENS)?;
    let length = rest
        .windows(ENDS.len())
        .take_while(|window| window[0] != b'\n')
        .position(|window| window == ENDS)?;
    Some(&rest[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> EnvironmentName {
        "live".parse().unwrap()
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        let document = b"\xff a\r\n<!-- gigadb-roles status live -->\nold\n<!-- /gigadb-roles status -->\xfe <!-- gigadb-roles status staging --><!-- /gigadb-roles status -->";
        let new = replaced(document, &live(), "| t |\n").unwrap();
        assert_eq!(
            new,
            b"\xff a\r\n<!-- gigadb-roles status live -->\n| t |\n<!-- /gigadb-roles status -->\xfe <!-- gigadb-roles status staging --><!-- /gigadb-roles status -->"
        );
        assert_eq!(replaced(&new, &live(), "| t |\n").unwrap(), new);
    }

    #[test]
    fn the_documents_own_line_breaks_are_kept() {
        let document =
            b"<!-- gigadb-roles status live -->\r\n\r\n<!-- /gigadb-roles status -->\r\n";
        let new = replaced(document, &live(), "| a |\n| b |\n").unwrap();
        assert_eq!(
            new,
            b"<!-- gigadb-roles status live -->\r\n| a |\r\n| b |\r\n<!-- /gigadb-roles status -->\r\n"
        );
    }

    #[test]
    fn markers_out_of_order_are_named_by_line() {
        let open = "<!-- gigadb-roles status live -->\n";
        let other = "<!-- gigadb-roles status staging -->\n";
        let close = "<!-- /gigadb-roles status -->\n";
        let cases = [
            (String::new(), SectionError::Missing(live())),
            (format!("{other}{close}"), SectionError::Missing(live())),
            (
                format!("{open}{close}\n{open}{close}"),
                SectionError::Twice(1, 4, live()),
            ),
            (format!("a\n{open}"), SectionError::Unclosed(2)),
            (format!("{open}{other}{close}"), SectionError::Unclosed(1)),
            (format!("{open}{close}{other}"), SectionError::Unclosed(3)),
            (format!("{open}{close}{close}"), SectionError::Unopened(3)),
        ];
        for (document, error) in cases {
            assert_eq!(
                replaced(document.as_bytes(), &live(), ""),
                Err(error),
                "{document:?}"
            );
        }
    }
}
