//! Lists in pages: followed to their end, or refused as incomplete. Never is a part taken for the
//! whole.
//!
//! **Invariant.** A list ends where its own totals are reached and nothing says that more follows.
//! It takes no more than [`MOST_BYTES`] and [`MOST_PAGES`].

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use reqwest::header::{HeaderMap, LINK};
use url::Url;

use super::{link::links, text};

/// The most that all pages of a list may hold, in bytes.
pub(crate) const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The most pages that are read: more than 8,000 variables, GitLab's limit for a project, or any
/// plan's records fill, even a few a page.
pub(crate) const MOST_PAGES: u64 = 1000;

/// What follows a page, as it says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Next {
    /// It does not say.
    #[default]
    NotSaid,
    /// Nothing.
    Nothing,
    /// The page with this number.
    Page(u64),
    /// What this query gives.
    Query(Vec<(String, String)>),
    /// Something that cannot be followed: what it says.
    Unclear(String),
}

/// What a page says of itself and of its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its own number.
    pub(crate) page: Option<u64>,
    /// Rows a page.
    pub(crate) per_page: Option<u64>,
    /// Its own rows.
    pub(crate) count: Option<u64>,
    /// Rows in all.
    pub(crate) total: Option<u64>,
    /// Pages in all.
    pub(crate) pages: Option<u64>,
    pub(crate) next: Next,
}

/// What is to be asked for next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Page(u64),
    Query(Vec<(String, String)>),
}

/// One walk through a list.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Rows a page, as they were asked for.
    asked: u64,
    /// The number of the page that is being read.
    page: u64,
    pages: u64,
    bytes: usize,
    rows: HashSet<u64>,
    queries: HashSet<Vec<(String, String)>>,
    /// Whether the last page was asked for by its number.
    numbered: bool,
    /// Whether the page before named the last one.
    named: bool,
    /// How many rows in all the page before said.
    total: Option<u64>,
}

/// What tells a row from all others of its list.
pub(crate) fn identity(row: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}

impl Walk {
    /// A walk that begins at page 1, with so many rows asked for a page.
    pub(crate) fn new(asked: u64) -> Self {
        Self {
            asked,
            page: 1,
            pages: 0,
            bytes: 0,
            rows: HashSet::new(),
            queries: HashSet::new(),
            numbered: true,
            named: false,
            total: None,
        }
    }

    /// How many bytes the next page may have.
    pub(crate) fn room(&self) -> usize {
        MOST_BYTES.saturating_sub(self.bytes)
    }

    /// Takes one page, with the identities of all its rows, kept or not. Returns what to ask for
    /// next, `None` at the end of the list, or why the list is incomplete, as a clause.
    pub(crate) fn take(
        &mut self,
        said: &Said,
        rows: &[u64],
        bytes: usize,
    ) -> Result<Option<Ask>, String> {
        let found = rows.len() as u64;
        self.pages += 1;
        self.bytes += bytes;
        if let Some(count) = said.count.filter(|count| *count != found) {
            return Err(format!(
                "page {} holds {found} rows where it says {count}",
                self.page
            ));
        }
        if let Some(page) = said.page.filter(|page| self.numbered && *page != self.page) {
            return Err(format!("page {page} came instead of page {}", self.page));
        }
        // Where a row went meanwhile, those after it moved up, and one of them to a page that was
        // read already. Rows that came push none out of sight, and are counted by the new total.
        if let (Some(before), Some(now)) = (self.total, said.total)
            && now < before
        {
            return Err(format!(
                "it had {before} rows before page {} and {now} there",
                self.page
            ));
        }
        self.total = said.total.or(self.total);
        let before = self.rows.len();
        self.rows.extend(rows);
        if self.pages > 1 && found > 0 && self.rows.len() == before {
            return Err(format!("page {} repeats what came before it", self.page));
        }
        let seen = self.rows.len() as u64;
        let names = matches!(said.next, Next::Page(_) | Next::Query(_));
        // A page is there where the page before names it, or the count of pages includes it.
        let counted = self.page > 1 && said.pages.is_some_and(|pages| self.page <= pages);
        // After a cursor, an empty page is an end like any other.
        let promised = names || (self.named && self.numbered) || counted;
        if found == 0 && promised && said.total.is_none_or(|total| seen < total) {
            return Err(format!("page {} is empty", self.page));
        }
        self.named = names;
        let more = self.follow(said, found, seen)?;
        let Some(more) = more else {
            return Ok(None);
        };
        if self.pages >= MOST_PAGES {
            return Err(format!("it has more than {MOST_PAGES} pages"));
        }
        if let Some(pages) = said.pages.filter(|pages| *pages > MOST_PAGES) {
            return Err(format!(
                "it says that it has {pages} pages, and {MOST_PAGES} are read at most"
            ));
        }
        self.page += 1;
        self.numbered = matches!(more, Ask::Page(_));
        Ok(Some(more))
    }

