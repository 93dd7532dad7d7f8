//! `verify`: every production name, asked by its endpoint's protocols.

use gigadb_simulator::{DnsEffect, DnsFault, sites::Site};
use insta::assert_snapshot;
use serde_json::Value;

use crate::{
    endpoints::{HONG_KONG, Machines, free_port, greet, ssh_server},
    lines::check,
    stage::not_run,
};

const VERIFY: [&str; 3] = ["verify", "-e", "live"];

#[test]
fn every_name_is_asked_by_its_protocols() {
    let ftp = greet(&HONG_KONG[2..], "220-Welcome\r\n220 files of GigaDB\r\n");
    let tcp = greet(&HONG_KONG[1..2], "anything");
    let machines = Machines::new(
        &format!("[\"tcp:{tcp}\"]"),
        &format!("[\"ftp:{ftp}\"]"),
        "",
        60,
    );
    let told = machines.run(&VERIFY);
    let told = told.replace(&format!("tcp:{tcp}"), "tcp:PORT");
    let told = told.replace(&format!("ftp:{ftp}"), "ftp:PORT");
    assert_snapshot!(told, @"
    exit 0
    -- stdout
    NAME                  PROTOCOL     ADDRESS        SIDE            ANSWER
    bastion.gigadb.org    tcp:PORT    127.51.100.11  gigadb-website  a connection
    files.gigadb.org      ftp:PORT    127.51.100.12  gigadb-website  220 Welcome files of GigaDB
    gigadb.org            https:PORT  127.51.100.10  gigadb-website  status 200, certificate for 90 days more
    portainer.gigadb.org  https:PORT  127.51.100.10  gigadb-website  status 200, certificate for 90 days more
    ");
    let asked = machines.sites.asked();
    let mut hosts: Vec<_> = asked.iter().filter_map(|one| one.sni.as_deref()).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, ["gigadb.org", "portainer.gigadb.org"]);
}

#[test]
fn the_host_key_of_a_real_ssh_server_is_told_by_its_fingerprint() {
    let port = free_port();
    let machines = Machines::new(&format!("[\"ssh:{port}\"]"), "[]", "", 60);
    let Some((_server, fingerprint)) = ssh_server(machines.stage.folder(), HONG_KONG[1], port)
    else {
        not_run("the host key of a real SSH server: there is no sshd");
        return;
    };
    let told = machines.run(&VERIFY);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(told.contains("SSH-2.0-OpenSSH"), "{told}");
    assert!(
        told.contains(&format!("ssh-ed25519 {fingerprint}")),
        "{told}"
    );

    // Without the system's program the server still counts as well, and the key as not read.
    let stage = &machines.stage;
    let mut command = stage.command(&machines.with_authority(&VERIFY));
    command.env("PATH", stage.folder());
    let told = stage.told(&command.output().unwrap());
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(
        told.contains("its host key was not read: `ssh-keyscan` is not installed"),
        "{told}"
    );
    assert!(!told.contains(&fingerprint), "{told}");
}

