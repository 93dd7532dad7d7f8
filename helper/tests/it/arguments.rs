//! What is said about arguments, settings and files that cannot be used.

use insta::assert_snapshot;

use crate::stage::Stage;

#[test]
fn wrong_arguments_exit_with_64_and_name_the_way_out() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["statsu"]), @"
    exit 64
    -- stderr
    error: There is no command `statsu`.
      on:      the command line
      changed: Nothing was changed.
      next:    Did you mean `status`? Run `gigadb-roles --help` to see the commands.
    ");
    assert_snapshot!(stage.run(&["--list", "status"]), @"
    exit 64
    -- stderr
    error: --list and --host stand alone, or after `inventory`.
      on:      the command line
      changed: Nothing was changed.
      next:    Write `gigadb-roles --list`, or `gigadb-roles inventory --list`.
    ");
    assert_snapshot!(stage.run(&["status", "--environment", "lve"]), @"
    exit 64
    -- stderr
    error: --environment cannot be used: the topology has no environment `lve`; did you mean `live`?
      on:      environment `lve`
      changed: Nothing was changed.
      next:    Name an environment of the topology.
    ");
    assert_snapshot!(stage.run(&["inventory", "--role", "standby"]), @"
    exit 64
    -- stderr
    error: --role cannot be used: `standby` is no role; did you mean `hot_standby`?
      on:      --role
      changed: Nothing was changed.
      next:    Correct it, or leave it out to widen the scope.
    ");
    assert_snapshot!(stage.run(&["inventory", "--infrastructure", "gigadb-websit"]), @"
    exit 64
    -- stderr
    error: There is no inventory: the topology has no infrastructure `gigadb-websit`; did you mean `gigadb-website`?
      on:      infrastructure `gigadb-websit`
      changed: Nothing was changed.
      next:    Name one that the topology has, by option or by environment variable.
    ");
    for arguments in [&["plan", "--environment", "live"][..], &["--lsit"], &[]] {
        let output = stage.output(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    }
    assert!(stage.simulator.requests().is_empty());
}

#[test]
fn help_begins_with_an_imperative_and_shows_examples() {
    let stage = Stage::sop();
    for command in [
        &[][..],
        &["inventory"],
        &["status"],
        &["plan"],
        &["swap"],
        &["exec"],
        &["check"],
        &["completions"],
        &["man"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let help = stage.answer(&arguments);
        let first = help.lines().next().unwrap();
        assert!(first.ends_with('.') || first.ends_with(';'), "{first}");
        assert!(help.contains("Examples:"), "{help}");
    }
}

#[test]
fn a_missing_topology_is_named() {
    let stage = Stage::sop().without("GIGADB_TOPOLOGY");
    assert_snapshot!(stage.run(&["status"]), @"
    exit 1
    -- stderr
    error: The topology could not be read: No such file or directory (os error 2).
      on:      `topology.yaml` (looked for in `$HOME` and the folders above it)
      changed: Nothing was changed.
      next:    Name the file with --topology or GIGADB_TOPOLOGY, or run the command in the folder of `topology.yaml` or below it.
    ");
    assert_snapshot!(stage.run(&["--list", "--topology", "other.yaml"]), @"
    exit 1
    -- stderr
    error: The topology could not be read: No such file or directory (os error 2).
      on:      `other.yaml` (looked for at `$HOME/other.yaml`)
      changed: Nothing was changed.
      next:    Name the file with --topology or GIGADB_TOPOLOGY, or run the command in the folder of `topology.yaml` or below it.
    ");
}

#[test]
fn every_fault_of_a_topology_is_told_with_its_place() {
    let stage = Stage::sop().without("GIGADB_TOPOLOGY");
    stage.write(
        "topology.yaml",
        "version: 1\nendpoint: {}\nenvironments: {}\n",
    );
    assert_snapshot!(stage.run(&["status"]), @"
    exit 1
    -- stderr
    error: The topology has 3 faults:
        topology.yaml:1:1: The file has no `infrastructures`. Add `infrastructures: { gigadb-website: { gitlab_project: …, aws: … }, … }`.
          1 | version: 1
            | ^
        topology.yaml:2:1: `endpoint` is not a key here. Did you mean `endpoints`?
          2 | endpoint: {}
            | ^
        topology.yaml:3:15: `environments` is empty. Write `environments: { live: { production: …, hot_standby: … } }`.
          3 | environments: {}
            |               ^
      on:      `topology.yaml`
      changed: Nothing was changed.
      next:    Correct every place that is named, then run the command again.
    ");
}

#[test]
fn a_base_url_that_would_show_the_token_is_refused() {
    let stage = Stage::sop().with("CLOUDFLARE_BASE_URL", "http://api.example/client/v4");
    assert_snapshot!(stage.run(&["status"]), @"
    exit 1
    -- stderr
    error: A setting cannot be used: the Cloudflare base URL (from environment variable `CLOUDFLARE_BASE_URL`) is plain http to an address that is not loopback, which would show the token to the network; use https.
      on:      the Cloudflare base URL
      changed: Nothing was changed.
      next:    Correct environment variable `CLOUDFLARE_BASE_URL`, then run the command again.
    ");
    let stage = Stage::sop().with("TF_KEY_NAME", "elastic_ip");
    assert_snapshot!(stage.run(&["--list"]), @"
    exit 64
    -- stderr
    error: TF_KEY_NAME cannot be used: `elastic_ip` is none of `private_ip`, `public_ip`.
      on:      TF_KEY_NAME
      changed: Nothing was changed.
      next:    Correct it, or unset it to reach bastions by public and all others by private address.
    ");
}
