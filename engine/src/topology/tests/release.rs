//! The section `release`: what it says, and its faults.

use insta::assert_snapshot;

use super::faults::{SMALL, small};
use crate::topology::{CommandName, Filling, SwapBy, Topology};

fn with(section: &str) -> String {
    small(&[("environments:", &format!("{section}\nenvironments:"))])
}

#[test]
fn the_least_that_it_says_is_what_is_deployed() {
    let text = format!("{SMALL}release: {{ deploy_jobs: {{ live: [build, deploy] }} }}\n");
    let release = Topology::parse(&text).unwrap().topology.release.unwrap();
    assert_eq!(release.swap, SwapBy::Terraform);
    assert_eq!(release.reference("v1{release}"), "v1{release}");
    let live = "live".parse().unwrap();
    assert_eq!(release.deploy_jobs.of(&live), ["build", "deploy"]);
    assert!(
        release
            .deploy_jobs
            .of(&"staging".parse().unwrap())
            .is_empty()
    );
    let filling = Filling {
        key: "202611281200",
        release: "{key}",
        environment: &live,
        production: &"blue".parse().unwrap(),
        hot_standby: &"green".parse().unwrap(),
    };
    let restore = release.argv(CommandName::Restore, &filling);
    assert_eq!(restore[1], "hot_standby_live_bastion");
    assert_eq!(restore.last().unwrap(), "databaseReset 202611281200");
    assert!(release.argv(CommandName::Backups, &filling).is_empty());
}

#[test]
fn what_a_value_holds_is_no_placeholder() {
    let section =
        "release: { deploy_jobs: [d], commands: { backup: [echo, \"{release}/{key}\"] } }";
    let text = format!("{SMALL}{section}\n");
    let release = Topology::parse(&text).unwrap().topology.release.unwrap();
    let filling = Filling {
        key: "K",
        release: "{key}",
        environment: &"live".parse().unwrap(),
        production: &"blue".parse().unwrap(),
        hot_standby: &"green".parse().unwrap(),
    };
    let words = release.argv(CommandName::Backup, &filling);
    assert_eq!(words, ["echo", "{key}/K"]);
}

#[test]
fn faults_have_their_place() {
    let all: Vec<String> = [
        "release:",
        "release: {}",
        "release: { deploy_jobs: build }",
        "release: { deploy_jobs: [] }",
        "release: { deploy_jobs: [a, a] }",
        "release: { deploy_jobs: { liv: [a] } }",
        "release: { deploy_jobs: [a], swap: terrafrom }",
        "release: { deploy_jobs: [a], ref: \"{tag}\" }",
        "release: { deploy_jobs: [a], more_jobs: [b] }",
        "release: { deploy_jobs: [a], commands: { back_up: [b] } }",
        "release: { deploy_jobs: [a], commands: { backup: [] } }",
        "release: { deploy_jobs: [a], commands: { backup: \"s3backup\" } }",
        "release: { deploy_jobs: [a], commands: { backup: [b, \"{kee}\", 5] } }",
    ]
    .map(with)
    .into();
    assert_snapshot!(all.join("\n"), @r#"
    t.yaml:7:1: `release` holds nothing. Write a mapping with the keys `swap`, `deploy_jobs`, `more_jobs`, `ref` and `commands`.
    t.yaml:7:1: `release` has no `deploy_jobs`. Add `deploy_jobs: [build_live, ld_gigadb]`.
    t.yaml:7:25: `release.deploy_jobs` holds a text. Write a list of the names of jobs, such as [build_live, ld_gigadb].
    t.yaml:7:25: `release.deploy_jobs` is empty. Write a list of the names of jobs, such as [build_live, ld_gigadb].
    t.yaml:7:29: `release.deploy_jobs` names `a` twice. Remove one of the two.
    t.yaml:7:27: `liv` is not a key here. Did you mean `live`?
    t.yaml:7:36: `terrafrom` is no value of `release.swap`. Did you mean `terraform`?
    t.yaml:7:35: `release.ref`: `{tag}` is not a placeholder here. Write `{release}`, or no braces.
    t.yaml:7:41: `release.more_jobs` holds a list. Write a mapping of lists of jobs.
    t.yaml:7:42: `back_up` is not a key here. Did you mean `backup`?
    t.yaml:7:50: `release.commands.backup` names no program. Write a list of words: a program and its arguments, such as [s3backup, "{key}"].
    t.yaml:7:50: `release.commands.backup` holds a text. Write a list of words: a program and its arguments, such as [s3backup, "{key}"].
    t.yaml:7:54: `release.commands.backup`: `{kee}` is not a placeholder here. Did you mean `{key}`?
    t.yaml:7:63: `5` is a number to YAML, and `release.commands.backup` is a text. Quote it: `"5"`.
    "#);
}
