//! Offset pagination with its headers.

use serde_json::Value;

use crate::http::{Reply, Request};

/// Returns one page: 20 rows unless asked for more, never above 100.
pub(super) fn page(items: Vec<Value>, request: &Request) -> Reply {
    let number = |name: &str, default: usize| {
        let value = request
            .query_value(name)
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0);
        value.unwrap_or(default)
    };
    let (page, per_page) = (number("page", 1), number("per_page", 20).min(100));
    let total = items.len();
    let pages = total.div_ceil(per_page).max(1);
    let shown: Vec<Value> = items
        .into_iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .collect();

    let next = (page < pages).then_some(page + 1);
    let previous = (page > 1).then(|| page - 1);
    let counted = total <= 10_000;
    let mut links = Vec::new();
    let mut link = |page: Option<usize>, relation: &str| {
        if let Some(page) = page {
            let url = url_of(request, page, per_page);
            links.push(format!("<{url}>; rel=\"{relation}\""));
        }
    };
    link(previous, "prev");
    link(next, "next");
    link(Some(1), "first");
    link(counted.then_some(pages), "last");

    let text = |page: Option<usize>| page.map(|page| page.to_string()).unwrap_or_default();
    let reply = Reply::json(200, &Value::Array(shown))
        .with("link", links.join(", "))
        .with("x-page", page.to_string())
        .with("x-per-page", per_page.to_string())
        .with("x-next-page", text(next))
        .with("x-prev-page", text(previous));
    if counted {
        reply
            .with("x-total", total.to_string())
            .with("x-total-pages", pages.to_string())
    } else {
        reply
    }
}

fn url_of(request: &Request, page: usize, per_page: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &request.query {
        if name != "page" && name != "per_page" {
            query.append_pair(name, value);
        }
    }
    query.append_pair("page", &page.to_string());
    query.append_pair("per_page", &per_page.to_string());
    format!("{}{}?{}", request.origin, request.path, query.finish())
}
