//! What an answer that failed says in its own words, whoever wrote it: the vendor's errors in all
//! their shapes, a page of HTML, or a line of plain text.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value};

use super::{VendorFault, text};

/// The most errors of one answer that are shown.
const MOST_FAULTS: usize = 5;
/// Causes are not followed deeper.
const DEEPEST: usize = 4;
/// The longest body that is taken for a sentence.
const LONGEST_TEXT: usize = 1000;

/// The keys under which an error has its text, the first one that is there counts.
const TEXTS: [&str; 9] = [
    "message",
    "error_message",
    "error_description",
    "detail",
    "description",
    "title",
    "reason",
    "msg",
    "error",
];

/// The errors that a body names; a line of plain text is one. None where it is a page, or nothing
/// that can be shown.
pub(crate) fn faults(headers: &HeaderMap, body: &[u8]) -> Vec<VendorFault> {
    match serde_json::from_slice(body) {
        Ok(value) => told(&value),
        Err(_) if is_page(headers, body) => Vec::new(),
        Err(_) => plain(body).into_iter().collect(),
    }
}

/// The errors that a JSON body names.
pub(crate) fn told(body: &Value) -> Vec<VendorFault> {
    let mut found = Vec::new();
    match body {
        Value::Object(object) => whole(object, &mut found),
        other => one(other, DEEPEST, &mut found),
    }
    let mut said: Vec<VendorFault> = Vec::new();
    for fault in found {
        let known = said.iter().any(|other| {
            other.message.eq_ignore_ascii_case(&fault.message)
                && (fault.code.is_none() || other.code == fault.code)
        });
        if !known && said.len() < MOST_FAULTS {
            said.push(fault);
        }
    }
    said
}

/// The errors that a list or its like holds.
pub(crate) fn listed(errors: &Value) -> Vec<VendorFault> {
    let mut found = Vec::new();
    one(errors, DEEPEST, &mut found);
    found.truncate(MOST_FAULTS);
    found
}

