//! Words that we do not use in what people read, with the better one beside each.

use super::tidy::tracked_text;

/// Words that were taken out of what people read, and what to write in their place.
const NOT_USED: [(&str, &str); 17] = [
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("mending", "fixing"),
    ("settle", "fix, write or decide: whichever it is"),
    ("settles", "fixes, writes or decides: whichever it is"),
    ("settled", "fixed, written or decided: whichever it is"),
    ("besides", "in addition to, other than, or also"),
    ("go before", "take precedence over"),
    ("goes before", "takes precedence over"),
    ("see to", "check, or fix"),
    ("sees to", "checks, or fixes"),
    ("belong into", "put them in"),
    ("surely gone", "no longer running"),
    ("as said", "as described above"),
    ("simply", "leave it out"),
    ("please note", "leave it out"),
];

/// The words of `text` that are not used, each with the better one.
fn found_in(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let found = NOT_USED.iter().filter(|(word, _)| {
        let parts: Vec<&str> = word.split(' ').collect();
        words.windows(parts.len()).any(|window| window == parts)
    });
    found
        .map(|(word, better)| format!("{word:?} (better: {better})"))
        .collect()
}

/// What people read of a Rust file: its string literals, each with the line where it begins, and its
/// doc comments where these become `--help`.
fn read_by_people(text: &str, help: bool) -> Vec<(usize, String)> {
    let (mut texts, mut line) = (Vec::new(), 1);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            if help && rest.starts_with("///") {
                texts.push((line, rest[..end].to_owned()));
            }
            end
        } else if first == '"' {
            let end = end_of_literal(&rest[1..]) + 1;
            texts.push((line, rest[..end].to_owned()));
            end
        } else if let Some(hashes) = raw(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            let end = rest[start..].find(&close).unwrap() + start;
            texts.push((line, rest[start..end].to_owned()));
            end + close.len()
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            3
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        line += rest[..taken].matches('\n').count();
        rest = &rest[taken..];
    }
    texts
}

/// Where a literal ends whose first quotation mark was taken, that is behind its last one.
fn end_of_literal(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    panic!("a literal is not closed: {}", &text[..text.len().min(40)]);
}

/// How many `#` a raw literal that begins here has.
fn raw(text: &str) -> Option<usize> {
    let text = text.strip_prefix('r')?;
    let inner = text.trim_start_matches('#');
    inner.starts_with('"').then(|| text.len() - inner.len())
}

#[test]
fn people_read_plain_words() {
    let (mut faults, mut literals) = (Vec::new(), 0);
    for (path, text) in tracked_text() {
        let texts = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("md" | "tf" | "yml" | "yaml") => {
                let lines = text.lines().enumerate();
                lines.map(|(at, line)| (at + 1, line.to_owned())).collect()
            }
            Some("rs") if path.contains("/src/") => {
                let found = read_by_people(&text, path.starts_with("helper/src/"));
                literals += found.len();
                found
            }
            _ => continue,
        };
        for (line, text) in texts {
            for word in found_in(&text) {
                faults.push(format!("{path}:{line}: {word}"));
            }
        }
    }
    assert!(literals > 3000, "only {literals} texts were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn words_are_found_where_people_read_them_and_nowhere_else() {
    let code = r##"
fn settle(c: char) -> bool { c == '"' || c == '\'' } // settle
/// Settles it.
const A: &str = "Mend \"it\" first";
const B: &str = r#"see
to it"#;
const C: &str = "unsettled, mend_it";
"##;
    let found = |help| -> Vec<String> {
        let texts = read_by_people(code, help);
        let words = |(line, text): (usize, String)| {
            let words = found_in(&text);
            words.into_iter().map(move |word| format!("{line}: {word}"))
        };
        texts.into_iter().flat_map(words).collect()
    };
    let literals = [
        "4: \"mend\" (better: fix)",
        "5: \"see to\" (better: check, or fix)",
    ];
    assert_eq!(found(false), literals);
    assert_eq!(found(true).len(), 3);
}
