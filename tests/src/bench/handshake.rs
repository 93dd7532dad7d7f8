//! The provider's start, as Terraform sees it: from the spawn to the handshake line.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What Terraform and OpenTofu set for every plugin they start.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Starts the provider once and ends it after its first line.
pub(crate) fn time_to_handshake(provider: &Path) -> Duration {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let pem = certificate.map_or_else(|e| panic!("no certificate: {e}"), |c| c.cert.pem());
    let start = Instant::now();
    let mut child = Command::new(provider)
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_CLIENT_CERT", pem)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", provider.display()));
    let mut line = String::new();
    let read = child
        .stdout
        .take()
        .map(|out| BufReader::new(out).read_line(&mut line));
    let took = start.elapsed();
    let _ = child.kill();
    let _ = child.wait();
    assert!(
        matches!(read, Some(Ok(_))) && line.starts_with("1|6|"),
        "no handshake line: {line:?}"
    );
    took
}
