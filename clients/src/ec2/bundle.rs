//! `AWS_CA_BUNDLE` and `ca_bundle`: whom the connections to AWS trust instead of the system's
//! roots.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html>

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

/// A bundle of certificates, and who names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bundle {
    pub(super) file: PathBuf,
    /// `AWS_CA_BUNDLE`, or the profile's `ca_bundle`.
    pub(super) named_by: &'static str,
}

impl Bundle {
    /// Its certificates in PEM form, each of which can be used; or why not, as a clause.
    pub(super) fn read(&self) -> Result<Vec<u8>, String> {
        pem(&self.file).map_err(|why| {
            format!(
                "`{}`, which `{}` names, {why}",
                self.file.display(),
                self.named_by
            )
        })
    }
}

fn pem(file: &Path) -> Result<Vec<u8>, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("could not be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate =
            certificate.map_err(|_| "is not a file of certificates in PEM form".to_owned())?;
        roots
            .add(certificate)
            .map_err(|_| "holds a certificate that cannot be read".to_owned())?;
    }
    if roots.is_empty() {
        return Err("holds no certificate in PEM form".to_owned());
    }
    Ok(bytes)
}