/// A whole body: `errors`, then `message`, `error` and their kin.
fn whole(body: &Map<String, Value>, found: &mut Vec<VendorFault>) {
    if let Some(errors) = body.get("errors").or_else(|| body.get("Errors")) {
        one(errors, DEEPEST, found);
    }
    match body.get("message").or_else(|| body.get("Message")) {
        Some(Value::Object(fields)) => by_field(fields, found),
        Some(message) => one(message, DEEPEST, found),
        None => {}
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    match (body.get("error"), text("error_description")) {
        (Some(Value::String(error)), Some(description)) => {
            found.push(fault(None, format!("{error}: {description}")));
        }
        (Some(Value::Bool(_)) | None, Some(description)) => push(None, description, found),
        (Some(error), _) => one(error, DEEPEST, found),
        (None, None) => {}
    }
    if found.is_empty() {
        let texts = [
            text("title"),
            text("detail"),
            text("error_message"),
            text("msg"),
            text("reason"),
        ];
        let texts: Vec<&str> = texts.into_iter().flatten().collect();
        push(None, &texts.join(": "), found);
    }
    let code = code_of(body).map(|(number, _)| number);
    if let (Some(first), Some(Some(code))) = (found.first_mut(), code) {
        first.code.get_or_insert(code);
    }
}

/// One error in whatever shape, or several.
fn one(value: &Value, deeper: usize, found: &mut Vec<VendorFault>) {
    match value {
        Value::String(text) => push(None, text, found),
        Value::Array(all) => all.iter().for_each(|value| one(value, deeper, found)),
        Value::Object(object) => {
            let text = TEXTS.iter().find_map(|key| object.get(*key)?.as_str());
            let code = code_of(object);
            match (text, code) {
                (None, None) => by_field(object, found),
                (text, code) => {
                    let (number, word) = code.unwrap_or_default();
                    let text = [word.as_deref(), text];
                    let text: Vec<&str> = text.into_iter().flatten().collect();
                    found.push(fault(number, text.join(": ")));
                }
            }
            for causes in ["error_chain", "errors"] {
                if let (Some(causes), Some(deeper)) = (object.get(causes), deeper.checked_sub(1)) {
                    one(causes, deeper, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Texts by the field that they are about, as GitLab tells what it does not take.
fn by_field(fields: &Map<String, Value>, found: &mut Vec<VendorFault>) {
    for (field, texts) in fields {
        let texts = match texts {
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
            Value::String(text) => vec![text.as_str()],
            _ => continue,
        };
        found.push(fault(None, format!("{field} {}", texts.join(", "))));
    }
}

/// A code: a number, also one in quotes, or a word.
fn code_of(object: &Map<String, Value>) -> Option<(Option<i64>, Option<String>)> {
    let code = ["code", "error_code", "Code"]
        .iter()
        .find_map(|key| object.get(*key))?;
    match code {
        Value::Number(number) => number.as_i64().map(|number| (Some(number), None)),
        Value::String(text) => Some(match text.trim().parse() {
            Ok(number) => (Some(number), None),
            Err(_) => (None, Some(text.clone())),
        }),
        _ => None,
    }
}

fn push(code: Option<i64>, text: &str, found: &mut Vec<VendorFault>) {
    if !text.trim().is_empty() {
        found.push(fault(code, text.to_owned()));
    }
}

fn fault(code: Option<i64>, message: String) -> VendorFault {
    VendorFault { code, message }
}

/// A body of plain text: what GitLab says of its rate limits, or a proxy of what it forbids.
fn plain(body: &[u8]) -> Option<VendorFault> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let shown = !text.is_empty()
        && text.len() <= LONGEST_TEXT
        && !text.starts_with(['{', '[', '<'])
        && !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    let line = text.lines().next().unwrap_or_default();
    shown.then(|| fault(None, line.to_owned()))
}

/// Whether a body is a page of HTML, by what it is said to be or by how it begins.
pub(crate) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let said = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let said = said.to_ascii_lowercase();
    if said.contains("json") || said.contains("/xml") {
        return begins_as_page(body);
    }
    said.starts_with("text/html") || said.contains("xhtml") || begins_as_page(body)
}

/// Whether a body begins as a page of HTML does.
pub(crate) fn begins_as_page(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace());
    let start = &body[start.unwrap_or(body.len())..];
    let begin = String::from_utf8_lossy(&start[..start.len().min(100)]).to_ascii_lowercase();
    [
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<title",
        "<center",
        "<h1",
    ]
    .iter()
    .any(|tag| begin.starts_with(tag))
        || (begin.starts_with("<!--")
            && String::from_utf8_lossy(start)
                .to_ascii_lowercase()
                .contains("<html"))
}

/// The title of a page.
pub(crate) fn title(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]);
    // Letters keep their length in ASCII's lower case, and so do all other bytes.
    let lower = text.to_ascii_lowercase();
    let from = lower.find("<title")?;
    let from = from + lower[from..].find('>')? + 1;
    let to = from + lower[from..].find("</title")?;
    let title = text[from..to].trim();
    (!title.is_empty()).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        let faults = faults(&HeaderMap::new(), body.as_bytes());
        let faults = faults.iter().map(|fault| match fault.code {
            Some(code) => format!("{code} {}", fault.message),
            None => fault.message.clone(),
        });
        faults.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn the_text_is_kept_in_every_shape() {
        for (body, text) in [
            // Cloudflare
            (
                r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}"#,
                "10000 Authentication error",
            ),
            (
                r#"{"errors":[{"code":"10000","message":"Authentication error"}]}"#,
                "10000 Authentication error",
            ),
            (
                r#"{"errors":[{"code":1004,"message":"DNS Validation Error","error_chain":[{"code":9021,"message":"Invalid TTL"}]}]}"#,
                "1004 DNS Validation Error | 9021 Invalid TTL",
            ),
            (r#"{"errors":["Invalid token"]}"#, "Invalid token"),
            (r#"{"errors":"Invalid token"}"#, "Invalid token"),
            (
                r#"{"errors":{"code":1000,"message":"Invalid token"}}"#,
                "1000 Invalid token",
            ),
            (r#"{"errors":[{"code":1000}]}"#, "1000 "),
            (r#"{"errors":[{"error":"Invalid token"}]}"#, "Invalid token"),
            (
                r#"{"success":false,"error":"Invalid token"}"#,
                "Invalid token",
            ),
            (
                r#"{"success":false,"error":{"code":7003,"message":"No route"}}"#,
                "7003 No route",
            ),
            (
                r#"{"success":false,"errors":[],"error":"Invalid token","code":"1000"}"#,
                "1000 Invalid token",
            ),
            (
                r#"{"type":"https://x","title":"Error 1015","status":429,"detail":"You are being rate limited","error_code":1015}"#,
                "1015 Error 1015: You are being rate limited",
            ),
            (
                r#"{"result":null,"success":false,"errors":null,"messages":[]}"#,
                "",
            ),
            // GitLab
            (r#"{"message":"401 Unauthorized"}"#, "401 Unauthorized"),
            (
                r#"{"message":{"value":["is invalid","is too long"],"key":"x"}}"#,
                "key x | value is invalid, is too long",
            ),
            (r#"{"message":["a","b"]}"#, "a | b"),
            (
                r#"{"error":"invalid_token","error_description":"Token was revoked."}"#,
                "invalid_token: Token was revoked.",
            ),
            (
                r#"{"error":"insufficient_scope","error_description":"Higher privileges","scope":"api"}"#,
                "insufficient_scope: Higher privileges",
            ),
            (r#"{"error":"value is missing"}"#, "value is missing"),
            (
                r#"{"message":"404 Not Found","error":"404 Not Found"}"#,
                "404 Not Found",
            ),
            (r#"{"error_description":"no"}"#, "no"),
            ("Retry later\n", "Retry later"),
            // AWS, in JSON
            (r#"{"__type":"AccessDenied","Message":"no"}"#, "no"),
            (r#"{"Code":"AccessDenied","Message":"no"}"#, "no"),
            (
                r#"{"errors":[{"code":"invalid_request","message":"no"}]}"#,
                "invalid_request: no",
            ),
            // Others
            (r#""no""#, "no"),
            (r#"["no","nor"]"#, "no | nor"),
            (
                "Forbidden by policy 7\nsecond line",
                "Forbidden by policy 7",
            ),
            ("<html><title>x</title></html>", ""),
            ("{\"cut", ""),
            ("\u{1}\u{2}", ""),
            ("", ""),
            ("{}", ""),
            ("7", ""),
        ] {
            assert_eq!(said(body), text, "{body}");
        }
    }

    #[test]
    fn a_page_is_known_as_one() {
        for (body, page) in [
            ("<!DOCTYPE html><html>", true),
            ("\u{feff}\n <HTML lang=en>", true),
            ("<!-- x --><html>", true),
            ("<head><title>502", true),
            ("<?xml version=\"1.0\"?><Response>", false),
            ("<ErrorResponse>", false),
            ("{\"message\":\"<html>\"}", false),
            ("", false),
        ] {
            assert_eq!(begins_as_page(body.as_bytes()), page, "{body}");
        }
        let page = b"<html><head><TITLE lang=en> Access\n denied </TITLE>";
        assert_eq!(title(page).as_deref(), Some("Access\n denied"));
        assert_eq!(title(b"<html>"), None);
    }
}
