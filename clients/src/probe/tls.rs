//! TLS as a probe needs it: chain and name are verified, and what was presented is remembered, so
//! that a refusal can say what is wrong with it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certificate::{self, Facts};

const SECONDS_A_DAY: i64 = 86_400;

pub(super) type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// Why no probe could be made at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The file of further roots cannot be used.
    #[error("the file of trusted certificates `{file}` cannot be used: {reason}")]
    CaFile {
        /// The file, as named.
        file: String,
        /// Why, as a clause.
        reason: String,
    },
    /// The system's roots cannot be used.
    #[error(
        "the system's trusted certificates could not be loaded ({0}); install `ca-certificates` or set `SSL_CERT_FILE`"
    )]
    Roots(String),
}

/// Why there is no session, as a clause.
pub(super) enum Unshaken {
    /// It did not come to a certificate, or not by one.
    Failed(String),
    /// The certificate is refused.
    Untrusted(String),
}

/// Whom probes trust.
pub(super) struct Trust {
    verifier: Arc<Verifier>,
    crypto: Arc<CryptoProvider>,
}

impl Trust {
    /// Loads the system's roots and those of a PEM file.
    pub(super) fn load(ca_file: Option<&str>) -> Result<Self, ProbeError> {
        let further = ca_file.map_or_else(|| Ok(Vec::new()), read_roots)?;
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(further, Arc::clone(&crypto))
            .map_err(|error| ProbeError::Roots(error.to_string()))?;
        Ok(Self {
            verifier: Arc::new(verifier),
            crypto,
        })
    }

    /// Shakes hands for `hostname`.
    pub(super) async fn handshake(
        &self,
        hostname: &str,
        stream: TcpStream,
    ) -> Result<(Stream, Facts), Unshaken> {
        let name = ServerName::try_from(hostname.to_owned())
            .map_err(|_| Unshaken::Failed(format!("`{hostname}` cannot be asked for over TLS")))?;
        let watching = Arc::new(Watching {
            verifier: Arc::clone(&self.verifier),
            presented: Mutex::default(),
        });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.crypto))
            .with_safe_default_protocol_versions()
            .map_err(|error| Unshaken::Failed(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&watching) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let shaken = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        let presented = watching
            .presented
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (shaken, presented) {
            (Ok(stream), Some(facts)) => Ok((stream, facts)),
            (Ok(_), None) => Err(Unshaken::Untrusted(
                "its certificate cannot be read".to_owned(),
            )),
            (Err(error), presented) => Err(unshaken(&error, presented.as_ref())),
        }
    }
}

fn read_roots(file: &str) -> Result<Vec<CertificateDer<'static>>, ProbeError> {
    let unusable = |reason: String| ProbeError::CaFile {
        file: file.to_owned(),
        reason,
    };
    let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| unusable("it is not valid PEM".to_owned()))?;
    if roots.is_empty() {
        return Err(unusable("it holds no certificate in PEM".to_owned()));
    }
    let mut store = rustls::RootCertStore::empty();
    for (index, root) in roots.iter().enumerate() {
        store.add(root.clone()).map_err(|_| {
            unusable(format!(
                "what it holds as certificate {} is none",
                index + 1
            ))
        })?;
    }
    Ok(roots)
}

/// The system's verifier, which also remembers what was presented.
#[derive(Debug)]
struct Watching {
    verifier: Arc<Verifier>,
    presented: Mutex<Option<Facts>>,
}

impl ServerCertVerifier for Watching {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self
            .presented
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = certificate::facts(end_entity);
        self.verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier
            .verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Why a handshake failed.
fn unshaken(error: &std::io::Error, presented: Option<&Facts>) -> Unshaken {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match (tls, presented) {
        (Some(Error::InvalidCertificate(fault)), Some(facts)) => {
            Unshaken::Untrusted(refused(fault, facts))
        }
        (Some(Error::InvalidCertificate(_)), None) => {
            Unshaken::Untrusted("its certificate cannot be read".to_owned())
        }
        (Some(Error::InvalidMessage(_)), _) => {
            Unshaken::Failed("what answers there does not speak TLS".to_owned())
        }
        (Some(error), _) => Unshaken::Failed(format!("the TLS handshake failed ({error})")),
        (None, _) => {
            Unshaken::Failed("the connection was closed during the TLS handshake".to_owned())
        }
    }
}

fn refused(fault: &CertificateError, facts: &Facts) -> String {
    match fault {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            if facts.names.is_empty() {
                "the certificate is for no name".to_owned()
            } else {
                const SHOWN: usize = 3;
                let shown = facts.names.iter().take(SHOWN);
                let shown: Vec<&str> = shown.map(String::as_str).collect();
                let more = match facts.names.len().saturating_sub(SHOWN) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("the certificate is for {}{more}", shown.join(", "))
            }
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            match now() - facts.not_after {
                since if since > 0 => format!("the certificate expired {}", ago(since)),
                _ => "a certificate of its chain has expired".to_owned(),
            }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            if facts.not_before > now() {
                "the certificate is not valid yet".to_owned()
            } else {
                "a certificate of its chain is not valid yet".to_owned()
            }
        }
        CertificateError::UnknownIssuer => format!(
            "the certificate's chain does not lead to a trusted authority (its issuer is `{}`)",
            facts.issuer
        ),
        CertificateError::Revoked => "the certificate is revoked".to_owned(),
        // Its own text is Rust's.
        CertificateError::Other(other) => match other.to_string().as_str() {
            "CaUsedAsEndEntity" => format!(
                "its certificate is an authority's own, or signed by itself, and none for a web \
                 server (its issuer is `{}`)",
                facts.issuer
            ),
            "UnsupportedCertVersion" => {
                "its certificate is of X.509 version 1, which is not taken; version 3 is".to_owned()
            }
            other => format!("the certificate is refused ({other})"),
        },
        other => format!("the certificate is refused ({other})"),
    }
}

/// "3 days ago", "1 hour ago".
fn ago(seconds: i64) -> String {
    let (count, unit) = match seconds {
        s if s >= SECONDS_A_DAY => (s / SECONDS_A_DAY, "day"),
        s if s >= 3600 => (s / 3600, "hour"),
        s => (s / 60, "minute"),
    };
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{s} ago")
}

/// Whole days until a certificate ends; negative after that.
pub(super) fn days_left(certificate: &Facts) -> i64 {
    (certificate.not_after - now()).div_euclid(SECONDS_A_DAY)
}

/// Seconds since the epoch.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}