    fn follow(&mut self, said: &Said, found: u64, seen: u64) -> Result<Option<Ask>, String> {
        let next = self.page + 1;
        match &said.next {
            Next::Page(page) if *page == next => return Ok(Some(Ask::Page(next))),
            Next::Page(page) => {
                return Err(format!("page {} names page {page} as the next", self.page));
            }
            Next::Query(query) if self.queries.insert(query.clone()) => {
                return Ok(Some(Ask::Query(query.clone())));
            }
            Next::Query(_) => {
                return Err(format!(
                    "page {} names one as the next that came already",
                    self.page
                ));
            }
            Next::Unclear(said) => {
                return Err(format!("page {} names `{said}` as the next", self.page));
            }
            Next::Nothing | Next::NotSaid => {}
        }
        let rows_missing = said.total.filter(|total| seen < *total);
        let pages_missing = said.pages.filter(|pages| self.page < *pages);
        if found == 0 {
            return match (rows_missing, pages_missing) {
                (Some(total), _) => Err(format!("{seen} of {total} rows came")),
                // Where the rows are all there, the pages are miscounted.
                (None, Some(pages)) if said.total.is_none() => {
                    Err(format!("page {} of {pages} is empty", self.page))
                }
                _ => Ok(None),
            };
        }
        // Who is asked by links ends where there is none.
        let nothing_said = self.numbered
            && said.total.is_none()
            && said.pages.is_none()
            && said.next == Next::NotSaid;
        let full = found >= self.asked.min(said.per_page.unwrap_or(self.asked));
        let full = full && self.numbered && said.total.is_none_or(|total| seen > total);
        let more = rows_missing.is_some() || pages_missing.is_some() || nothing_said || full;
        Ok(more.then_some(Ask::Page(next)))
    }
}

/// What the headers of a page say, as GitLab writes them: `x-next-page` and its kin, and `Link`.
/// <https://docs.gitlab.com/api/rest/#pagination>
pub(crate) fn said_by_headers(headers: &HeaderMap) -> Said {
    let number = |name: &str| text(headers, name).and_then(|text| text.parse().ok());
    let next = match text(headers, "x-next-page") {
        Some(next) => next.parse().map_or(Next::Unclear(next), Next::Page),
        None => linked(headers),
    };
    let next = match next {
        Next::NotSaid if headers.contains_key("x-next-page") => Next::Nothing,
        next => next,
    };
    Said {
        page: number("x-page"),
        per_page: number("x-per-page"),
        count: None,
        total: number("x-total"),
        pages: number("x-total-pages"),
        next,
    }
}

