//! The proxy that the environment names, with one meaning for all three APIs: that of curl and
//! boto3.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use crate::secret::Secret;

/// Which variables name a proxy for https: the first that is set decides, and an empty one says
/// that there is none. curl and Python look at the small letters first.
/// <https://everything.curl.dev/usingcurl/proxies/env.html>
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const BYPASSES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A proxy, as the usual environment variables name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL, which may hold a password: http or https, host, and port where one is named.
    pub url: Secret,
    /// The hosts that are reached without it, as in `NO_PROXY`.
    pub bypass: String,
    /// The variable that names it.
    pub variable: &'static str,
}

impl Proxy {
    /// The URL without user and password.
    pub fn shown(&self) -> String {
        let Ok(mut url) = Url::parse(self.url.expose()) else {
            return "[unreadable]".to_owned();
        };
        // Both succeed for a URL with a host, and all of these have one.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether a connection to `url` goes through it, as far as can be told.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        url.scheme() == "https" && url.host().is_some_and(|host| !self.bypasses(&host))
    }

    fn bypasses(&self, host: &Host<&str>) -> bool {
        let mut rules = self
            .bypass
            .split(',')
            .map(str::trim)
            .filter(|rule| !rule.is_empty());
        rules.any(|rule| match host {
            _ if rule == "*" => true,
            Host::Domain(name) => {
                let rule = rule.trim_start_matches('*').trim_start_matches('.');
                let name = name.to_ascii_lowercase();
                let rule = rule.to_ascii_lowercase();
                name == rule
                    || name
                        .strip_suffix(&rule)
                        .is_some_and(|rest| rest.ends_with('.'))
            }
            Host::Ipv4(address) => in_network(*address, rule),
            Host::Ipv6(address) => rule.parse() == Ok(IpAddr::V6(*address)),
        })
    }
}

fn in_network(address: Ipv4Addr, rule: &str) -> bool {
    let (network, bits) = rule.split_once('/').unwrap_or((rule, "32"));
    let (Ok(network), Ok(bits)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX
        .checked_shl(32_u32.saturating_sub(bits))
        .unwrap_or(0);
    bits <= 32 && u32::from(address) & mask == u32::from(network) & mask
}

/// The proxy that the environment names for https, if any; or the variable and why its value cannot be used.
/// The value itself is not told, because it may hold a password.
pub(super) fn find(
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, (&'static str, String)> {
    let named = VARIABLES.iter().find_map(|name| Some((*name, env(name)?)));
    let Some((variable, value)) = named else {
        return Ok(None);
    };
    if value.trim().is_empty() {
        return Ok(None);
    }
    let url = parse(value.trim()).map_err(|why| (variable, why))?;
    let bypass = BYPASSES.iter().find_map(|name| env(name));
    Ok(Some(Proxy {
        url: Secret::new(url),
        bypass: bypass.unwrap_or_default(),
        variable,
    }))
}

/// `host:port` is `http://host:port`, as curl and boto3 read it.
fn parse(value: &str) -> Result<String, String> {
    let example = "write it as `http://HOST:PORT`";
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => ("http".to_owned(), value.trim_start_matches("//")),
    };
    match scheme.as_str() {
        "http" | "https" => {}
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => {
            return Err(format!(
                "names a SOCKS proxy, and only HTTP proxies can be used; {example}"
            ));
        }
        _ => return Err(format!("has a scheme that no HTTP proxy has; {example}")),
    }
    // Everything behind host and port says nothing to a proxy.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let url = Url::parse(&format!("{scheme}://{authority}/"))
        .map_err(|error| format!("is not the URL of a proxy ({error}); {example}"))?;
    let host = url.host_str().unwrap_or_default();
    let odd = host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control());
    if odd || authority.contains(char::is_whitespace) {
        return Err(format!("names no host; {example}"));
    }
    if url.port() == Some(0) {
        return Err(format!("names port 0; {example}"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(env: &[(&str, &str)]) -> Result<Option<Proxy>, (&'static str, String)> {
        find(&|name| {
            let found = env.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_form_has_one_meaning() {
        for (value, url) in [
            ("proxy:3128", "http://proxy:3128"),
            ("proxy", "http://proxy"),
            ("127.0.0.1:3128", "http://127.0.0.1:3128"),
            ("[::1]:3128", "http://[::1]:3128"),
            ("//proxy:3128", "http://proxy:3128"),
            ("http://proxy:3128/", "http://proxy:3128"),
            ("HTTP://Proxy:3128", "http://proxy:3128"),
            ("http://proxy:3128/path?x#y", "http://proxy:3128"),
            ("https://proxy:3129", "https://proxy:3129"),
            ("user:pass@proxy:3128", "http://user:pass@proxy:3128"),
            (
                "http://user:p%40ss@proxy:3128",
                "http://user:p%40ss@proxy:3128",
            ),
            (" proxy:3128\n", "http://proxy:3128"),
        ] {
            let found = proxy(&[("HTTPS_PROXY", value)]).unwrap().unwrap();
            assert_eq!(found.url.expose(), url, "{value}");
            assert!(!found.shown().contains("ss@"), "{}", found.shown());
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_the_name_of_its_variable() {
        for value in [
            "socks5://planted:1080",
            "socks5h://planted:1080",
            "SOCKS4://planted",
            "ftp://planted:1",
            "http://",
            "http://planted:port",
            "planted:99999",
            "planted:0",
            "http://user:planted@",
            "two words:1",
            "http://[::1",
        ] {
            let (variable, why) = proxy(&[("ALL_PROXY", value)]).unwrap_err();
            assert_eq!(variable, "ALL_PROXY", "{value}");
            assert!(!why.contains("planted"), "{why}");
            assert!(why.contains("http://HOST:PORT"), "{why}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let url = |env: &[(&str, &str)]| {
            proxy(env)
                .unwrap()
                .map(|p| (p.variable, p.url.expose().to_owned()))
        };
        let is = |variable, url: &str| Some((variable, url.to_owned()));
        let both = [("HTTPS_PROXY", "big:1"), ("https_proxy", "small:1")];
        assert_eq!(url(&both), is("https_proxy", "http://small:1"));
        let all = [("ALL_PROXY", "all:1"), ("HTTPS_PROXY", "https:1")];
        assert_eq!(url(&all), is("HTTPS_PROXY", "http://https:1"));
        assert_eq!(
            url(&[("all_proxy", "all:1")]),
            is("all_proxy", "http://all:1")
        );
        // An empty one switches the others off, as in curl.
        assert_eq!(url(&[("https_proxy", ""), ("HTTPS_PROXY", "big:1")]), None);
        assert_eq!(url(&[("HTTP_PROXY", "plain:1")]), None);
        assert_eq!(url(&[]), None);
    }

    #[test]
    fn hosts_that_are_bypassed_are_known() {
        let serves = |bypass: &str, host: &str| {
            let proxy = Proxy {
                url: Secret::new("http://proxy:1"),
                bypass: bypass.to_owned(),
                variable: "HTTPS_PROXY",
            };
            proxy.serves(&Url::parse(&format!("https://{host}/x")).unwrap())
        };
        for (bypass, host, through) in [
            ("", "api.example", true),
            ("*", "api.example", false),
            ("example", "api.example", false),
            (".example", "api.example", false),
            ("*.example", "api.example", false),
            ("other, api.example", "api.example", false),
            ("ample", "api.example", true),
            ("10.0.0.0/8", "10.1.2.3", false),
            ("10.0.0.0/8", "11.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", false),
            ("::1", "[::1]", false),
        ] {
            assert_eq!(serves(bypass, host), through, "{bypass} {host}");
        }
    }
}
