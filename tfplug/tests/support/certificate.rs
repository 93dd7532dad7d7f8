//! Self-signed P-521 certificates like the one core makes, which ring and so rcgen cannot make.

use p521::ecdsa::signature::RandomizedSigner as _;
use p521::ecdsa::{DerSignature, SigningKey};
use p521::elliptic_curve::rand_core::{self, RngCore};
use rustls_pki_types::CertificateDer;
use std::sync::Arc;

const ECDSA_WITH_SHA512: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const SECP521R1: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x13];

/// A client's certificate with its key.
pub struct Identity {
    pub der: CertificateDer<'static>,
    key: Arc<SigningKey>,
}

impl Identity {
    /// Makes a certificate from any non-zero seed; one seed is one certificate.
    pub fn new(seed: u8) -> Self {
        let mut scalar = [seed; 66];
        scalar[0] = 0;
        let key = SigningKey::from_slice(&scalar).unwrap();
        let point = p521::ecdsa::VerifyingKey::from(&key).to_encoded_point(false);
        let algorithm = sequence(&[ECDSA_WITH_SHA512]);
        let name = sequence(&[&tlv(
            0x31,
            &sequence(&[COMMON_NAME, &tlv(0x0c, b"localhost")]),
        )]);
        let validity = sequence(&[&tlv(0x17, b"200101000000Z"), &tlv(0x17, b"490101000000Z")]);
        let public = sequence(&[
            &sequence(&[EC_PUBLIC_KEY, SECP521R1]),
            &bits(point.as_bytes()),
        ]);
        // As core has it: the client's certificate says that it is a CA.
        let ca = sequence(&[
            BASIC_CONSTRAINTS,
            &[0x01, 0x01, 0xff],
            &tlv(0x04, &sequence(&[&[0x01, 0x01, 0xff]])),
        ]);
        let body = sequence(&[
            &tlv(0xa0, &[0x02, 0x01, 0x02]),
            &[0x02, 0x01, seed & 0x7f],
            &algorithm,
            &name,
            &validity,
            &name,
            &public,
            &tlv(0xa3, &sequence(&[&ca])),
        ]);
        let signature: DerSignature = DerSignature::from(sign(&key, &body));
        let der = sequence(&[&body, &algorithm, &bits(signature.as_bytes())]);
        Self {
            der: CertificateDer::from(der),
            key: Arc::new(key),
        }
    }

    pub fn pem(&self) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&self.der);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    }

    /// Returns this certificate signed for with another's key.
    pub fn with_key_of(&self, other: &Self) -> Self {
        Self {
            der: self.der.clone(),
            key: Arc::clone(&other.key),
        }
    }

    pub fn resolver(&self) -> Arc<dyn rustls::client::ResolvesClientCert> {
        let key = Arc::new(Key(Arc::clone(&self.key)));
        Arc::new(Resolver(Arc::new(rustls::sign::CertifiedKey::new(
            vec![self.der.clone()],
            key,
        ))))
    }
}

fn sign(key: &SigningKey, message: &[u8]) -> p521::ecdsa::Signature {
    key.sign_with_rng(&mut TestNumbers::seeded(message), message)
}

/// Numbers that are random enough for a certificate that guards nothing.
struct TestNumbers(u64);

impl TestNumbers {
    fn seeded(message: &[u8]) -> Self {
        Self(
            message
                .iter()
                .fold(7, |state, byte| state.rotate_left(5) ^ u64::from(*byte)),
        )
    }
}

impl RngCore for TestNumbers {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).unwrap()
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.next_u64() >> 56).unwrap();
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for TestNumbers {}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match length {
        0..128 => bytes.push(u8::try_from(length).unwrap()),
        128..256 => bytes.extend([0x81, u8::try_from(length).unwrap()]),
        _ => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn bits(content: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], content].concat())
}

#[derive(Debug)]
struct Resolver(Arc<rustls::sign::CertifiedKey>);

impl rustls::client::ResolvesClientCert for Resolver {
    fn resolve(
        &self,
        _: &[&[u8]],
        schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        // Go sends no certificate unless the server offers the scheme of its key.
        schemes
            .contains(&rustls::SignatureScheme::ECDSA_NISTP521_SHA512)
            .then(|| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

struct Key(Arc<SigningKey>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl rustls::sign::SigningKey for Key {
    fn choose_scheme(
        &self,
        offered: &[rustls::SignatureScheme],
    ) -> Option<Box<dyn rustls::sign::Signer>> {
        let scheme = rustls::SignatureScheme::ECDSA_NISTP521_SHA512;
        offered
            .contains(&scheme)
            .then(|| Box::new(Key(Arc::clone(&self.0))) as Box<dyn rustls::sign::Signer>)
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        rustls::SignatureAlgorithm::ECDSA
    }
}

impl rustls::sign::Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(DerSignature::from(sign(&self.0, message))
            .as_bytes()
            .to_vec())
    }

    fn scheme(&self) -> rustls::SignatureScheme {
        rustls::SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
