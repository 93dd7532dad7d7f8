//! Certificates with a life that a test chooses.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

const SECONDS_A_DAY: u64 = 86_400;
/// How long before now, and before their end, certificates begin.
const BEGINS_BEFORE: Duration = Duration::from_secs(400 * SECONDS_A_DAY);
/// Added to whole days, so that a test that runs across a second still counts the same days.
const SOME_HOURS: Duration = Duration::from_hours(6);

/// A certificate authority.
#[derive(Debug)]
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn certificate_pem(&self, names: &[String], days: i64) -> io::Result<String> {
        Ok(self.certificate(names, days)?.0.pem())
    }

    fn certificate(&self, names: &[String], days: i64) -> io::Result<(Certificate, KeyPair)> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::new(names.to_vec()).map_err(io::Error::other)?;
        params.distinguished_name.push(
            DnType::CommonName,
            names.first().map_or("nobody", |name| name),
        );
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(io::Error::other)?;
        let moment = rcgen::date_time_ymd(1970, 1, 1) + now + SOME_HOURS;
        let span = Duration::from_secs(days.unsigned_abs() * SECONDS_A_DAY);
        params.not_after = if days < 0 {
            moment - span - SOME_HOURS - SOME_HOURS
        } else {
            moment + span
        };
        params.not_before = params.not_after - span - BEGINS_BEFORE;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(io::Error::other)?;
        Ok((certificate, key))
    }

    pub(super) fn acceptor(&self, names: &[String], days: i64) -> io::Result<TlsAcceptor> {
        let (certificate, key) = self.certificate(names, days)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
