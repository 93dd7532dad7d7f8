//! What is suspicious, and what is not.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::assert_snapshot;

use super::{
    examples,
    faults::{SMALL, check, small},
};
use crate::{
    name::{EndpointName, Hostname},
    topology::{Topology, WarningName},
};

#[test]
fn the_sop_contradicts_itself_once_and_its_standbys_speak_http() {
    assert_snapshot!(check(&examples::text("upstream")), @"53:37 warning: `files.alt-live.gigadb.host` in `remote_fileserver_hostname` is a hostname of neither role of `live`. Did you mean `files.alt-live.gigadb.org`? If it is meant, accept `unpublished-hostname` at `live/hot_standby/remote_fileserver_hostname`.");
}

#[test]
fn each_suspicion() {
    assert_snapshot!(small(&[("endpoints:\n", "endpoints:\n  aux: { eip: \"x-{environment}\", instance: x }\n")]), @"3:3 warning: No hostname leads to the endpoint `aux`. Add one to `environments`, or remove the endpoint. If it is meant, accept `unused-endpoint` at `aux`.");
    assert_snapshot!(small(&[("region: eu-west-2", "region: eu-west-1")]), @"6:68 warning: `blue` and `green` are both in `eu-west-1`, and what takes the region down takes both. Keep a standby in a region of its own. If it is meant, accept `same-region` at `green`.");
    assert_snapshot!(small(&[("hostnames: { alt.example.org: web }", "hostnames: {}")]), @"
    12:5 warning: The hot standby of `live` has no hostname, so nobody can try it before a swap. Add its `hostnames`. If it is meant, accept `no-standby-hostname` at `live`.
    14:30 warning: `alt.example.org` in `HOME_URL` is a hostname of neither role of `live`. Did you mean `example.org`? If it is meant, accept `unpublished-hostname` at `live/hot_standby/HOME_URL`.
    ");
    assert_snapshot!(small(&[("  green:", "  BLUE:")]), @"5:3 warning: `BLUE` and `blue` become one group in the Ansible inventory. Rename one so that they differ in letters or digits. If it is meant, accept `same-group` at `blue`.");
    assert_snapshot!(small(&[("https://alt.example.org", "http://alt.example.org")]), @"14:30 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both. If it is meant, accept `different-schemes` at `live/HOME_URL`.");
    assert_snapshot!(small(&[("https://alt.example.org", "https://www.gigadb.org/x.html")]), @"14:30 warning: `www.gigadb.org` in `HOME_URL` is a hostname of neither role of `live`. Add it to that environment's `hostnames` if it is one of them. If it is meant, accept `unpublished-hostname` at `live/hot_standby/HOME_URL`.");
    assert_snapshot!(small(&[("https://alt.example.org", "https://alt.exmaple.org")]), @"14:30 warning: `alt.exmaple.org` in `HOME_URL` is a hostname of neither role of `live`. Did you mean `alt.example.org`? If it is meant, accept `unpublished-hostname` at `live/hot_standby/HOME_URL`.");
    let secret = [
        ("HOME_URL: https://example.org", "api_token: a"),
        ("HOME_URL: https://alt.example.org", "api_token: b"),
    ];
    assert_snapshot!(small(&secret), @"11:20 warning: `api_token` looks like a secret, and the values of role variables are shown in plans. Leave secrets out of the topology. If it is meant, accept `looks-secret` at `live/api_token`.");
    let shared = [
        ("eip-{environment}", "eip"),
        (
            "environments:\n",
            "environments:\n  staging:\n    production: { hostnames: { stg.example.org: web } }\n    hot_standby: { hostnames: { alt-stg.example.org: web } }\n",
        ),
    ];
    assert_snapshot!(small(&shared), @"3:15 warning: `eip` is the Elastic IP of `web` in every environment. Add `{environment}` unless they share the machine. If it is meant, accept `shared-elastic-ip` at `web`.");
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

const SAME_REGION: (&str, &str) = ("region: eu-west-2", "region: eu-west-1");
const HTTP: (&str, &str) = ("https://alt.example.org", "http://alt.example.org");

/// [`SMALL`] with two warnings, and with `accept`.
fn accepting(entries: &str) -> String {
    let end = format!("http://alt.example.org }}\naccept:\n{entries}");
    small(&[SAME_REGION, HTTP, ("http://alt.example.org }\n", &end)])
}

#[test]
fn an_acceptance_silences_one_warning_at_one_place() {
    assert_snapshot!(accepting("  - { warning: different-schemes, at: live/HOME_URL }\n"), @"6:68 warning: `blue` and `green` are both in `eu-west-1`, and what takes the region down takes both. Keep a standby in a region of its own. If it is meant, accept `same-region` at `green`.");
    assert_snapshot!(accepting("  - { warning: same-region, at: green, reason: for tests }\n"), @"14:30 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both. If it is meant, accept `different-schemes` at `live/HOME_URL`.");
    let both = "  - { warning: different-schemes, at: live/HOME_URL }\n  - { warning: same-region, at: green }\n";
    assert_eq!(accepting(both), "");
}

#[test]
fn every_warning_can_be_accepted_by_the_words_that_it_says() {
    let staging = "environments:\n  staging:\n    production: { hostnames: { stg.example.org: web } }\n    hot_standby: { hostnames: {} }\n";
    let text = [
        ("endpoints:\n", "endpoints:\n  aux: { eip: \"x-{environment}\", instance: x }\n  AUX: { eip: \"y\", instance: x }\n"),
        ("environments:\n", staging),
        ("variables: { HOME_URL: https://example.org", "variables: { api_token: a, OTHER: https://www.example.com, HOME_URL: https://example.org"),
        ("variables: { HOME_URL: https://alt.example.org", "variables: { api_token: b, OTHER: https://alt.example.org, HOME_URL: http://alt.example.org"),
        SAME_REGION,
    ]
    .iter()
    .fold(SMALL.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
    let warnings = Topology::parse(&text).unwrap().warnings;
    let names: BTreeSet<WarningName> = warnings.iter().map(|warning| warning.name).collect();
    assert_eq!(names, WarningName::ACCEPTABLE.into_iter().collect());
    let mut accepted = format!("{text}accept:\n");
    for warning in &warnings {
        let (name, at) = (warning.name.as_str(), &warning.at);
        let advice = format!("If it is meant, accept `{name}` at `{at}`.");
        assert!(warning.message.ends_with(&advice), "{}", warning.message);
        let _ = writeln!(accepted, "  - {{ warning: {name}, at: {at} }}");
    }
    assert_eq!(check(&accepted), "");
}

#[test]
fn an_acceptance_that_silences_nothing_is_told() {
    assert_snapshot!(accepting("  - { warning: same-region, at: blue }\n  - { warning: different-schemes, at: staging/HOME_URL }\n"), @"
    6:68 warning: `blue` and `green` are both in `eu-west-1`, and what takes the region down takes both. Keep a standby in a region of its own. If it is meant, accept `same-region` at `green`.
    14:30 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both. If it is meant, accept `different-schemes` at `live/HOME_URL`.
    16:5 warning: `same-region` at `blue` is accepted, and there is no such warning. Remove this entry of `accept`, or correct it.
    17:5 warning: `different-schemes` at `staging/HOME_URL` is accepted, and there is no such warning. Remove this entry of `accept`, or correct it.
    ");
    let twice = "  - { warning: same-region, at: green }\n".repeat(2);
    assert_snapshot!(accepting(&twice), @"
    14:30 warning: `HOME_URL` is `http` for the hot standby and `https` for production. Write the same scheme for both. If it is meant, accept `different-schemes` at `live/HOME_URL`.
    17:5 warning: `same-region` at `green` is accepted already. Remove this entry of `accept`, or correct it.
    ");
    let none = "  - { warning: unused-endpoint, at: web }\n";
    assert_snapshot!(check(&format!("{SMALL}accept:\n{none}")), @"16:5 warning: `unused-endpoint` at `web` is accepted, and there is no such warning. Remove this entry of `accept`, or correct it.");
}

#[test]
fn a_mistake_in_accept_is_a_fault() {
    let told: Vec<String> = [
        "  - { warning: unused-acceptance, at: accept }\n",
        "  - { warning: diferent-schemes, at: live/HOME_URL }\n",
        "  - { warning: different-schemes }\n",
        "  - { at: live/HOME_URL }\n",
        "  - { warning: different-schemes, at: live/HOME_URL, because: x }\n",
        "  - { warning: [a], at: [b], reason: [c] }\n",
        "  - { warning: true, at: live/HOME_URL }\n",
        "  - different-schemes\n",
    ]
    .into_iter()
    .map(|entry| check(&format!("{SMALL}accept:\n{entry}")))
    .chain([check(&format!("{SMALL}accept: different-schemes\n"))])
    .collect();
    assert_snapshot!(told.join("\n"), @"
    t.yaml:16:16: `unused-acceptance` is no value of `accept.warning`. Write `unused-endpoint`, `shared-elastic-ip`, `same-region`, `same-group`, `no-standby-hostname`, `unpublished-hostname`, `looks-secret` or `different-schemes`.
    t.yaml:16:16: `diferent-schemes` is no value of `accept.warning`. Did you mean `different-schemes`?
    t.yaml:16:5: `accept` has no `at`. Add `at: live/HOME_URL`.
    t.yaml:16:5: `accept` has no `warning`. Add `warning: different-schemes`.
    t.yaml:16:54: `because` is not a key here. Write one of `warning`, `at` and `reason`, or remove it.
    t.yaml:16:16: `accept.warning` holds a list. Write `unused-endpoint`, `shared-elastic-ip`, `same-region`, `same-group`, `no-standby-hostname`, `unpublished-hostname`, `looks-secret` or `different-schemes`.
    t.yaml:16:25: `accept.at` holds a list. Write a text.
    t.yaml:16:38: `accept.reason` holds a list. Write a text.
    t.yaml:16:16: `true` is no value of `accept.warning`. Write `unused-endpoint`, `shared-elastic-ip`, `same-region`, `same-group`, `no-standby-hostname`, `unpublished-hostname`, `looks-secret` or `different-schemes`.
    t.yaml:16:5: `accept` holds a text. Write a mapping with the keys `warning`, `at` and `reason`.
    t.yaml:15:9: `accept` holds a text. Write a list, as in `[ { warning: different-schemes, at: live/HOME_URL } ]`.
    ");
}

#[test]
fn what_is_accepted_is_no_part_of_the_digest() {
    let digest = |text: &str| Topology::parse(text).unwrap().topology.digest();
    let text = SMALL.replace(HTTP.0, HTTP.1);
    let accepting =
        format!("{text}accept: [ {{ warning: different-schemes, at: live/HOME_URL }} ]\n");
    assert_eq!(digest(&text), digest(&accepting));
}

/// What `docs/reference/accept.md` shows stands in the example, and it names every warning.
#[test]
fn the_reference_names_every_warning() {
    let page = include_str!("../../../../docs/reference/accept.md");
    let block = page.split("```yaml\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    assert!(examples::text("upstream").contains(block), "{block}");
    let rows: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(rows, WarningName::ACCEPTABLE.map(WarningName::as_str));
}
