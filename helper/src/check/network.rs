//! How this machine reaches the APIs: the proxy and the trusted certificates that are in force.

use gigadb_clients::Network;
use gigadb_engine::message::capitalized;

use super::Check;

const NETWORK: &str = "network";

pub(super) fn checks(network: &Network) -> Vec<Check> {
    let proxy = "proxy";
    let certificates = "certificates";
    if !network.needs_tls() {
        let here = "not needed: every API is asked on this machine, over plain http";
        return vec![
            Check::ok(NETWORK, proxy, here),
            Check::ok(NETWORK, certificates, here),
        ];
    }
    vec![
        Check::ok(NETWORK, proxy, network.proxy_in_words()),
        match network.roots_in_words() {
            Ok(roots) => Check::ok(NETWORK, certificates, roots),
            Err(why) => Check::failed(
                (NETWORK, certificates),
                capitalized(&why),
                "Install the package `ca-certificates`, or set `SSL_CERT_FILE` to a file of \
                 trusted certificates in PEM form, then check again.",
            ),
        },
    ]
}
