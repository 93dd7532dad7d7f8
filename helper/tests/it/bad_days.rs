//! The inventory on days when the cache is contended and tags are odd.

use std::{
    fs,
    process::{Output, Stdio},
    time::Duration,
};

use gigadb_simulator::{Api, Effect, Fault, world::REGION_UPSTREAM};
use insta::assert_snapshot;
use serde_json::Value;

use crate::stage::{Stage, no_secret};

/// The inventory of a run that succeeded, without the ages of hosts, which are the clock's.
fn listed(output: &Output) -> Value {
    no_secret(output);
    assert!(output.status.success(), "{output:?}");
    let mut list: Value = serde_json::from_slice(&output.stdout).unwrap();
    for host in list["_meta"]["hostvars"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        assert_eq!(host["gigadb_stale"], false);
        assert!(host["gigadb_age_seconds"].take().is_u64());
    }
    list
}

#[test]
fn two_runs_at_once_answer_alike_and_leave_a_whole_cache() {
    let stage = Stage::sop();
    // Long enough for both to find no cache.
    stage.simulator.set_latency(Duration::from_millis(200));
    let start = || {
        let mut command = stage.command(&["--list"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let (one, other) = (start(), start());
    let one = listed(&one.wait_with_output().unwrap());
    let other = listed(&other.wait_with_output().unwrap());
    assert_eq!(one, other);
    assert_eq!(one["_meta"]["hostvars"].as_object().unwrap().len(), 12);

    let kept: Vec<_> = fs::read_dir(stage.folder().join(".cache/gigadb"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(kept.len(), 1, "nothing half written stays: {kept:?}");
    let whole: Value = serde_json::from_slice(&fs::read(&kept[0]).unwrap()).unwrap();
    assert_eq!(whole["sides"].as_object().unwrap().len(), 2);
    // Only what is kept can answer now.
    stage
        .simulator
        .fault(Fault::new(Effect::Refuse).api(Api::Ec2).always());
    assert_eq!(listed(&stage.output(&["--list"])), one);
}

#[test]
fn tags_with_odd_characters_become_group_names_that_ansible_takes() {
    let stage = Stage::sop();
    let odd = [
        ("gigadb_webserver_live_gigadb", "Web server \"live\" [1:2]"),
        ("bastion_server_live_gigadb", "bastión's\nhöst 堡垒"),
        ("gigadb_filesserver_live_gigadb", "{{ files }}\t!&~$(id)"),
    ];
    stage.simulator.edit(|world| {
        let region = world.aws.region_mut(REGION_UPSTREAM).unwrap();
        for instance in &mut region.instances {
            for (name, given) in odd {
                if instance.tags.get("Name").is_some_and(|tag| tag == name) {
                    instance.tags.insert("Name".to_owned(), given.to_owned());
                    let owner = "Ops & \"Söhne\"\n".to_owned();
                    instance.tags.insert("Owner".to_owned(), owner);
                }
            }
        }
    });
    let scope = [
        "inventory",
        "--environment",
        "live",
        "--infrastructure",
        "gigadb-website",
    ];
    let output = stage.output(&scope);
    let list = listed(&output);
    let groups = list.as_object().unwrap().iter();
    let odd_groups: Vec<String> = groups
        .filter(|(name, _)| name.starts_with("name_") || name.starts_with("owner_"))
        .map(|(name, group)| format!("{name}: {}", group["hosts"]))
        .collect();
    assert_snapshot!(odd_groups.join("\n"), @r#"
    name____files_________id_: ["gigadb-website-live-files"]
    name_basti_n_s_h_st___: ["gigadb-website-live-bastion"]
    name_web_server__live___1_2_: ["gigadb-website-live-web"]
    owner_ops____s_hne__: ["gigadb-website-live-bastion","gigadb-website-live-files","gigadb-website-live-web"]
    "#);
    assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r#"
    warning: `gigadb-website-live-bastion`: i-c5860b37b6fbfef86 is named `bastión's�höst 堡垒`, not `bastion_server_live_gigadb`; it is used because it holds the Elastic IP.
    warning: `gigadb-website-live-files`: i-78984a40bab051eaa is named `{{ files }}�!&~$(id)`, not `gigadb_filesserver_live_gigadb`; it is used because it holds the Elastic IP.
    warning: `gigadb-website-live-web`: i-82ef7458ac07bc0d2 is named `Web server "live" [1:2]`, not `gigadb_webserver_live_gigadb`; it is used because it holds the Elastic IP.
    "#);
}
