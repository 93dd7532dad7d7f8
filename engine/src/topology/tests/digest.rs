//! The digest changes with everything a topology says, and with nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    examples,
    generate::{render, topology},
};
use crate::topology::Topology;

proptest! {
    #[test]
    fn rendering_and_parsing_gives_the_topology_back(topology in topology()) {
        let yaml = render(&topology);
        match Topology::parse(&yaml) {
            Ok(parsed) => prop_assert_eq!(parsed.topology, topology),
            Err(faults) => prop_assert!(false, "{}\n{}", faults.render("t.yaml", &yaml), yaml),
        }
    }

    #[test]
    fn equal_digests_mean_equal_topologies(one in topology(), other in topology()) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
    }
}

#[test]
fn layout_comments_and_order_do_not_count() {
    let text = examples::text("upstream");
    let digest = |text: &str| Topology::parse(text).unwrap().topology.digest();
    let environments = text.find("environments:").unwrap();
    let (head, tail) = text.split_at(environments);
    let turned = format!("# Turned.\n{tail}\n{head}").replace("aws: {", "aws:   {");
    assert_ne!(turned, text);
    assert_eq!(digest(&turned), digest(&text));
}

/// One change of every field, by hand, on a topology that has them all.
#[test]
fn every_field_counts() {
    let original = Topology::parse(FULL).unwrap().topology;
    let mut digests = BTreeMap::from([(original.digest().0, "nothing")]);
    for (from, to) in [
        ("web:", "www_:"),
        ("eip: E", "eip: E2"),
        ("instance: I", "instance: I2"),
        ("https: true", "https: false"),
        (", https: true", ""),
        (", reach: public", ""),
        ("reach: public", "reach: { via: jump }"),
        (", protocols: [ssh, tcp:80]", ""),
        ("protocols: [ssh, tcp:80]", "protocols: [ssh, tcp:81]"),
        ("protocols: [ssh, tcp:80]", "protocols: []"),
        ("variables: { K: { takes_effect: playbook } }", ""),
        ("takes_effect: playbook", "takes_effect: build"),
        ("resolvers: [1.1.1.1]", ""),
        ("resolvers: [1.1.1.1]", "resolvers: [1.1.1.2]"),
        ("url_variable: U", "url_variable: V"),
        ("format: slack", "format: json"),
        ("events: [swap]", "events: [swap, revert]"),
        ("  blue:", "  cyan:"),
        ("checkout: c", "checkout: c2"),
        ("checkout: c,", ""),
        ("g/blue", "g/blue2"),
        ("profile: P", "profile: P2"),
        ("region: eu-west-1", "region: eu-west-3"),
        ("owner: o", "owner: o2"),
        ("owner: o,", ""),
        ("eips: { web: x }", "eips: { web: y }"),
        ("eips: { web: x },", ""),
        ("eips: { web: x }", "instances: { web: x }"),
        ("user: u", "user: u2"),
        ("private_key: k", "private_key: k2"),
        (", private_key: k", ""),
        ("bastion_user: b", "bastion_user: b2"),
        ("ssh: { user: u, private_key: k, bastion_user: b },", ""),
        (
            "terraform_state: { name: s }",
            "terraform_state: { name: s2 }",
        ),
        (", terraform_state: { name: s }", ""),
        ("  live:", "  living:"),
        ("data_sync: true", "data_sync: false"),
        ("{ example.org: web", "{ example.net: web"),
        ("example.org: web, www.example.org: web", "example.org: web"),
        ("{ alt.example.org: web", "{ alt.example.net: web"),
        ("K: v", "K: v2"),
        ("K: w", "K: w2"),
        ("gitlab_project: g/lock", "gitlab_project: g/lock2"),
        ("name: l", "name: l2"),
        ("lock: { gitlab_project: g/lock, name: l }", ""),
        ("certificate_variable: C", "certificate_variable: C2"),
        ("certificate_variable: C", ""),
        ("swap: helper", "swap: terraform"),
        ("[build, deploy]", "[deploy, build]"),
        ("[build, deploy]", "{ live: [build, deploy] }"),
        ("warm: ", "heat: "),
        ("[cache]", "[cash]"),
        ("v{release}", "{release}"),
        ("backup: [dump", "restore: [dump"),
        ("[dump, ", "[dump, now, "),
        ("missing_records: create", "missing_records: error"),
        ("missing_variables: error", "missing_variables: create"),
        ("record_ttl: 60", "record_ttl: 61"),
        ("record_ttl: 60", "record_ttl: auto"),
        ("proxied: true", "proxied: false"),
    ] {
        assert!(FULL.contains(from), "{from}");
        let changed = if from == "web:" {
            FULL.replace("web", "www_")
        } else {
            FULL.replacen(from, to, 1)
        };
        let topology = match Topology::parse(&changed) {
            Ok(parsed) => parsed.topology,
            Err(faults) => panic!("{from} -> {to}: {}", faults.render("t.yaml", &changed)),
        };
        if let Some(same) = digests.insert(topology.digest().0, to) {
            panic!("{from} -> {to:?} has the digest of {same:?}");
        }
    }
}

/// A topology in which every field is there.
const FULL: &str = "
version: 1
endpoints:
  web: { eip: E, instance: I, https: true, reach: public }
  jump: { eip: J, instance: K, protocols: [ssh, tcp:80] }
infrastructures:
  blue: { gitlab_project: g/blue, checkout: c, aws: { profile: P, region: eu-west-1 }, owner: o, eips: { web: x }, ssh: { user: u, private_key: k, bastion_user: b }, terraform_state: { name: s } }
  green: { gitlab_project: g/green, aws: { profile: Q, region: eu-west-2 } }
environments:
  live:
    data_sync: true
    production:
      hostnames: { example.org: web, www.example.org: web }
      variables: { K: v }
    hot_standby:
      hostnames: { alt.example.org: web }
      variables: { K: w }
lock: { gitlab_project: g/lock, name: l }
certificate_variable: C
release: { swap: helper, deploy_jobs: [build, deploy], more_jobs: { warm: [cache] }, ref: 'v{release}', commands: { backup: [dump, '{key}'] } }
policy: { missing_records: create, missing_variables: error, record_ttl: 60, proxied: true }
variables: { K: { takes_effect: playbook } }
resolvers: [1.1.1.1]
notify: [ { url_variable: U, format: slack, events: [swap] } ]
";
