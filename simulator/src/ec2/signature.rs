//! Signature version 4: who signed for which region, and whether the secret key was right.

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::Failure;
use crate::http::Request;

/// The credential scope of an `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key_id: String,
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Scope {
    /// Reads the header `AWS4-HMAC-SHA256 Credential=.., SignedHeaders=.., Signature=..`.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let rest = request
            .header("authorization")?
            .strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| {
            rest.split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let mut parts = field("Credential")?.split('/').map(str::to_owned);
        Some(Self {
            access_key_id: parts.next()?,
            date: parts.next()?,
            region: parts.next()?,
            service: parts.next()?,
            signed_headers: field("SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: field("Signature")?.to_owned(),
        })
    }
}

/// Recomputes the signature of a request. The age of its date is not judged.
pub(super) fn verify(request: &Request, scope: &Scope, secret: &str) -> Result<(), Failure> {
    let mut headers = String::new();
    for name in &scope.signed_headers {
        let value = match request.header(name) {
            Some(value) => value.to_owned(),
            // HTTP/2 carries the host in another place.
            None if name == "host" => request
                .origin
                .split_once("//")
                .map_or(String::new(), |(_, host)| host.to_owned()),
            None => String::new(),
        };
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(headers, "{name}:{value}");
    }
    let mut query: Vec<&str> = request
        .raw_query
        .split('&')
        .filter(|p| !p.is_empty())
        .collect();
    query.sort_unstable();
    let payload = hex(&Sha256::digest(&request.body));
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        request.method,
        request.path,
        query.join("&"),
        scope.signed_headers.join(";"),
    );
    let credential = format!(
        "{}/{}/{}/aws4_request",
        scope.date, scope.region, scope.service
    );
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{credential}\n{}",
        request.header("x-amz-date").unwrap_or_default(),
        hex(&Sha256::digest(canonical)),
    );
    let mut key = keyed(format!("AWS4{secret}").as_bytes(), &scope.date);
    for part in [scope.region.as_str(), &scope.service, "aws4_request"] {
        key = keyed(&key, part);
    }
    if hex(&keyed(&key, &to_sign)) == scope.signature {
        return Ok(());
    }
    let (status, code) = if scope.service == "sts" {
        (403, "SignatureDoesNotMatch")
    } else {
        (401, "AuthFailure")
    };
    let message = if scope.service == "sts" {
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    } else {
        super::NOT_VALIDATED
    };
    Err(Failure::new(status, code, message))
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length: there is no key that it refuses.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
