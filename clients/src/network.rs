//! How this machine reaches the APIs: told to an operator, never decided on.

use crate::{
    Apis,
    http::trust::Trust,
    settings::{Proxy, Settings},
};

/// How this machine reaches the APIs.
#[derive(Debug, Clone)]
pub struct Network {
    proxy: Option<Proxy>,
    trust: Trust,
    tls: bool,
}

impl Network {
    pub(crate) fn new(settings: &Settings, trust: Trust) -> Self {
        let plain = |url: &str| url.starts_with("http:");
        let plain = plain(settings.cloudflare.base_url.as_str())
            && plain(settings.gitlab.base_url.as_str())
            && settings.aws.endpoint_url.as_deref().is_some_and(plain);
        Self {
            proxy: settings.proxy.clone(),
            trust,
            tls: !plain,
        }
    }

    /// Whether any API is asked over TLS.
    pub fn needs_tls(&self) -> bool {
        self.tls
    }

    /// Which proxy is in force, in words.
    pub fn proxy_in_words(&self) -> String {
        match &self.proxy {
            None => "none: connections are direct".to_owned(),
            Some(proxy) => {
                let bypass = proxy.bypass.trim();
                let except = if bypass.is_empty() {
                    String::new()
                } else {
                    format!(", except for `{bypass}` (`NO_PROXY`)")
                };
                format!("`{}` (`{}`){except}", proxy.shown(), proxy.variable)
            }
        }
    }

    /// Whose certificates are trusted, in words; or why nobody's are, as a clause.
    pub fn roots_in_words(&self) -> Result<String, String> {
        self.trust.verifier()?;
        let all = self.trust.roots.in_words();
        Ok(match &self.trust.roots.aws_bundle {
            Some(bundle) => {
                format!("{all}; for EC2 `{}` (`AWS_CA_BUNDLE`)", bundle.display())
            }
            None => all,
        })
    }
}

impl Apis {
    /// How this machine reaches the APIs.
    pub fn network(&self) -> &Network {
        &self.network
    }
}