/// What `Link` names as the next page. Its address is not followed, so that the token goes nowhere
/// else: its query is asked for where the list is.
fn linked(headers: &HeaderMap) -> Next {
    let fields: Vec<&str> = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    if fields.is_empty() {
        return Next::NotSaid;
    }
    let links = fields.iter().flat_map(|field| links(field));
    let Some(target) = links
        .filter(|(_, next)| *next)
        .map(|(target, _)| target)
        .next()
    else {
        return Next::Nothing;
    };
    // A target may be relative; only its query counts.
    let base = Url::parse("https://list.invalid/").ok();
    let Some(url) = base.and_then(|base| base.join(target).ok()) else {
        return Next::Unclear(target.to_owned());
    };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let cursor = |name: &str| name == "cursor" || name == "id_after" || name == "page_token";
    let by_cursor = query.iter().any(|(name, _)| cursor(name));
    let mut pages = query.iter().filter(|_| !by_cursor);
    let page = pages.find(|(name, _)| name == "page");
    match page.map(|(_, page)| page.parse()) {
        Some(Ok(page)) => Next::Page(page),
        Some(Err(_)) => Next::Unclear(target.to_owned()),
        None if query.is_empty() => Next::Unclear(target.to_owned()),
        None => Next::Query(query),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        headers
    }

    #[test]
    fn the_next_page_is_found_in_every_form_of_a_link() {
        let page = Next::Page(2);
        for link in [
            r#"<https://x/api?page=2>; rel="next""#,
            "<https://x/api?page=2>; rel=next",
            "<https://x/api?page=2>;rel=next",
            r#"<https://x/api?page=2>; REL="Next""#,
            r#"<https://x/api?page=2>; rel="prefetch next""#,
            r#"<https://x/api?page=2>; title="a, <b>; rel=\"last\""; rel="next""#,
            r#"<https://x/a,b;c?page=2>; rel="next""#,
            r#"<https://x/api?page=1>; rel="prev", <https://x/api?page=2>; rel="next""#,
            r#"<https://x/api?page=2>; rel="next",<https://x/api?page=9>; rel="last""#,
            r#"</api?per_page=100&page=2>; rel="next""#,
            r#"<?page=2>; rel="next""#,
            r#"<https://x/api?page=2> ; rel = "next" ; type=x"#,
            r#"<https://x/api?page=2>; crossorigin; rel="next"; rel="last""#,
        ] {
            assert_eq!(linked(&headers(&[("link", link)])), page, "{link}");
        }
        let two = [
            ("link", r#"<https://x/api?page=1>; rel="first""#),
            ("link", r#"<https://x/api?page=2>; rel="next""#),
        ];
        assert_eq!(linked(&headers(&two)), page);
        for link in [
            r#"<https://x/api?page=2>; rel="last""#,
            r#"<https://x/api?page=2>; rel="nextish""#,
            r#"<https://x/api?page=2>; rel="last"; rel="next""#,
            r#"<https://x/next?rel="next"&page=2>; rel="first""#,
            "",
        ] {
            assert_eq!(linked(&headers(&[("link", link)])), Next::Nothing, "{link}");
        }
        let cursor = r#"<https://x/api?cursor=abc>; rel="next""#;
        let query = vec![("cursor".to_owned(), "abc".to_owned())];
        assert_eq!(linked(&headers(&[("link", cursor)])), Next::Query(query));
        assert_eq!(linked(&headers(&[])), Next::NotSaid);
        let unclear = r#"<https://x/api?page=two>; rel="next""#;
        assert!(matches!(
            linked(&headers(&[("link", unclear)])),
            Next::Unclear(_)
        ));
    }

    /// A server with so many rows, and what it says of them.
    #[derive(Debug, Clone)]
    #[expect(
        clippy::struct_excessive_bools,
        reason = "every way in which a server may say too little"
    )]
    struct Server {
        rows: u64,
        /// The most rows a page, whatever is asked for.
        cap: u64,
        tells_total: bool,
        tells_pages: bool,
        tells_next: bool,
        tells_page: bool,
        lie: Lie,
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Lie {
        None,
        /// Later pages are empty.
        CutOff,
        /// Every page is the first.
        Repeats,
        /// There is always another page, of rows that nobody has seen.
        Endless,
        /// It says that it has more rows than there are.
        Missing,
        /// It leaves rows out of a page and says the old count.
        Short,
    }

    impl Server {
        fn answer(&self, page: u64) -> (Said, Vec<u64>) {
            let real = if self.lie == Lie::Endless {
                u64::MAX / 2
            } else {
                self.rows
            };
            let shown = if self.lie == Lie::Repeats { 1 } else { page };
            let from = (shown - 1).saturating_mul(self.cap).min(real);
            let to = (from + self.cap).min(real);
            let mut rows: Vec<u64> = (from..to).collect();
            let whole = rows.len() as u64;
            if self.lie == Lie::CutOff && page > 1 {
                rows.clear();
            }
            if self.lie == Lie::Short {
                rows.pop();
            }
            let pages = real.div_ceil(self.cap).max(1);
            let total = if self.lie == Lie::Missing {
                real + 1
            } else {
                real
            };
            let said = Said {
                page: self.tells_page.then_some(shown),
                per_page: self.tells_page.then_some(self.cap),
                count: (self.lie == Lie::Short).then_some(whole),
                total: self.tells_total.then_some(total),
                pages: self.tells_pages.then_some(pages),
                next: match (self.tells_next, page < pages) {
                    (false, _) => Next::NotSaid,
                    (true, true) => Next::Page(page + 1),
                    (true, false) => Next::Nothing,
                },
            };
            (said, rows)
        }

        /// Walks through the list; the rows, or why not all came, and how many pages were read.
        fn read(&self) -> (Result<u64, String>, u64) {
            let mut walk = Walk::new(100);
            let (mut page, mut pages) = (1, 0);
            loop {
                let (said, rows) = self.answer(page);
                pages += 1;
                match walk.take(&said, &rows, 1) {
                    Err(why) => return (Err(why), pages),
                    Ok(None) => return (Ok(walk.rows.len() as u64), pages),
                    Ok(Some(Ask::Page(next))) => page = next,
                    Ok(Some(Ask::Query(_))) => return (Err("a query".to_owned()), pages),
                }
            }
        }
    }

    fn servers() -> impl Strategy<Value = Server> {
        let lies = prop::sample::select(vec![
            Lie::None,
            Lie::CutOff,
            Lie::Repeats,
            Lie::Endless,
            Lie::Missing,
            Lie::Short,
        ]);
        let truths = prop::array::uniform4(any::<bool>());
        (0_u64..350, 1_u64..=100, truths, lies).prop_map(|(rows, cap, truths, lie)| Server {
            rows,
            cap,
            tells_total: truths[0],
            tells_pages: truths[1],
            tells_next: truths[2],
            tells_page: truths[3],
            lie,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_list_is_whole_or_refused(server in servers()) {
            let (read, pages) = server.read();
            prop_assert!(pages <= MOST_PAGES, "{pages}");
            let whole = server.lie == Lie::None;
            match read {
                Ok(rows) => {
                    // What is cut off without any total to tell it by cannot be known.
                    let knowable = server.tells_total || server.tells_pages || server.tells_next;
                    let all = rows == server.rows && server.lie != Lie::Endless;
                    prop_assert!(all || (!knowable && server.lie == Lie::CutOff), "{rows}");
                    prop_assert!(server.lie != Lie::Missing || !server.tells_total);
                }
                Err(why) => prop_assert!(!whole, "{why}"),
            }
        }
    }

    #[test]
    fn a_list_that_says_what_it_has_costs_no_request_too_many() {
        for (rows, pages) in [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2)] {
            let server = Server {
                rows,
                cap: 100,
                tells_total: true,
                tells_pages: true,
                tells_next: false,
                tells_page: true,
                lie: Lie::None,
            };
            assert_eq!(server.read(), (Ok(rows), pages));
        }
    }

    #[test]
    fn a_list_that_changes_while_it_is_read_is_refused() {
        let said = |page, total| Said {
            page: Some(page),
            total: Some(total),
            ..Said::default()
        };
        let read = |now: u64, second: std::ops::Range<u64>| {
            let mut walk = Walk::new(100);
            let first: Vec<u64> = (0..100).collect();
            let next = walk.take(&said(1, 128), &first, 1);
            assert_eq!(next, Ok(Some(Ask::Page(2))));
            let second: Vec<u64> = second.collect();
            walk.take(&said(2, now), &second, 1)
        };
        // A row of page 1 went: row 100 is on no page.
        let why = read(127, 101..128).unwrap_err();
        assert_eq!(why, "it had 128 rows before page 2 and 127 there");
        // One came at the end.
        assert_eq!(read(129, 100..129), Ok(None));
    }

    #[test]
    fn a_list_by_cursors_ends_in_every_form() {
        let cursor = |after: u64, page: &str| {
            let link = format!("<https://x/api?id_after={after}{page}&per_page=2>; rel=\"next\"");
            said_by_headers(&headers(&[("link", &link)]))
        };
        let first = said_by_headers(&headers(&[("link", "<https://x/api>; rel=\"first\"")]));
        for page in ["", "&page=1"] {
            let last: [(&Said, &[u64]); 4] = [
                (&first, &[5]),
                (&Said::default(), &[5]),
                (&Said::default(), &[5, 6]),
                (&Said::default(), &[]),
            ];
            for (said, rows) in last {
                let mut walk = Walk::new(2);
                for (after, rows) in [(2, [1, 2]), (4, [3, 4])] {
                    let next = walk.take(&cursor(after, page), &rows, 1);
                    assert!(matches!(next, Ok(Some(Ask::Query(_)))), "{next:?}");
                }
                assert_eq!(
                    walk.take(said, rows, 1),
                    Ok(None),
                    "{page} {said:?} {rows:?}"
                );
            }
        }
    }

    #[test]
    fn a_billion_pages_are_refused_at_the_first() {
        let mut walk = Walk::new(100);
        let said = Said {
            pages: Some(1_000_000_000),
            ..Said::default()
        };
        let why = walk.take(&said, &[1], 1).unwrap_err();
        assert_eq!(
            why,
            "it says that it has 1000000000 pages, and 1000 are read at most"
        );
    }
}
