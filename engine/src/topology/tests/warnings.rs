//! What is suspicious, and what is not.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use super::{
    examples,
    faults::{SMALL, check, small},
};
use crate::{
    name::{EndpointName, Hostname},
    topology::Topology,
};

#[test]
fn the_sop_contradicts_itself_once_and_its_standbys_speak_http() {
    assert_snapshot!(check(&examples::text("upstream")), @"
    48:19 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both, unless that is meant.
    49:26 warning: `REMOTE_HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both, unless that is meant.
    51:37 warning: `files.alt-live.gigadb.host` in `remote_fileserver_hostname` is a hostname of neither role of `live`. Did you mean `files.alt-live.gigadb.org`?
    71:19 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both, unless that is meant.
    72:26 warning: `REMOTE_HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both, unless that is meant.
    ");
}

#[test]
fn each_suspicion() {
    assert_snapshot!(small(&[("endpoints:\n", "endpoints:\n  aux: { eip: \"x-{environment}\", instance: x }\n")]), @r"
    3:3 warning: No hostname leads to the endpoint `aux`. Add one to `environments`, or remove the endpoint.
    ");
    assert_snapshot!(small(&[("region: eu-west-2", "region: eu-west-1")]), @r"
    6:68 warning: `blue` and `green` are both in `eu-west-1`, and what takes the region down takes both. Keep a standby in a region of its own.
    ");
    assert_snapshot!(small(&[("hostnames: { alt.example.org: web }", "hostnames: {}")]), @r"
    12:5 warning: The hot standby of `live` has no hostname, so nobody can try it before a swap. Add its `hostnames`.
    14:30 warning: `alt.example.org` in `HOME_URL` is a hostname of neither role of `live`. Did you mean `example.org`?
    ");
    assert_snapshot!(small(&[("  green:", "  BLUE:")]), @r"
    5:3 warning: `BLUE` and `blue` become one group in the Ansible inventory. Rename one so that they differ in letters or digits.
    ");
    assert_snapshot!(small(&[("https://alt.example.org", "http://alt.example.org")]), @r"
    14:30 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both, unless that is meant.
    ");
    assert_snapshot!(small(&[("https://alt.example.org", "https://www.gigadb.org/x.html")]), @r"
    14:30 warning: `www.gigadb.org` in `HOME_URL` is a hostname of neither role of `live`. Add it to that environment's `hostnames` if it is one of them.
    ");
    assert_snapshot!(small(&[("https://alt.example.org", "https://alt.exmaple.org")]), @r"
    14:30 warning: `alt.exmaple.org` in `HOME_URL` is a hostname of neither role of `live`. Did you mean `alt.example.org`?
    ");
    let secret = [
        ("HOME_URL: https://example.org", "api_token: a"),
        ("HOME_URL: https://alt.example.org", "api_token: b"),
    ];
    assert_snapshot!(small(&secret), @r"
    11:20 warning: `api_token` looks like a secret, and the values of role variables are shown in plans. Leave secrets out of the topology.
    ");
    let shared = [
        ("eip-{environment}", "eip"),
        (
            "environments:\n",
            "environments:\n  staging:\n    production: { hostnames: { stg.example.org: web } }\n    hot_standby: { hostnames: { alt-stg.example.org: web } }\n",
        ),
    ];
    assert_snapshot!(small(&shared), @r"
    3:15 warning: `eip` is the Elastic IP of `web` in every environment. Add `{environment}` unless they share the machine.
    ");
}

#[test]
fn what_only_resembles_a_suspicion_is_none() {
    for (from, to) in [
        ("https://alt.example.org", "https://example.org"),
        (
            "https://alt.example.org",
            "https://ALT.example.org.:8443/index.html",
        ),
        ("https://alt.example.org", "v4.3.4"),
        ("https://alt.example.org", "\"\""),
    ] {
        assert_eq!(small(&[(from, to)]), "", "{to}");
    }
    let both = SMALL.replace("HOME_URL", "MONKEY");
    assert_eq!(check(&both), "");
}

#[test]
fn https_is_answered_where_said_and_else_at_the_apex() {
    let apex: Hostname = "example.org".parse().unwrap();
    let live = "live".parse().unwrap();
    let web: EndpointName = "web".parse().unwrap();
    let aux: EndpointName = "aux".parse().unwrap();
    for (said_of_web, said_of_aux, expected) in [
        ("", "", vec![&web]),
        ("", "https: true, ", vec![&aux, &web]),
        ("https: false, ", "https: true, ", vec![&aux]),
        ("https: false, ", "", vec![]),
    ] {
        let aux = format!("endpoints:\n  aux: {{ {said_of_aux}eip: x, instance: x }}\n");
        let text = SMALL
            .replace("web: { eip", &format!("web: {{ {said_of_web}eip"))
            .replace("endpoints:\n", &aux);
        let topology = Topology::parse(&text).unwrap().topology;
        let expected: BTreeSet<&EndpointName> = expected.into_iter().collect();
        assert_eq!(topology.https_endpoints(&live, Some(&apex)), expected);
    }
}
