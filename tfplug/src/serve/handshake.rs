//! How the process was started, and what it answers on stdout.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::Provider;

const COOKIE_KEY: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The environment variables that matter, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn of_process() -> Self {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((
                key.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// Returns a variable that is set, be it empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Returns a variable that is set and not empty.
    pub(super) fn filled(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Environment {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

/// What the process is to do.
pub(super) enum Mode {
    /// Say something and exit.
    Answer {
        text: fn(&dyn Provider) -> String,
        to_stderr: bool,
        code: u8,
    },
    /// Serve; in debug mode without cookie, TLS and handshake.
    Serve { debug: bool },
}

/// Decides from arguments and environment.
pub(super) fn mode(arguments: &[String], environment: &Environment) -> Mode {
    match arguments.first().map(String::as_str) {
        Some("--version" | "-V") => {
            let text =
                |provider: &dyn Provider| format!("{} {}", provider.address(), provider.version());
            Mode::Answer {
                text,
                to_stderr: false,
                code: 0,
            }
        }
        Some("--help" | "-h") => Mode::Answer {
            text: help,
            to_stderr: false,
            code: 0,
        },
        Some("--debug") => Mode::Serve { debug: true },
        _ if environment.get(COOKIE_KEY) == Some(COOKIE) => Mode::Serve { debug: false },
        _ => Mode::Answer {
            text: hint,
            to_stderr: true,
            code: 1,
        },
    }
}

fn hint(provider: &dyn Provider) -> String {
    format!(
        "This is the Terraform provider {}. Terraform and OpenTofu start it themselves; \
         started by hand it does nothing.\nPut it where they look for providers, and run `terraform init` in a folder \
         whose configuration requires it. `--help` says more.",
        provider.address()
    )
}

fn help(provider: &dyn Provider) -> String {
    format!(
        "Terraform provider {} {}, plugin protocol 6.\n\n\
         Terraform and OpenTofu start this program without arguments. By hand:\n\n  \
         --version  print the version\n  \
         --help     print this help\n  \
         --debug    serve until Ctrl-C, for a debugger; prints the variable that makes Terraform or OpenTofu use this process",
        provider.address(),
        provider.version()
    )
}

/// Where the plugin listens, in the words of the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) network: &'static str,
    pub(super) address: String,
}

/// Returns the handshake line. Only protocol 6 is spoken, whatever `PLUGIN_PROTOCOL_VERSIONS` lists: core reports a mismatch.
pub(super) fn line(
    endpoint: &Endpoint,
    certificate: Option<&[u8]>,
    environment: &Environment,
) -> String {
    let certificate = certificate
        .map(|der| STANDARD_NO_PAD.encode(der))
        .unwrap_or_default();
    let mut line = format!(
        "1|6|{}|{}|grpc|{certificate}",
        endpoint.network, endpoint.address
    );
    if environment.filled("PLUGIN_MULTIPLEX_GRPC").is_some() {
        line.push_str("|false");
    }
    line
}

/// The registries whose names an address without a host stands for: Terraform's and OpenTofu's.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// Returns the assignment that makes core use this process, quoted for a shell. Core panics if `Test` is false.
///
/// Terraform and OpenTofu read `acme/fake` as an address of their own registry, so both are in it; either passes over the other's.
pub(super) fn reattach(endpoint: &Endpoint, provider: &str) -> String {
    let config = serde_json::json!({
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": std::process::id(),
        "Test": true,
        "Addr": { "Network": endpoint.network, "String": endpoint.address },
    });
    let configs: serde_json::Map<String, serde_json::Value> = sources(provider)
        .into_iter()
        .map(|source| (source, config.clone()))
        .collect();
    let json = serde_json::Value::Object(configs).to_string();
    format!("TF_REATTACH_PROVIDERS='{}'", json.replace('\'', r"'\''"))
}

/// The full addresses under which core may look for the provider.
fn sources(provider: &str) -> Vec<String> {
    let below = match provider.split_once('/') {
        None => format!("hashicorp/{provider}"),
        Some((host, rest)) if REGISTRIES.contains(&host) => rest.to_owned(),
        Some((_, rest)) if rest.contains('/') => return vec![provider.to_owned()],
        Some(_) => provider.to_owned(),
    };
    REGISTRIES
        .iter()
        .map(|host| format!("{host}/{below}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            network: "unix",
            address: "/tmp/p/plugin".into(),
        }
    }

    #[test]
    fn the_line_is_what_core_parses() {
        let none = Environment::default();
        assert_eq!(
            line(&endpoint(), None, &none),
            "1|6|unix|/tmp/p/plugin|grpc|"
        );
        // Standard alphabet, no padding.
        assert_eq!(
            line(&endpoint(), Some(&[0xfb, 0xff, 0xfe, 0xff]), &none),
            "1|6|unix|/tmp/p/plugin|grpc|+//+/w"
        );
        let multiplex = Environment::from_iter([("PLUGIN_MULTIPLEX_GRPC", "true")]);
        assert_eq!(
            line(&endpoint(), None, &multiplex),
            "1|6|unix|/tmp/p/plugin|grpc||false"
        );
    }

    #[test]
    fn only_the_cookie_makes_a_plugin() {
        let serves = |arguments: &[&str], cookie: &str| {
            let arguments: Vec<String> = arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect();
            let environment = Environment::from_iter([(COOKIE_KEY, cookie)]);
            matches!(mode(&arguments, &environment), Mode::Serve { .. })
        };
        assert!(serves(&[], COOKIE));
        assert!(!serves(&[], "other"));
        assert!(!serves(&["--version"], COOKIE));
        assert!(serves(&["--debug"], ""));
    }

    #[test]
    fn reattach_names_the_full_source_for_terraform_and_opentofu() {
        let both = [
            "registry.terraform.io/acme/fake",
            "registry.opentofu.org/acme/fake",
        ];
        for address in ["acme/fake", both[0], both[1]] {
            assert_eq!(sources(address), both, "{address}");
        }
        assert_eq!(sources("fake")[0], "registry.terraform.io/hashicorp/fake");
        let own = "example.com/acme/fake";
        assert_eq!(sources(own), [own]);
        let text = reattach(&endpoint(), "acme/fake");
        for source in both {
            assert!(text.contains(&format!("\"{source}\":{{")), "{text}");
        }
        assert!(text.contains("\"Test\":true"), "{text}");
    }

    #[test]
    fn a_quote_in_the_path_stays_within_the_quotes() {
        let odd = Endpoint {
            network: "unix",
            address: "/tmp/o'brien/socket".into(),
        };
        let text = reattach(&odd, "acme/fake");
        assert!(text.contains(r"/tmp/o'\''brien/socket"), "{text}");
    }
}
