//! `protocols`, `variables`, `resolvers` and `notify`: what they mean, and every fault in them.

use insta::assert_snapshot;

use super::faults::{SMALL, check, small};
use crate::topology::{NotifyEvent, NotifyFormat, Protocol, TakesEffect, Topology};

/// [`SMALL`] with lines before its environments.
fn with(lines: &str) -> String {
    SMALL.replacen("environments:", &format!("{lines}\nenvironments:"), 1)
}

/// [`SMALL`] with more keys of its endpoint.
fn endpoint(keys: &str) -> String {
    small(&[(
        "\"web-{environment}\" }",
        &format!("\"web-{{environment}}\", {keys} }}"),
    )])
}

fn parsed(text: &str) -> Topology {
    match Topology::parse(text) {
        Ok(parsed) => parsed.topology,
        Err(faults) => panic!("{}", faults.render("t.yaml", text)),
    }
}

#[test]
fn protocols_are_those_of_the_file_else_https_of_the_apex() {
    let of = |text: &str| {
        let topology = parsed(text);
        let live = "live".parse().unwrap();
        let apex = "example.org".parse().unwrap();
        let web = "web".parse().unwrap();
        let protocols = topology.protocols(&live, Some(&apex), &web);
        let words: Vec<String> = protocols.iter().map(Protocol::to_string).collect();
        (
            words.join(" "),
            topology.must_not_be_proxied(&web),
            topology.https_endpoints(&live, Some(&apex)).len(),
        )
    };
    let changed = |keys: &str| {
        SMALL.replacen(
            "\"web-{environment}\" }",
            &format!("\"web-{{environment}}\", {keys} }}"),
            1,
        )
    };
    assert_eq!(of(SMALL), ("https".to_owned(), false, 1));
    assert_eq!(of(&changed("https: false")), (String::new(), false, 0));
    assert_eq!(of(&changed("protocols: []")), (String::new(), false, 0));
    assert_eq!(
        of(&changed("protocols: [tcp:8080, ssh, https, ftp]")),
        ("https ssh ftp tcp:8080".to_owned(), true, 1)
    );
    assert_eq!(
        of(&changed("protocols: [ssh]")),
        ("ssh".to_owned(), true, 0)
    );
}

