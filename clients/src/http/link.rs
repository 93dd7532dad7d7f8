//! The links of a `Link` field.

/// The links of one `Link` field, each with whether its relation is `next`.
/// <https://www.rfc-editor.org/rfc/rfc8288#section-3>
pub(super) fn links(field: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = field;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else {
            break;
        };
        let end = end_of_link(after);
        found.push((target.trim(), is_next(&after[..end])));
        rest = &after[end..];
    }
    found
}

/// Where the parameters of a link end: at a comma outside of quotes.
fn end_of_link(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether the first `rel` among a link's parameters holds `next`.
fn is_next(parameters: &str) -> bool {
    let mut rest = parameters;
    while let Some((_, after)) = rest.split_once(';') {
        let after = after.trim_start();
        let name_end = after.find(['=', ';']).unwrap_or(after.len());
        let name = after[..name_end].trim();
        let Some(value) = after[name_end..].strip_prefix('=') else {
            rest = &after[name_end..];
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').unwrap_or(quoted.len());
                (&quoted[..end], &quoted[end..])
            }
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim(), &value[end..])
            }
        };
        if name.eq_ignore_ascii_case("rel") {
            // Only the first one counts.
            let mut relations = value.split_ascii_whitespace();
            return relations.any(|relation| relation.eq_ignore_ascii_case("next"));
        }
        rest = after;
    }
    false
}