#[test]
fn what_does_not_answer_as_it_should_is_told_and_ends_with_3() {
    let ftp = greet(&HONG_KONG[2..], "421 Too many users\r\n");
    let ssh = greet(&HONG_KONG[1..2], "HTTP/1.1 200 OK\r\n\r\n");
    let machines = Machines::new(
        &format!("[\"ssh:{ssh}\"]"),
        &format!("[\"ftp:{ftp}\"]"),
        "",
        60,
    );
    let well = Site::of(&["gigadb.org", "portainer.gigadb.org"]);
    machines.sites.set(HONG_KONG[0], well.status(503)).unwrap();
    machines
        .stage
        .set_record("portainer.gigadb.org", "127.0.113.10");
    let told = machines.run(&[&VERIFY[..], &["--timeout", "2"]].concat());
    let told = told.replace(&format!("ssh:{ssh}"), "ssh:PORT");
    let told = told.replace(&format!("ftp:{ftp}"), "ftp:PORT");
    assert_snapshot!(told, @"
    exit 3
    -- stdout
    NAME                  PROTOCOL     ADDRESS        SIDE                ANSWER
    bastion.gigadb.org    ssh:PORT    127.51.100.11  gigadb-website      no SSH banner in 2 s
    files.gigadb.org      ftp:PORT    127.51.100.12  gigadb-website      421 Too many users
    gigadb.org            https:PORT  127.51.100.10  gigadb-website      status 503, certificate for 90 days more
    portainer.gigadb.org  https:PORT  127.0.113.10   alt-gigadb-website  status 200, certificate for 90 days more
    -- stderr
    error: Not everything answers as it should: `bastion.gigadb.org` by ssh:PORT at 127.51.100.11: no SSH banner in 2 s; `files.gigadb.org` by ftp:PORT at 127.51.100.12: its FTP greeting is not 220: 421 Too many users; `gigadb.org` by https:PORT at 127.51.100.10: it answers with status 503; `portainer.gigadb.org` by https:PORT at 127.0.113.10: it leads to `alt-gigadb-website`, and production is `gigadb-website`.
      on:      environment `live`
      changed: Nothing was changed.
      next:    Look at the machines that are named; `gigadb-roles status` shows whether the records are as the topology says.
    ");
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning() {
    let machines = Machines::new("[]", "[]", "", 60);
    let site = Site::of(&["gigadb.org", "portainer.gigadb.org"]).ending_in(3);
    machines.sites.set(HONG_KONG[0], site).unwrap();
    let told = machines.run(&VERIFY);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(
        told.contains(
            "warning: `gigadb.org` by https:PORT at 127.51.100.10: its certificate ends in 3 days."
        ),
        "{told}"
    );
}

#[test]
fn the_answers_for_programs() {
    let machines = Machines::new("[]", "[]", "", 60);
    let arguments = [&VERIFY[..], &["--format", "json"]].concat();
    let answer = machines.stage.answer(&machines.with_authority(&arguments));
    let document: Value = serde_json::from_str(&answer).unwrap();
    check("verify", &document);
    assert_eq!(document["production"], "gigadb-website");
    assert_eq!(document["well"], true);
    let names = document["names"].as_array().unwrap();
    let apex = names
        .iter()
        .find(|name| name["hostname"] == "gigadb.org")
        .unwrap();
    let asked = &apex["asked"][0];
    assert_eq!(asked["answer"]["status"], 200);
    assert_eq!(asked["infrastructure"], "gigadb-website");
    assert_eq!(asked["fault"], Value::Null);

    // What is wrong is in the same document, and no other follows.
    let fault = DnsFault::new(DnsEffect::NxDomain)
        .name("gigadb.org")
        .kind("A");
    machines.stage.simulator.dns_fault(fault);
    let arguments = machines.with_authority(&arguments);
    let answer = machines.stage.answer_with(3, &arguments);
    let document: Value = serde_json::from_str(&answer).unwrap();
    check("verify", &document);
    assert_eq!(document["well"], false);
}

#[test]
fn ports_that_cannot_be_meant_are_usage() {
    let machines = Machines::new("[]", "[]", "", 60);
    let stage = machines.stage.with("GIGADB_PORTS", "https:8443,22");
    for words in [&VERIFY[..], &["watch", "-e", "live"]] {
        let told = stage.run(words);
        assert!(told.starts_with("exit 64\n"), "{told}");
        let why = "GIGADB_PORTS cannot be used: `22` is no protocol with a port.";
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn without_dns_nothing_is_guessed() {
    let machines = Machines::new("[]", "[]", "", 60);
    let fault = DnsFault::new(DnsEffect::ServFail);
    machines.stage.simulator.dns_fault(fault);
    let told = machines.run(&VERIFY);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(
        told.contains("It is not known where the names of production lead"),
        "{told}"
    );
    assert!(machines.sites.asked().is_empty());
}