#[test]
fn faults_of_protocols() {
    assert_snapshot!(endpoint("protocols: ssh"), @"t.yaml:3:78: `endpoints.web.protocols` holds a text. Write a list, as in `[https, ssh, tcp:8080]`.");
    assert_snapshot!(endpoint("protocols: [sshh, ssh, ssh]"), @"
    t.yaml:3:79: `sshh` is no protocol of `endpoints.web.protocols`. Did you mean `ssh`?
    t.yaml:3:90: `ssh` stands in `endpoints.web.protocols` a second time. Keep one of the two.
    ");
    assert_snapshot!(endpoint("protocols: [tcp:70000, smtp, 22]"), @r#"
    t.yaml:3:79: `tcp:70000` is no protocol of `endpoints.web.protocols`. Write a protocol with a port from 1 to 65535, as in `tcp:8080`.
    t.yaml:3:90: `smtp` is no protocol of `endpoints.web.protocols`. Write `https`, `ssh`, `ftp` or `tcp:PORT`.
    t.yaml:3:96: `22` is a number to YAML, and `endpoints.web.protocols` is a text. Quote it: `"22"`.
    "#);
    assert_snapshot!(endpoint("https: true, protocols: [ssh]"), @"t.yaml:3:91: `endpoints.web.protocols` has no `https`, and `https` beside it is `true`. Add `https` to the list, or remove `https: true`.");
    assert_snapshot!(endpoint("https: false, protocols: [https]"), @"t.yaml:3:92: `endpoints.web.protocols` has `https`, and `https` beside it is `false`. Remove one of the two.");
}

#[test]
fn a_variable_takes_effect_when_the_file_says() {
    let topology = parsed(&with("variables: { HOME_URL: { takes_effect: playbook } }"));
    let key: crate::name::VariableKey = "HOME_URL".parse().unwrap();
    assert_eq!(
        topology.takes_effect.get(&key),
        Some(&TakesEffect::Playbook)
    );
    let live = "live".parse().unwrap();
    assert_eq!(topology.read_by_playbooks(&live).len(), 1);
    assert!(parsed(SMALL).read_by_playbooks(&live).is_empty());
}

#[test]
fn faults_of_variables() {
    assert_snapshot!(check(&with("variables: [HOME_URL]")), @"t.yaml:7:12: `variables` holds a list. Write what is known of each variable, as in `{ KEY: { takes_effect: playbook } }`.");
    assert_snapshot!(check(&with("variables: { HOME_ULR: { takes_effect: playbook }, OTHER: { takes_effect: build } }")), @"
    t.yaml:7:14: `HOME_ULR` is a variable of no environment. Did you mean `HOME_URL`?
    t.yaml:7:52: `OTHER` is a variable of no environment. Remove it, or add it to `variables` of both roles.
    ");
    assert_snapshot!(check(&with("variables: { HOME_URL: { takes_effect: playbok, x: y } }")), @"
    t.yaml:7:40: `playbok` is no value of `variables.HOME_URL.takes_effect`. Did you mean `playbook`?
    t.yaml:7:49: `x` is not a key here. Write one of `takes_effect`, or remove it.
    ");
    assert_snapshot!(check(&with("variables: { HOME_URL: playbook }")), @"t.yaml:7:24: `variables.HOME_URL` holds a text. Write a mapping with the key `takes_effect`.");
}

#[test]
fn resolvers_are_addresses_with_or_without_a_port() {
    let topology = parsed(&with(
        "resolvers: [1.1.1.1, \"127.0.0.1:5353\", \"2606:4700::1111\"]",
    ));
    let shown: Vec<String> = topology.resolvers.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["1.1.1.1:53", "127.0.0.1:5353", "[2606:4700::1111]:53"]
    );
    assert_snapshot!(check(&with("resolvers: [dns.example.org, 1.1.1.1, \"1.1.1.1:53\", \"1.1.1.1:0\", 8]")), @r#"
    t.yaml:7:13: `dns.example.org` in `resolvers` is no address. Write an address such as `1.1.1.1`, or with a port `127.0.0.1:5353`.
    t.yaml:7:39: `1.1.1.1:53` in `resolvers` stands there already. Write an address such as `1.1.1.1`, or with a port `127.0.0.1:5353`.
    t.yaml:7:53: `1.1.1.1:0` in `resolvers` names port 0, which nobody can ask. Write an address such as `1.1.1.1`, or with a port `127.0.0.1:5353`.
    t.yaml:7:66: `8` is a number to YAML, and `resolvers` is a text. Quote it: `"8"`.
    "#);
}

#[test]
fn notify_names_a_variable_and_never_shows_a_url() {
    let topology = parsed(&with(
        "notify: [ { url_variable: A }, { url_variable: B, format: slack, events: [revert, swap] } ]",
    ));
    assert_eq!(topology.notify[0].format, NotifyFormat::Json);
    assert_eq!(topology.notify[0].events.len(), NotifyEvent::ALL.len());
    assert_eq!(topology.notify[1].format, NotifyFormat::Slack);
    assert!(topology.notify[1].events.contains(&NotifyEvent::Revert));
    let told = check(&with(
        "notify: [ { url_variable: \"https://hooks.example.org/planted\" } ]",
    ));
    assert!(!told.contains("planted"), "{told}");
    assert_snapshot!(told, @"t.yaml:7:27: `notify.url_variable` is not the name of an environment variable. Write the name, such as `GIGADB_WEBHOOK_URL`, and set the variable to the URL, which is a secret.");
    assert_snapshot!(check(&with("notify: { url_variable: A }")), @"t.yaml:7:9: `notify` holds a mapping. Write a list, as in `[ { url_variable: GIGADB_WEBHOOK_URL, format: slack } ]`.");
    assert_snapshot!(check(&with("notify: [ {}, { url_variable: A, format: slak, events: [swop, all] }, { url_variable: A, events: [] } ]")), @"
    t.yaml:7:11: `notify` has no `url_variable`. Add `url_variable: GIGADB_WEBHOOK_URL`.
    t.yaml:7:42: `slak` is no value of `notify.format`. Did you mean `slack`?
    t.yaml:7:57: `swop` is no value of `notify.events`. Did you mean `swap`?
    t.yaml:7:63: `all` is no value of `notify.events`. Write `swap`, `failover`, `revert` or `release`.
    t.yaml:7:98: `notify.events` is empty. List what to tell of, or remove the key to tell of all.
    ");
}

#[test]
fn lists_may_not_be_nested_without_end() {
    let deep = format!("resolvers: {}{}", "[".repeat(40), "]".repeat(40));
    assert_snapshot!(check(&with(&deep)), @"t.yaml:7:43: Lists are nested more than 32 deep here. Remove what is too much.");
}

/// What `docs/reference/cutover.md` shows, in a topology around it.
#[test]
fn the_example_of_the_reference_is_valid() {
    let page = include_str!("../../../../docs/reference/cutover.md");
    let block = page.split("```yaml\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let names = "{ a.example.org: web, b.example.org: bastion, c.example.org: files }";
    let value = "variables: { remote_fileserver_hostname: c.example.org }";
    let text = format!(
        "version: 1\n{block}\ninfrastructures:\n  \
         blue: {{ gitlab_project: g/blue, aws: {{ profile: B, region: eu-west-1 }} }}\n  \
         green: {{ gitlab_project: g/green, aws: {{ profile: G, region: eu-west-2 }} }}\n\
         environments:\n  live:\n    production: {{ hostnames: {names}, {value} }}\n    \
         hot_standby: {{ hostnames: {{ d.example.org: web }}, {value} }}\n"
    );
    let topology = parsed(&text);
    assert_eq!(topology.resolvers.len(), 3);
    assert_eq!(topology.notify.len(), 1);
    let ftp = Protocol::Ftp(21);
    let files = topology.endpoints["files"].protocols.as_ref().unwrap();
    assert!(files.contains(&ftp) && files.contains(&Protocol::Ssh(2222)));
}
