//! The roots that certificates are checked against, loaded once, and only where a URL needs TLS.

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::Verifier;

use crate::settings::Roots;

/// The system's roots, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) roots: Roots,
    verifier: Arc<OnceLock<Result<Arc<Verifier>, String>>>,
}

impl Trust {
    pub(crate) fn new(roots: Roots) -> Self {
        Self {
            roots,
            verifier: Arc::default(),
        }
    }

    /// What checks certificates; or why there is nothing to check them against, as a clause.
    pub(crate) fn verifier(&self) -> Result<Arc<Verifier>, String> {
        let verifier = self.verifier.get_or_init(|| {
            Verifier::new(provider())
                .map(Arc::new)
                .map_err(|_| self.nobody())
        });
        verifier.clone()
    }

    /// Why nobody is trusted.
    fn nobody(&self) -> String {
        let why = match &self.roots.file {
            Some(file) => match std::fs::read(file) {
                Ok(_) => format!(
                    "`{}`, which `SSL_CERT_FILE` names, holds none",
                    file.display()
                ),
                Err(error) => format!(
                    "`{}`, which `SSL_CERT_FILE` names, could not be read: {error}",
                    file.display()
                ),
            },
            None => match &self.roots.folder {
                Some(folder) => {
                    format!(
                        "`{}`, which `SSL_CERT_DIR` names, holds none",
                        folder.display()
                    )
                }
                None => "none are installed".to_owned(),
            },
        };
        format!(
            "this machine has no trusted certificates: {why}; install the package `ca-certificates` or set `SSL_CERT_FILE`"
        )
    }
}

/// The cryptography of every connection.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
