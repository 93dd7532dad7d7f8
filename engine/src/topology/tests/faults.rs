//! Every fault, its place and its words.

use insta::assert_snapshot;

use crate::topology::Topology;

/// The smallest valid topology, which the tests change.
pub(super) const SMALL: &str = include_str!("../../../tests/model/small.yaml");

/// All faults of `text`, or its warnings.
pub(super) fn check(text: &str) -> String {
    match Topology::parse(text) {
        Err(faults) => {
            let told = faults.0.iter();
            let told: Vec<_> = told
                .map(|f| format!("t.yaml:{}: {}", f.place, f.message))
                .collect();
            told.join("\n")
        }
        Ok(parsed) => parsed
            .warnings
            .iter()
            .map(|w| format!("{} warning: {}", w.place, w.message))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

/// [`SMALL`] with replacements; each must apply.
pub(super) fn small(replacements: &[(&str, &str)]) -> String {
    let changed = replacements
        .iter()
        .fold(SMALL.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
    check(&changed)
}

/// [`SMALL`], changed in one way after the other, with one line of faults each.
fn each(replacements: &[(&str, &str)]) -> String {
    replacements
        .iter()
        .map(|r| small(&[*r]))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_small_topology_is_valid() {
    assert_eq!(check(SMALL), "");
}

#[test]
fn what_is_not_yaml() {
    assert_snapshot!(check(""), @r"
    t.yaml:1:1: The file is empty. Begin it with `version: 1`.
    ");
    assert_snapshot!(check("# nothing\n"), @r"
    t.yaml:1:1: The file is empty. Begin it with `version: 1`.
    ");
    assert_snapshot!(check("---\n"), @"t.yaml:2:1: The file holds nothing. Write a mapping with the keys `version`, `endpoints`, `infrastructures`, `environments`, `lock`, `certificate_variable`, `policy`, `variables`, `resolvers`, `notify`, `release` and `accept`.");
    assert_snapshot!(check("- version: 1\n"), @"t.yaml:1:1: The file holds a list. Write a mapping with the keys `version`, `endpoints`, `infrastructures`, `environments`, `lock`, `certificate_variable`, `policy`, `variables`, `resolvers`, `notify`, `release` and `accept`.");
    assert_snapshot!(check("version: 1\nendpoints:\n\tweb: {}\n"), @r"
    t.yaml:3:2: This is not YAML: tabs disallowed within this context (block indentation). Indent with spaces: YAML does not allow tabs there.
    ");
    assert_snapshot!(check("version: 1\nendpoints: { web: {\n"), @r"
    t.yaml:3:1: This is not YAML: while parsing a node, did not find expected node content. Correct the line, or the one before it.
    ");
    assert_snapshot!(check("version: *one\n"), @r"
    t.yaml:1:10: This is not YAML: while parsing node, found unknown anchor. Correct the line, or the one before it.
    ");
    assert_snapshot!(check(&format!("{SMALL}---\nversion: 1\n")), @r"
    t.yaml:15:1: A second document begins here, and a topology is one document. Remove the `---` or what follows it.
    ");
    assert_snapshot!(small(&[("production:", "production: &p"), ("hot_standby:\n      hostnames: { alt.example.org: web }\n      variables: { HOME_URL: https://alt.example.org }", "hot_standby: *p")]), @r"
    t.yaml:12:18: An alias (`*…`) stands here, and a topology has none. Write out what it stands for.
    ");
    assert_snapshot!(small(&[("version: 1", "version: !one 1")]), @r"
    t.yaml:1:10: The tag `!one` has no meaning in a topology. Remove it.
    ");
    assert_snapshot!(check(&"a: {".repeat(100)), @r"
    t.yaml:1:128: Mappings are nested more than 32 deep here. Remove what is too much.
    ");
}

/// The fault is at the end of what is there, not behind it.
#[test]
fn a_file_that_breaks_off() {
    let (cut, _) = SMALL.split_at(SMALL.find("variables: {").unwrap() + 4);
    assert_snapshot!(check(cut), @"t.yaml:11:11: This is not YAML: simple key expected. Correct the line, or the one before it.");
}

#[test]
fn top_level_keys() {
    assert_snapshot!(each(&[
        ("version: 1", "version: 2"),
        ("version: 1", "version: \"1\""),
        ("version: 1", "version: [1]"),
        ("version: 1\n", ""),
        ("version: 1", "verison: 1"),
        ("version: 1", "version: 1\nversion: 1"),
        ("version: 1", "version: 1\n? [a]\n: b"),
        ("version: 1", "version: 1\ntopologies: {}"),
        ("environments:", "envs:"),
        ("endpoints:\n  web: { eip: \"eip-{environment}\", instance: \"web-{environment}\" }", "endpoints: {}"),
    ]), @"
    t.yaml:1:10: `version` is `2`, and this program reads version 1. Write `version: 1`.
    t.yaml:1:10: `version` is a text. Write `version: 1`, without quotes.
    t.yaml:1:10: `version` is not a number. Write `version: 1`.
    t.yaml:1:1: The file has no `version`. Add `version: 1`.
    t.yaml:1:1: `verison` is not a key here. Did you mean `version`?
    t.yaml:2:1: `version` stands here a second time, after 1:1. Keep one of the two.
    t.yaml:2:3: This key is not a word. Write a mapping with the keys `version`, `endpoints`, `infrastructures`, `environments`, `lock`, `certificate_variable`, `policy`, `variables`, `resolvers`, `notify`, `release` and `accept`.
    t.yaml:2:1: `topologies` is not a key here. Write one of `version`, `endpoints`, `infrastructures`, `environments`, `lock`, `certificate_variable`, `policy`, `variables`, `resolvers`, `notify`, `release` and `accept`, or remove it.
    t.yaml:1:1: The file has no `environments`. Add `environments: { live: { production: …, hot_standby: … } }`.
    t.yaml:7:1: `envs` is not a key here. Write one of `version`, `endpoints`, `infrastructures`, `environments`, `lock`, `certificate_variable`, `policy`, `variables`, `resolvers`, `notify`, `release` and `accept`, or remove it.
    t.yaml:2:12: `endpoints` is empty. Write `endpoints: { web: { eip: …, instance: … } }`.
    ");
}

#[test]
fn endpoints() {
    assert_snapshot!(each(&[
        ("eip: ", "elastic_ip: "),
        ("eip: ", "epi: "),
        ("\"eip-{environment}\"", "\"eip-{enviroment}\""),
        ("\"eip-{environment}\"", "\"eip-{region}\""),
        ("\"eip-{environment}\"", "\"eip-{environment\""),
        ("\"eip-{environment}\"", "\"\""),
        ("\"eip-{environment}\"", "\" eip\""),
        ("\"eip-{environment}\"", "\"e\\nip\""),
        ("\"eip-{environment}\"", "5"),
        ("\"eip-{environment}\"", "{environment}"),
        ("eip: \"eip-{environment}\"", "https: \"true\", eip: \"eip-{environment}\""),
        ("eip: \"eip-{environment}\"", "https: yes, eip: \"eip-{environment}\""),
        ("eip: \"eip-{environment}\"", "reach: private, eip: \"eip-{environment}\""),
        ("eip: \"eip-{environment}\"", "reach: { via: wbe }, eip: \"eip-{environment}\""),
        ("eip: \"eip-{environment}\"", "reach: { via: web }, eip: \"eip-{environment}\""),
        ("eip: \"eip-{environment}\"", "reach: { by: web }, eip: \"eip-{environment}\""),
        ("version: 1\nendpoints:\n", "version: 1\nendpoints:\n  bastion: { eip: \"b-{environment}\", instance: b }\n  far: { eip: \"f-{environment}\", instance: f, reach: { via: web } }\n"),
        ("web: {", "we b: {"),
        ("  web: {", "  web: 5\n  other: {"),
        ("version: 1\nendpoints:\n", "version: 1\nendpoints:\n  aux: { eip: \"eip-{environment}\", instance: aux }\n"),
        ("\"web-{environment}\"", "\"web-{owner}\""),
    ]), @r#"
    t.yaml:3:3: `endpoints.web` has no `eip`. Add `eip: "eip-gigadb-{environment}-gigadb"`.
    t.yaml:3:10: `elastic_ip` is not a key here. Write one of `eip`, `instance`, `https`, `reach` and `protocols`, or remove it.
    t.yaml:3:10: `epi` is not a key here. Did you mean `eip`?
    t.yaml:3:15: `endpoints.web.eip`: `{enviroment}` is not a placeholder here. Did you mean `{environment}`?
    t.yaml:3:15: `endpoints.web.eip`: `{region}` is not a placeholder here. Write `{environment}` or `{owner}`, or no braces.
    t.yaml:3:15: `endpoints.web.eip`: `eip-{environment` has a brace without its counterpart. Write placeholders as `{environment}`.
    t.yaml:3:15: `endpoints.web.eip` is empty. Write its value.
    t.yaml:3:15: `endpoints.web.eip` begins or ends with a space. Remove the space.
    t.yaml:3:15: `endpoints.web.eip` holds a line break or another control character. Write it on one line.
    t.yaml:3:15: `5` is a number to YAML, and `endpoints.web.eip` is a text. Quote it: `"5"`.
    t.yaml:3:15: `endpoints.web.eip` holds a mapping. Write a text.
    t.yaml:3:17: `endpoints.web.https` holds a text. Write `true` or `false`, without quotes.
    t.yaml:3:17: `endpoints.web.https` holds a boolean. Write `true` or `false`, without quotes.
    t.yaml:3:17: `private` is no value of `endpoints.web.reach`. Write `public` or `{ via: bastion }`.
    t.yaml:3:24: `wbe` is no endpoint. Did you mean `web`?
    t.yaml:3:24: `endpoints.web.reach.via` is `web` itself. Write `reach: public`.
    t.yaml:3:17: `endpoints.web.reach` has no `via`. Add `via: bastion`.
    t.yaml:3:19: `by` is not a key here. Write one of `via`, or remove it.
    t.yaml:4:54: `endpoints.far.reach` is by way of `web`, which is itself reached by way of `bastion`. Name an endpoint whose `reach` is `public`.
    t.yaml:3:3: `we b` is no valid name. Write a name (a letter or digit, then letters, digits, `_` or `-`).
    t.yaml:3:8: `endpoints.web` holds a number. Write a mapping with the keys `eip`, `instance`, `https`, `reach` and `protocols`.
    t.yaml:4:15: `eip-live` is the Elastic IP of both `web` and `aux`, and each endpoint has its own address. Write the name of `web`'s own.
    t.yaml:5:3: `infrastructures.blue` has no `owner`, and `endpoints.web.instance` needs one. Add `owner: gigadb`, or the names that differ under `eips` and `instances`.
    t.yaml:6:3: `infrastructures.green` has no `owner`, and `endpoints.web.instance` needs one. Add `owner: gigadb`, or the names that differ under `eips` and `instances`.
    "#);
}

#[test]
fn infrastructures() {
    assert_snapshot!(each(&[
        ("  green: { gitlab_project: g/green, aws: { profile: Green, region: eu-west-2 } }\n", ""),
        ("g/green", "g/blue"),
        ("g/green", "G/Blue"),
        ("profile: Green, region: eu-west-2", "profile: Blue, region: eu-west-1"),
        ("g/green", "green"),
        ("g/green", "https://gitlab.com/g/green"),
        ("g/green", "g%2Fgreen"),
        ("g/green", "\"\""),
        ("g/green", "g//green"),
        ("g/green", "0"),
        ("gitlab_project: g/green, ", ""),
        ("gitlab_project: g/green", "gitlab_projetc: g/green"),
        ("aws: { profile: Green, region: eu-west-2 }", "aws: {}"),
        ("aws: { profile: Green, region: eu-west-2 }", "aws: Green"),
        ("region: eu-west-2", "region: eu-west-2b"),
        ("region: eu-west-2", "region: Sydney"),
        ("region: eu-west-2", "regoin: eu-west-2"),
        ("g/green,", "g/green, owner: 5,"),
        ("g/green,", "g/green, eips: { wbe: x },"),
        ("g/green,", "g/green, eips: { web: \"x-{owner}\" },"),
        ("g/green,", "g/green, terraform_state: { name: \"{owner}\" },"),
        ("g/green,", "g/green, terraform_state: {},"),
        ("g/green,", "g/green, terraform_state: x,"),
        ("g/green,", "g/green, ssh: { private_key: k },"),
        ("g/green,", "g/green, ssh: { user: a b, bastion_user: -x },"),
        ("  green:", "  green!:"),
    ]), @r#"
    t.yaml:4:1: `infrastructures` has fewer than two, and roles are traded between two. Add the other one.
    t.yaml:6:28: `g/blue` is the GitLab project of `blue` too (5:27), and each side has its own. Write the project of `green`.
    t.yaml:6:28: `G/Blue` is the GitLab project of `blue` too (5:27), and each side has its own. Write the project of `green`.
    t.yaml:6:37: Profile `Blue` in region `eu-west-1` is where `blue` is too (5:35), and each side has its own. Write the profile and region of `green`.
    t.yaml:6:28: `infrastructures.green.gitlab_project` is `green`, which has no group in front of the project. Write the project's path, such as `gigascience/upstream/gigadb-website`, or its numeric id.
    t.yaml:6:28: `infrastructures.green.gitlab_project` is `https://gitlab.com/g/green`, which is a URL. Write the project's path, such as `gigascience/upstream/gigadb-website`, or its numeric id.
    t.yaml:6:28: `infrastructures.green.gitlab_project` is `g%2Fgreen`, which is percent-encoded. Write the project's path, such as `gigascience/upstream/gigadb-website`, or its numeric id.
    t.yaml:6:28: `infrastructures.green.gitlab_project` is empty. Write its value.
    t.yaml:6:28: `infrastructures.green.gitlab_project` is `g//green`, which is no project's path or id. Write the project's path, such as `gigascience/upstream/gigadb-website`, or its numeric id.
    t.yaml:6:28: `infrastructures.green.gitlab_project` is `0`, which is no project's path or id. Write the project's path, such as `gigascience/upstream/gigadb-website`, or its numeric id.
    t.yaml:6:3: `infrastructures.green` has no `gitlab_project`. Add `gitlab_project: gigascience/upstream/gigadb-website`.
    t.yaml:6:12: `gitlab_projetc` is not a key here. Did you mean `gitlab_project`?
    t.yaml:6:37: `infrastructures.green.aws` has no `profile`. Add `profile: Upstream`.
    t.yaml:6:37: `infrastructures.green.aws` has no `region`. Add `region: ap-east-1`.
    t.yaml:6:42: `infrastructures.green.aws` holds a text. Write a mapping with the keys `profile` and `region`.
    t.yaml:6:68: `infrastructures.green.aws.region` is `eu-west-2b`, which is an availability zone rather than a region. Write it like `ap-east-1`.
    t.yaml:6:68: `infrastructures.green.aws.region` is `Sydney`, which is not a region's name. Write it like `ap-east-1`.
    t.yaml:6:60: `regoin` is not a key here. Did you mean `region`?
    t.yaml:6:44: `5` is a number to YAML, and `infrastructures.green.owner` is a text. Quote it: `"5"`.
    t.yaml:6:45: `wbe` is no endpoint. Did you mean `web`?
    t.yaml:6:50: `x-{owner}` needs an owner, and `infrastructures.green` has none. Add `owner` to `green`, or write the name without `{owner}`.
    t.yaml:6:62: `{owner}` needs an owner, and `infrastructures.green` has none. Add `owner` to `green`, or write the name without `{owner}`.
    t.yaml:6:37: `infrastructures.green.terraform_state` has no `name`. Add `name: "{environment}_infra"`.
    t.yaml:6:54: `infrastructures.green.terraform_state` holds a text. Write a mapping with the key `name`.
    t.yaml:6:37: `infrastructures.green.ssh` has no `user`. Add `user: centos`.
    t.yaml:6:50: `infrastructures.green.ssh.user` is `a b`, which is not a login. Write one word, such as `centos`.
    t.yaml:6:69: `infrastructures.green.ssh.bastion_user` is `-x`, which is not a login. Write one word, such as `centos`.
    t.yaml:6:3: `green!` is no valid name. Write a name (a letter or digit, then letters, digits, `_` or `-`).
    "#);
}

#[test]
fn addresses_of_one_side_are_distinct() {
    let two = (
        "version: 1\nendpoints:\n",
        "version: 1\nendpoints:\n  aux: { eip: \"aux-{environment}\", instance: aux }\n",
    );
    assert_snapshot!(small(&[two, ("g/green,", "g/green, eips: { web: \"aux-{environment}\" },")]), @r"
    t.yaml:7:50: `aux-live` is the Elastic IP of both `web` and `aux`, and each endpoint has its own address. Write the name of `web`'s own.
    ");
    assert_snapshot!(small(&[two, ("g/green,", "g/green, eips: { aux: \"eip-live\" },")]), @r"
    t.yaml:7:50: `eip-live` is the Elastic IP of both `aux` and `web`, and each endpoint has its own address. Write the name of `aux`'s own.
    ");
    assert_snapshot!(small(&[two, ("g/green,", "g/green, eips: { web: \"x\", aux: \"x\" },")]), @r"
    t.yaml:7:50: `x` is the Elastic IP of both `web` and `aux`, and each endpoint has its own address. Write the name of `web`'s own.
    ");
}

#[test]
fn environments() {
    assert_snapshot!(each(&[
        ("      hostnames: { example.org: web }\n", ""),
        ("{ example.org: web }", "{}"),
        ("{ example.org: web }", "{ example.org: wbe }"),
        ("{ example.org: web }", "{ example.org: database }"),
        ("{ example.org: web }", "{ example.org: }"),
        ("{ example.org: web }", "{ example: web }"),
        ("{ example.org: web }", "{ \"*.example.org\": web }"),
        ("{ example.org: web }", "{ 192.0.2.1: web }"),
        ("{ example.org: web }", "{ example.org: web, Example.org.: web }"),
        ("{ alt.example.org: web }", "{ EXAMPLE.org: web }"),
        ("    hot_standby:", "    standby:"),
        ("    production:", "    data_sync: 1\n    production:"),
        ("  live:", "  \"live*\":"),
        ("environments:\n", "environments:\n  staging:\n    production: { hostnames: { alt.example.org: web } }\n    hot_standby: {}\n"),
    ]), @r"
    t.yaml:9:5: `environments.live.production` has no `hostnames`. Add `hostnames: { gigadb.org: web }`.
    t.yaml:10:18: `environments.live.production.hostnames` is empty, so nothing tells who is production. Write the endpoint of each hostname, as in `{ gigadb.org: web }`.
    t.yaml:10:33: `wbe` is no endpoint. Did you mean `web`?
    t.yaml:10:33: `database` is no endpoint. Add it to `endpoints`, or write one of those: `web`.
    t.yaml:10:20: `environments.live.production.hostnames.example.org` has no value. Write one after the colon.
    t.yaml:10:20: `example` is no valid name. Write a fully qualified hostname (labels of letters, digits and hyphens, joined by dots).
    t.yaml:10:20: `*.example.org` is no valid name. Write a fully qualified hostname (labels of letters, digits and hyphens, joined by dots).
    t.yaml:10:20: `192.0.2.1` is an address. Write a hostname, such as `gigadb.org`.
    t.yaml:10:38: `Example.org.` is `example.org` in another spelling, which stands at 10:20 already. Keep one of the two.
    t.yaml:13:20: `example.org` is a hostname of both roles of `live`, first at 10:20, and would have to lead to both sides. Keep it under production or under the hot standby.
    t.yaml:8:3: `environments.live` has no `hot_standby`. Add `hot_standby: { hostnames: …, variables: … }`.
    t.yaml:12:5: `standby` is not a key here. Write one of `data_sync`, `production` and `hot_standby`, or remove it.
    t.yaml:9:16: `environments.live.data_sync` holds a number. Write `true` or `false`, without quotes.
    t.yaml:8:3: `live*` is no valid name. Write a name (a letter or digit, then letters, digits, `_` or `-`).
    t.yaml:16:20: `alt.example.org` is a hostname of `staging` too (9:32). Keep it in one environment.
    ");
}

#[test]
fn variables() {
    assert_snapshot!(each(&[
        ("{ HOME_URL: https://example.org }", "{}"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URI: https://example.org }"),
        ("{ HOME_URL: https://example.org }", "{ HOME-URL: https://example.org }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: 5 }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: true }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: off }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: ~ }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: \"a\\nb\" }"),
        ("{ HOME_URL: https://example.org }", "{ HOME_URL: [a] }"),
        ("{ HOME_URL: https://example.org }", "[ HOME_URL ]"),
    ]), @r#"
    t.yaml:14:20: `HOME_URL` is a variable of the hot standby and not of production. Add it to `environments.live.production.variables`, with the same value if it is the same for both.
    t.yaml:11:20: `HOME_URI` is a variable of production and not of the hot standby. Did you mean `HOME_URL`, which only the hot standby has?
    t.yaml:14:20: `HOME_URL` is a variable of the hot standby and not of production. Did you mean `HOME_URI`, which only production has?
    t.yaml:11:20: `HOME-URL` is no valid name. Write a GitLab CI/CD variable key (1 to 255 letters, digits or `_`).
    t.yaml:14:20: `HOME_URL` is a variable of the hot standby and not of production. Add it to `environments.live.production.variables`, with the same value if it is the same for both.
    t.yaml:11:30: `5` is a number to YAML, and `environments.live.production.variables.HOME_URL` is a text. Quote it: `"5"`.
    t.yaml:11:30: `true` is a boolean to YAML, and `environments.live.production.variables.HOME_URL` is a text. Quote it: `"true"`.
    t.yaml:11:30: `off` is a boolean to YAML, and `environments.live.production.variables.HOME_URL` is a text. Quote it: `"off"`.
    t.yaml:11:30: `~` is YAML's null, and `environments.live.production.variables.HOME_URL` is a text. Quote it: `"~"`.
    t.yaml:11:20: `environments.live.production.variables.HOME_URL` has no value. Write one after the colon.
    t.yaml:11:30: `environments.live.production.variables.HOME_URL` holds a line break or another control character. Write it on one line.
    t.yaml:11:30: `environments.live.production.variables.HOME_URL` holds a list. Write a text.
    t.yaml:11:18: `environments.live.production.variables` holds a list. Write the value of each variable, as in `{ HOME_URL: https://gigadb.org }`.
    "#);
}

#[test]
fn lock_certificate_and_policy() {
    assert_snapshot!(each(&[
        ("environments:", "lock: { name: x }\nenvironments:"),
        ("environments:", "lock: { gitlab_project: 7, name: \"{owner}\" }\nenvironments:"),
        ("environments:", "certificate_variable: tls-chain\nenvironments:"),
        ("environments:", "certificate_variable:\nenvironments:"),
        ("environments:", "policy: { missing_records: crate }\nenvironments:"),
        ("environments:", "policy: { missing_variables: true }\nenvironments:"),
        ("environments:", "policy: { record_ttl: 30 }\nenvironments:"),
        ("environments:", "policy: { record_ttl: 1 }\nenvironments:"),
        ("environments:", "policy: { record_ttl: 86401 }\nenvironments:"),
        ("environments:", "policy: { record_ttl: \"60\" }\nenvironments:"),
        ("environments:", "policy: { proxied: \"no\" }\nenvironments:"),
    ]), @r"
    t.yaml:7:1: `lock` has no `gitlab_project`. Add `gitlab_project: gigascience/upstream/gigadb-website`.
    t.yaml:7:34: `lock.name`: `{owner}` is not a placeholder here. Write `{environment}`, or no braces.
    t.yaml:7:23: `tls-chain` is no valid name. Write a GitLab CI/CD variable key (1 to 255 letters, digits or `_`).
    t.yaml:7:1: `certificate_variable` has no value. Write one after the colon.
    t.yaml:7:28: `crate` is no value of `policy.missing_records`. Did you mean `create`?
    t.yaml:7:30: `true` is no value of `policy.missing_variables`. Write `error` or `create`.
    t.yaml:7:23: `policy.record_ttl` is 30, and only zones of Cloudflare's Enterprise plan allow less than 60 seconds. Write `auto`, or 60 to 86400.
    t.yaml:7:23: `policy.record_ttl` is neither `auto` nor a TTL in seconds. Write `auto`, or 60 to 86400 without quotes.
    t.yaml:7:23: `policy.record_ttl` is neither `auto` nor a TTL in seconds. Write `auto`, or 60 to 86400 without quotes.
    t.yaml:7:23: `policy.record_ttl` is neither `auto` nor a TTL in seconds. Write `auto`, or 60 to 86400 without quotes.
    t.yaml:7:20: `policy.proxied` holds a text. Write `true` or `false`, without quotes.
    ");
}

#[test]
fn a_lock_on_a_terraform_state() {
    let with = |project: &str, name: &str, state: &str| {
        let lock =
            format!("lock: {{ gitlab_project: {project}, name: \"{name}\" }}\nenvironments:");
        let state = format!("terraform_state: {{ name: \"{state}\" }}, gitlab_project: g/blue");
        small(&[("environments:", &lock), ("gitlab_project: g/blue", &state)])
    };
    let fault = with("g/blue", "live_infra", "{environment}_infra");
    assert_snapshot!(fault, @"t.yaml:7:39: `lock.name` names `live_infra`, the Terraform state of `blue` (`terraform_state`), whose lock is Terraform's own. Write a name that no Terraform state has, such as `gigadb-roles-{environment}`.");
    for (project, name, state) in [
        ("G/Blue", "live_infra", "live_infra"),
        ("g/blue", "{environment}_infra", "{environment}_infra"),
        ("g/blue", "{environment}_infra", "live_infra"),
        // A number and a path may be one project.
        ("4711", "live_infra", "{environment}_infra"),
    ] {
        let fault = with(project, name, state);
        assert!(
            fault.contains("`lock.name` names `live_infra`"),
            "{project} {name} {state}: {fault}"
        );
    }
    for (project, name, state) in [
        ("g/other", "live_infra", "live_infra"),
        (
            "g/blue",
            "gigadb-roles-{environment}",
            "{environment}_infra",
        ),
        ("g/blue", "staging_infra", "{environment}_infra"),
    ] {
        assert_eq!(with(project, name, state), "", "{project} {name} {state}");
    }
}

#[test]
fn a_lock_on_the_record_of_a_release() {
    let with = |name: &str| {
        let lock = format!("lock: {{ gitlab_project: g/ops, name: \"{name}\" }}\nenvironments:");
        small(&[("environments:", &lock)])
    };
    let fault = with("release-{environment}");
    assert_snapshot!(fault, @"t.yaml:7:38: `lock.name` names `release-live`, the Terraform state that keeps the record of a release. Write a name that no Terraform state has, such as `gigadb-roles-{environment}`.");
    assert_eq!(with("release-live"), fault);
    for name in [
        "release-other",
        "releases-{environment}",
        "{environment}-release",
    ] {
        assert_eq!(with(name), "", "{name}");
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    assert_snapshot!(check(
        "version: 3\nendponts: {}\ninfrastructures:\n  a: { gitlab_project: x }\n  b: 5\nenvironments:\n  e:\n    production: { hostnames: { a.b: c, a: d } }\n    hot_standby: { variables: { X: 1, Y: \"\" } }\n",
    ), @r#"
    t.yaml:1:10: `version` is `3`, and this program reads version 1. Write `version: 1`.
    t.yaml:2:1: `endponts` is not a key here. Did you mean `endpoints`?
    t.yaml:4:3: `infrastructures.a` has no `aws`. Add `aws: { profile: Upstream, region: ap-east-1 }`.
    t.yaml:4:24: `infrastructures.a.gitlab_project` is `x`, which has no group in front of the project. Write the project's path, such as `gigascience/upstream/gigadb-website`, or its numeric id.
    t.yaml:5:6: `infrastructures.b` holds a number. Write a mapping with the keys `checkout`, `gitlab_project`, `aws`, `owner`, `eips`, `instances`, `ssh` and `terraform_state`.
    t.yaml:8:40: `a` is no valid name. Write a fully qualified hostname (labels of letters, digits and hyphens, joined by dots).
    t.yaml:9:33: `X` is a variable of the hot standby and not of production. Add it to `environments.e.production.variables`, with the same value if it is the same for both.
    t.yaml:9:36: `1` is a number to YAML, and `environments.e.hot_standby.variables.X` is a text. Quote it: `"1"`.
    t.yaml:9:39: `Y` is a variable of the hot standby and not of production. Add it to `environments.e.production.variables`, with the same value if it is the same for both.
    "#);
}

#[test]
fn valid_variations() {
    for (from, to) in [
        ("g/green", "12345"),
        ("g/green", "\"12345\""),
        ("g/green", "Group.x/sub_group/a-b"),
        ("version: 1", "\u{feff}version: 1"),
        ("version: 1", "%YAML 1.2\n---\nversion: 1"),
        ("https://example.org", "!!str https://example.org"),
        ("environments:", "policy: {}\nenvironments:"),
        (
            "environments:",
            "policy: { record_ttl: auto }\nenvironments:",
        ),
        (
            "environments:",
            "policy: { record_ttl: 60, proxied: true }\nenvironments:",
        ),
        (
            "example.org: web",
            "bücher.example.org: web, example.org: web",
        ),
    ] {
        assert_eq!(small(&[(from, to)]), "", "{to}");
    }
    assert_eq!(check(&SMALL.replace('\n', "\r\n")), "");
}

#[test]
fn a_region_with_a_slip_is_told_with_the_one_that_was_meant() {
    let told = small(&[("region: eu-west-2", "region: eu-west2")]);
    let expected = "there is no such region. Did you mean `eu-west-2`?";
    assert!(told.starts_with("t.yaml:6:"), "{told}");
    assert!(told.ends_with(expected), "{told}");
}
