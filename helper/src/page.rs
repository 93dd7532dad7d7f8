//! A page in HTML that stands alone: nothing is loaded from elsewhere and nothing runs in it.
//!
//! Invariant: [`Html`] is made from text only here, where every character of the text is escaped.
//! So text of others is never markup.

use std::fmt::Write as _;

use gigadb_engine::foreign::Foreign;

const STYLE: &str = include_str!("page.css");

/// A piece of HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

/// How a word is meant; the word itself says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
}

/// A text in which nothing is markup, neither between tags nor in an attribute's quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in Foreign(text).to_string().chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(c),
        }
    }
    shown
}

impl Html {
    /// Text.
    pub(crate) fn text(text: &str) -> Self {
        Self(escaped(text))
    }

    /// Text that is copied, such as a name or an address.
    pub(crate) fn code(text: &str) -> Self {
        Self(format!("<code>{}</code>", escaped(text)))
    }

    /// A word that says how something is.
    pub(crate) fn word(tone: Tone, word: &str) -> Self {
        let class = match tone {
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        };
        Self(format!("<b class=\"{class}\">{}</b>", escaped(word)))
    }

    /// A line of Markdown as our messages and reviews write it: code spans and bold. Everything else
    /// in it is text.
    pub(crate) fn line(markdown: &str) -> Self {
        let mut html = String::new();
        let mut bold = false;
        let mut rest = markdown;
        while !rest.is_empty() {
            if let Some((inside, after)) = code_span(rest) {
                html.push_str(&Self::code(inside).0);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("**") {
                bold = !bold;
                html.push_str(if bold { "<b>" } else { "</b>" });
                rest = after;
            } else {
                let fence = rest.len() - rest.trim_start_matches('`').len();
                let plain = rest[fence..]
                    .find(['`', '*'])
                    .map_or(rest.len(), |at| at + fence);
                let plain = plain.max(1);
                html.push_str(&escaped(&rest[..plain]));
                rest = &rest[plain..];
            }
        }
        if bold {
            html.push_str("</b>");
        }
        Self(html)
    }

    /// This and another piece after it.
    pub(crate) fn then(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

/// The code span that `text` begins with, and what comes after it.
fn code_span(text: &str) -> Option<(&str, &str)> {
    let fence = text.len() - text.trim_start_matches('`').len();
    if fence == 0 {
        return None;
    }
    let (ticks, after) = text.split_at(fence);
    let mut from = 0;
    loop {
        let start = from + after.get(from..)?.find(ticks)?;
        let run = after[start..].len() - after[start..].trim_start_matches('`').len();
        if run == fence {
            let inside = &after[..start];
            let unpadded = inside
                .strip_prefix(' ')
                .and_then(|inside| inside.strip_suffix(' '))
                .filter(|inside| !inside.trim().is_empty());
            return Some((unpadded.unwrap_or(inside), &after[start + run..]));
        }
        from = start + run;
    }
}

/// A page that grows from its heading to its footer.
#[derive(Debug)]
pub(crate) struct Page {
    title: String,
    body: String,
}

impl Page {
    /// A page with this title, which is also its heading.
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: escaped(&title.replace('`', "").replace("**", "")),
            body: format!("<h1>{}</h1>\n", Html::line(title).0),
        }
    }

    /// A heading below the page's own (2) or below that (3).
    pub(crate) fn heading(&mut self, level: u8, text: &Html) {
        self.add(&format!("<h{level}>{}</h{level}>", text.0));
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, text: &Html) {
        self.add(&format!("<p>{}</p>", text.0));
    }

    /// A list; nothing where there are no items.
    pub(crate) fn list(&mut self, items: impl IntoIterator<Item = Html>) {
        let items: Vec<String> = items
            .into_iter()
            .map(|item| format!("<li>{}</li>", item.0))
            .collect();
        if !items.is_empty() {
            self.add(&format!("<ul>{}</ul>", items.join("\n")));
        }
    }

    /// A table. On a narrow screen every row becomes a card whose cells carry their headings.
    pub(crate) fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<Html>>) {
        let heads: Vec<String> = head.iter().map(|text| escaped(text)).collect();
        let mut table = String::from("<table><thead><tr>");
        // Writing to a string cannot fail.
        for text in &heads {
            let _ = write!(table, "<th scope=\"col\">{text}</th>");
        }
        table.push_str("</tr></thead><tbody>\n");
        for row in rows {
            table.push_str("<tr>");
            for (text, cell) in heads.iter().zip(row) {
                let _ = write!(
                    table,
                    "<td data-head=\"{text}\"><span>{}</span></td>",
                    cell.0
                );
            }
            table.push_str("</tr>\n");
        }
        table.push_str("</tbody></table>");
        self.add(&table);
    }

    /// What `inside` adds, folded under a summary.
    pub(crate) fn fold(&mut self, summary: &Html, inside: impl FnOnce(&mut Self)) {
        self.add(&format!("<details><summary>{}</summary>", summary.0));
        inside(self);
        self.add("</details>");
    }

    /// The whole page, with a last line.
    pub(crate) fn end(self, footer: &Html) -> String {
        let Self { title, body } = self;
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
             <footer>{}</footer>\n</body>\n</html>\n",
            footer.0
        )
    }

    fn add(&mut self, html: &str) {
        self.body.push_str(html);
        self.body.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{Html, Page};

    #[test]
    fn code_and_bold_are_shown_and_everything_else_is_text() {
        for (markdown, html) in [
            ("a `b` **c**", "a <code>b</code> <b>c</b>"),
            ("`` `<x> ``&", "<code>`&lt;x&gt;</code>&amp;"),
            ("an odd ` and *one*", "an odd ` and *one*"),
            ("``two` and", "``two` and"),
            ("<b> **open", "&lt;b&gt; <b>open</b>"),
            ("`a**b`", "<code>a**b</code>"),
            ("\u{1b}[2J\u{202e}\n\"'", "␛[2J\u{fffd}⏎&quot;&#39;"),
            ("é` ü`", "é<code> ü</code>"),
        ] {
            assert_eq!(Html::line(markdown), Html(html.to_owned()), "{markdown:?}");
        }
    }

    #[test]
    fn a_page_loads_nothing_and_runs_nothing() {
        let mut page = Page::new("<script>`x`</script>");
        page.table(&["A\""], [vec![Html::text("<img src=x onerror=alert(1)>")]]);
        page.fold(&Html::text("more"), |page| {
            page.list([Html::code("</style>")]);
        });
        let page = page.end(&Html::default());
        for tag in ["<script", "<img", "<link", "src=\"", "href=", "url("] {
            assert!(!page.contains(tag), "{tag}: {page}");
        }
        assert!(page.contains("data-head=\"A&quot;\""), "{page}");
        assert_eq!(page.matches("</style>").count(), 1);
        assert!(page.contains("prefers-color-scheme:dark"));
    }
}
