//! Certificates: what is parsed of them. Nothing here keeps or shows the bytes.

use gigadb_engine::world::StoredCertificate;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

/// What counts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The names that it covers.
    pub(crate) names: Vec<String>,
    /// Who issued it, as text.
    pub(crate) issuer: String,
    /// Seconds since the epoch before which it is not valid.
    pub(crate) not_before: i64,
    /// Seconds since the epoch after which it is not valid.
    pub(crate) not_after: i64,
}

/// Reads a certificate in DER; none where it is not one.
pub(crate) fn facts(der: &[u8]) -> Option<Facts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let validity = certificate.validity();
    Some(Facts {
        names,
        issuer: certificate.issuer().to_string(),
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
    })
}

/// What is parsed of a variable's value: its first certificate is the side's own, those after it
/// are its chain.
pub(crate) fn stored(value: Option<&str>) -> StoredCertificate {
    let unreadable = |why: &str| StoredCertificate::Unreadable(why.to_owned());
    let Some(text) = value else {
        return unreadable("the variable is hidden, and GitLab never shows its value");
    };
    if text.trim().is_empty() {
        return unreadable("the variable is empty");
    }
    let Some(Ok(der)) = CertificateDer::pem_slice_iter(text.as_bytes()).next() else {
        return unreadable("the variable holds no certificate in PEM");
    };
    match facts(&der) {
        Some(facts) => StoredCertificate::Parsed {
            names: facts.names,
            not_after: facts.not_after,
        },
        None => unreadable("what the variable holds as a certificate is none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_end_are_parsed_and_nothing_else_is_kept() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params =
            rcgen::CertificateParams::new(vec!["gigadb.org".to_owned(), "*.gigadb.org".to_owned()])
                .unwrap();
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let pem = params.self_signed(&key).unwrap().pem();
        let expected = StoredCertificate::Parsed {
            names: vec!["gigadb.org".to_owned(), "*.gigadb.org".to_owned()],
            not_after: 1_893_456_000,
        };
        assert_eq!(stored(Some(&pem)), expected);
        assert_eq!(stored(Some(&format!("# leaf\r\n{pem}{pem}"))), expected);

        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (value, why) in [
            (None, "hidden"),
            (Some(" \n"), "empty"),
            (Some("planted-secret"), "no certificate in PEM"),
            (Some(&*key.serialize_pem()), "no certificate in PEM"),
            (Some(nonsense), "is none"),
        ] {
            let StoredCertificate::Unreadable(said) = stored(value) else {
                panic!("{why}: parsed");
            };
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("planted"), "{said}");
        }
    }
}
