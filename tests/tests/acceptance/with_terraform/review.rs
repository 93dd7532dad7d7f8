//! `gigadb-roles review` on plans that real Terraform wrote.

use std::collections::BTreeSet;

use gigadb_simulator::{
    World,
    sites::{Site, Sites},
};
use gigadb_tests::{Scene, procedure::Side, programs::Output, scene::assignment};
use insta::assert_snapshot;

/// A preflight of live with alt as production, with further attributes.
fn preflight(further: &str) -> String {
    format!(
        "data \"gigadb_preflight\" \"live\" {{\n  environment = \"live\"\n  production = \"alt-gigadb-website\"\n{further}\n}}\n"
    )
}

const OTHER: &str = "resource \"terraform_data\" \"other\" {\n  input = sensitive(\"not for a review\")\n}\noutput \"production\" {\n  value = gigadb_role_assignment.live.production\n}\n";

/// A scene whose live was adopted, and whose plan of `body` is in `plan.json`.
pub(super) fn planned(body: &str) -> Scene {
    let scene = Scene::new();
    scene.adopt_live();
    plan_json(&scene, body);
    scene
}

pub(super) fn plan_json(scene: &Scene, body: &str) {
    plan_json_with(scene, body, &[]);
}

fn plan_json_with(scene: &Scene, body: &str, further: &[&str]) {
    scene.configure(body);
    let plan = scene.plan(&[&["-out=tfplan"], further].concat());
    assert!(matches!(plan.code, 0 | 2), "{plan:?}");
    let shown = scene.terraform(&["show", "-json", "tfplan"]).expect(0);
    scene.write("plan.json", &shown.stdout);
    scene.simulator().clear_requests();
}

/// Exit code, stdout and stderr, without the digest's digits.
fn told(output: &Output) -> String {
    let digest = |text: &str| {
        let words = text.split_inclusive([' ', '\n', '`', '"']);
        let words = words.map(|word| match word.strip_prefix("sha256:") {
            Some(rest) => format!("sha256:…{}", &rest[64..]),
            None => word.to_owned(),
        });
        words.collect::<String>()
    };
    let mut told = format!("exit {}", output.code);
    for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !text.is_empty() {
            let lines = text.lines().map(|line| {
                let planned = line.starts_with("Planned on ");
                if planned { "Planned on …" } else { line }
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            told = format!("{told}\n-- {name}\n{}", digest(&text).trim_end());
        }
    }
    told
}

fn review(scene: &Scene, further: &[&str]) -> Output {
    let mut arguments = vec!["review", "plan.json"];
    arguments.extend(further);
    let output = scene.gigadb_roles(&arguments);
    scene.assert_nothing_written();
    output
}

#[test]
fn a_swap_alone() {
    let scene = planned(&assignment("live", Side::Alt, ""));
    assert_snapshot!(told(&review(&scene, &["--require-only-role-change", "--forbid-failover"])), @r#"
    exit 2
    -- stdout
    **Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)**: 8 records, 8 variables; findings not known

    Findings: this plan holds no findings. Put a `gigadb_preflight` data source with the same arrangement into the configuration, or review with `--live`.

    ```mermaid
    flowchart LR
      subgraph before["Before"]
        direction LR
        bn0["bastion.gigadb.org<br>files.gigadb.org<br>gigadb.org<br>portainer.gigadb.org"] -->|production| bs1["gigadb‑website (Hong Kong)"]
        bn1["alt‑live.gigadb.host<br>bastion.alt‑live.gigadb.host<br>files.alt‑live.gigadb.org<br>portainer.alt‑live.gigadb.host"] -->|standby| bs0["alt‑gigadb‑website (Sydney)"]
      end
      subgraph after["After"]
        direction LR
        an0["bastion.gigadb.org<br>files.gigadb.org<br>gigadb.org<br>portainer.gigadb.org"] -->|production| as0["alt‑gigadb‑website (Sydney)"]
        an1["alt‑live.gigadb.host<br>bastion.alt‑live.gigadb.host<br>files.alt‑live.gigadb.org<br>portainer.alt‑live.gigadb.host"] -->|standby| as1["gigadb‑website (Hong Kong)"]
      end
      before ~~~ after
    ```

    | Hostname | From | To | Side | Region |
    |---|---|---|---|---|
    | `bastion.gigadb.org` | `198.51.100.11` | `203.0.113.11` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `files.gigadb.org` | `198.51.100.12` | `203.0.113.12` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `gigadb.org` | `198.51.100.10` | `203.0.113.10` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `portainer.gigadb.org` | `198.51.100.10` | `203.0.113.10` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `alt-live.gigadb.host` | `203.0.113.10` | `198.51.100.10` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |
    | `bastion.alt-live.gigadb.host` | `203.0.113.11` | `198.51.100.11` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |
    | `files.alt-live.gigadb.org` | `203.0.113.12` | `198.51.100.12` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |
    | `portainer.alt-live.gigadb.host` | `203.0.113.10` | `198.51.100.10` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |

    <details><summary>8 variables in scope <code>live</code></summary>

    | Project | Variable | From | To |
    |---|---|---|---|
    | `gigascience/upstream/alt-gigadb-website` | `HOME_URL` | `http://alt-live.gigadb.host` | `https://gigadb.org` |
    | `gigascience/upstream/alt-gigadb-website` | `REMOTE_HOME_URL` | `http://alt-live.gigadb.host` | `https://gigadb.org` |
    | `gigascience/upstream/alt-gigadb-website` | `REMOTE_HOSTNAME` | `alt-live.gigadb.host` | `gigadb.org` |
    | `gigascience/upstream/alt-gigadb-website` | `remote_fileserver_hostname` | `files.alt-live.gigadb.host` | `files.gigadb.org` |
    | `gigascience/upstream/gigadb-website` | `HOME_URL` | `https://gigadb.org` | `http://alt-live.gigadb.host` |
    | `gigascience/upstream/gigadb-website` | `REMOTE_HOME_URL` | `https://gigadb.org` | `http://alt-live.gigadb.host` |
    | `gigascience/upstream/gigadb-website` | `REMOTE_HOSTNAME` | `gigadb.org` | `alt-live.gigadb.host` |
    | `gigascience/upstream/gigadb-website` | `remote_fileserver_hostname` | `files.gigadb.org` | `files.alt-live.gigadb.host` |

    </details>

    Due afterwards:

    - Run the data_sync playbook on both bastions now: a databaseReset job still present on `alt-gigadb-website` drops production's database at its next run, at 10:05 UTC, and a sync_dropboxes under way there may write over production's files.
    - Rebuild and deploy `gigascience/upstream/alt-gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    - Rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    - Run the playbook that reads `remote_fileserver_hostname` on both sides: its new value takes effect then.
    - Check the certificates of both sides, and what GitLab stores of them: a certificate follows a hostname, not a side.
    - Tell users that the SSH host keys of `bastion.gigadb.org` and `files.gigadb.org` change.
    - Keep `gigadb-website` serving: resolvers may use the old addresses for as long as the records' TTL.
    - Update the status table (`gigadb-roles status --write`).

    Everything else in this plan: nothing.

    Planned on …

    Digest of the role change: `sha256:…`
    "#);
    // Reviewing reads the plan and nothing else.
    assert!(scene.simulator().requests().is_empty());
}

#[test]
fn a_swap_among_other_changes_with_a_waived_rule() {
    let scene = Scene::new();
    scene.adopt_live();
    // A maintenance page: neither side's address.
    scene
        .simulator()
        .edit(|world| {
            world.apply(&gigadb_simulator::Edit::SetRecord {
                name: "files.gigadb.org".to_owned(),
                kind: "A".to_owned(),
                content: "192.0.2.66".to_owned(),
            })
        })
        .unwrap();
    let waived = "  overrides = [\"permutation\"]\n  reason = \"release | 4.4\"";
    plan_json(
        &scene,
        &format!(
            "{}{}{OTHER}",
            assignment("live", Side::Alt, waived),
            preflight("  overrides = [\"permutation\"]")
        ),
    );
    assert_snapshot!(told(&review(&scene, &[])), @r#"
    exit 2
    -- stdout
    **Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)**: 8 records, 8 variables; 0 errors, 2 warnings, 1 waived

    - Waived rules: `permutation`
    - Reason: `release | 4.4`
    - `overrides`: unset → `["permutation"]`

    Findings (from the plan):

    | Rule | Weight | What | Object |
    |---|---|---|---|
    | `permutation` | error, waived | The present value of the A record of `files.gigadb.org` belongs to neither side: `192.0.2.66`. | A record of `files.gigadb.org`; expected one of `203.0.113.12`, `198.51.100.12` |
    | `ttl` | warning | `files.alt-live.gigadb.org` has a TTL of 900 s: for that long after the swap, resolvers may use the old address. | A record of `files.alt-live.gigadb.org` (id 1faaaef3ed8b542788dbab3e7e97078a) |
    | `ttl` | warning | `portainer.gigadb.org` has a TTL of 3600 s: for that long after the swap, resolvers may use the old address. | A record of `portainer.gigadb.org` (id 8ea224a2b6bb56dbf7c578be7840e340) |

    ```mermaid
    flowchart LR
      subgraph before["Before"]
        direction LR
        bn0["bastion.gigadb.org<br>gigadb.org<br>portainer.gigadb.org"] -->|production| bs1["gigadb‑website (Hong Kong)"]
        bn1["files.gigadb.org"] -->|production| bs2["neither side#58; 192.0.2.66"]
        bn2["alt‑live.gigadb.host<br>bastion.alt‑live.gigadb.host<br>files.alt‑live.gigadb.org<br>portainer.alt‑live.gigadb.host"] -->|standby| bs0["alt‑gigadb‑website (Sydney)"]
      end
      subgraph after["After"]
        direction LR
        an0["bastion.gigadb.org<br>files.gigadb.org<br>gigadb.org<br>portainer.gigadb.org"] -->|production| as0["alt‑gigadb‑website (Sydney)"]
        an1["alt‑live.gigadb.host<br>bastion.alt‑live.gigadb.host<br>files.alt‑live.gigadb.org<br>portainer.alt‑live.gigadb.host"] -->|standby| as1["gigadb‑website (Hong Kong)"]
      end
      before ~~~ after
    ```

    | Hostname | From | To | Side | Region |
    |---|---|---|---|---|
    | `bastion.gigadb.org` | `198.51.100.11` | `203.0.113.11` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `files.gigadb.org` | `192.0.2.66` | `203.0.113.12` | neither → `alt-gigadb-website` | — → Sydney |
    | `gigadb.org` | `198.51.100.10` | `203.0.113.10` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `portainer.gigadb.org` | `198.51.100.10` | `203.0.113.10` | `gigadb-website` → `alt-gigadb-website` | Hong Kong → Sydney |
    | `alt-live.gigadb.host` | `203.0.113.10` | `198.51.100.10` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |
    | `bastion.alt-live.gigadb.host` | `203.0.113.11` | `198.51.100.11` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |
    | `files.alt-live.gigadb.org` | `203.0.113.12` | `198.51.100.12` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |
    | `portainer.alt-live.gigadb.host` | `203.0.113.10` | `198.51.100.10` | `alt-gigadb-website` → `gigadb-website` | Sydney → Hong Kong |

    <details><summary>8 variables in scope <code>live</code></summary>

    | Project | Variable | From | To |
    |---|---|---|---|
    | `gigascience/upstream/alt-gigadb-website` | `HOME_URL` | `http://alt-live.gigadb.host` | `https://gigadb.org` |
    | `gigascience/upstream/alt-gigadb-website` | `REMOTE_HOME_URL` | `http://alt-live.gigadb.host` | `https://gigadb.org` |
    | `gigascience/upstream/alt-gigadb-website` | `REMOTE_HOSTNAME` | `alt-live.gigadb.host` | `gigadb.org` |
    | `gigascience/upstream/alt-gigadb-website` | `remote_fileserver_hostname` | `files.alt-live.gigadb.host` | `files.gigadb.org` |
    | `gigascience/upstream/gigadb-website` | `HOME_URL` | `https://gigadb.org` | `http://alt-live.gigadb.host` |
    | `gigascience/upstream/gigadb-website` | `REMOTE_HOME_URL` | `https://gigadb.org` | `http://alt-live.gigadb.host` |
    | `gigascience/upstream/gigadb-website` | `REMOTE_HOSTNAME` | `gigadb.org` | `alt-live.gigadb.host` |
    | `gigascience/upstream/gigadb-website` | `remote_fileserver_hostname` | `files.gigadb.org` | `files.alt-live.gigadb.host` |

    </details>

    Due afterwards:

    - Run the data_sync playbook on both bastions now: a databaseReset job still present on `alt-gigadb-website` drops production's database at its next run, at 10:05 UTC, and a sync_dropboxes under way there may write over production's files.
    - Rebuild and deploy `gigascience/upstream/alt-gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    - Rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    - Run the playbook that reads `remote_fileserver_hostname` on both sides: its new value takes effect then.
    - Check the certificates of both sides, and what GitLab stores of them: a certificate follows a hostname, not a side.
    - Tell users that the SSH host keys of `bastion.gigadb.org` and `files.gigadb.org` change.
    - Keep `gigadb-website` serving: resolvers may use the old addresses for as long as the records' TTL.
    - Update the status table (`gigadb-roles status --write`).

    Everything else in this plan: **1 to create** (`terraform_data.other`); 1 output to change (`production`).

    Planned on …

    Digest of the role change: `sha256:…`
    "#);
    let refused = review(
        &scene,
        &[
            "--require-only-role-change",
            "--terraform-report",
            "report.json",
        ],
    );
    refused
        .expect(1)
        .says(&["The plan is refused: it changes 1 object other than roles"]);
    assert_eq!(
        scene.read("report.json"),
        "{\"create\":1,\"delete\":0,\"update\":1}\n"
    );
}

#[test]
fn a_failover_is_said_and_can_be_forbidden() {
    let scene = planned(&assignment("live", Side::Alt, ""));
    let swap = told(&review(&scene, &[]));
    plan_json(
        &scene,
        &assignment("live", Side::Alt, "  mode = \"failover\""),
    );
    let failover = told(&review(&scene, &["--forbid-failover"]));
    // What both have in common is shown once, above.
    let common: BTreeSet<&str> = swap.lines().filter(|line| !line.is_empty()).collect();
    let own = failover.lines().filter(|line| !common.contains(line));
    assert_snapshot!(own.collect::<Vec<_>>().join("\n"), @r"
    exit 1
    **Fails over live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)**: 8 records, 8 variables; findings not known

    **Refused:** its mode is failover (--forbid-failover).

    - Mode: `failover`
    - `mode`: `switchover` → `failover`








    - Run the data_sync playbook on the bastion of `alt-gigadb-website` now (with `--limit`: a host that cannot be reached stops the play), and on that of `gigadb-website` as soon as it can be reached: a databaseReset job still present on `alt-gigadb-website` drops production's database at its next run, at 10:05 UTC, and a sync_dropboxes under way there may write over production's files.
    - When `gigadb-website` can be reached again, rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    - Run the playbook that reads `remote_fileserver_hostname` on `alt-gigadb-website` now, and on `gigadb-website` as soon as it can be reached: its new value takes effect then.
    - Resolvers may use the old addresses for as long as the records' TTL: some users are sent to `gigadb-website`, which is lost, and see errors meanwhile.



    -- stderr
    error: The plan is refused: its mode is failover (--forbid-failover).
      on:      `plan.json`
      changed: Nothing was changed.
      next:    Change the configuration, then plan and review again.
    ");
    let shown: BTreeSet<&str> = failover.lines().collect();
    let missing = common.iter().filter(|line| !shown.contains(*line));
    assert_snapshot!(missing.copied().collect::<Vec<_>>().join("\n"), @r"
    **Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)**: 8 records, 8 variables; findings not known
    - Keep `gigadb-website` serving: resolvers may use the old addresses for as long as the records' TTL.
    - Rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    - Run the data_sync playbook on both bastions now: a databaseReset job still present on `alt-gigadb-website` drops production's database at its next run, at 10:05 UTC, and a sync_dropboxes under way there may write over production's files.
    - Run the playbook that reads `remote_fileserver_hostname` on both sides: its new value takes effect then.
    exit 2
    ");
}

#[test]
fn no_change_and_forgetting() {
    let scene = planned(&assignment("live", Side::Upstream, ""));
    assert_snapshot!(told(&review(&scene, &[])), @r"
    exit 0
    -- stdout
    **Changes no role: live stays with production gigadb-website (Hong Kong)**

    Everything else in this plan: nothing.

    Planned on …
    ");
    plan_json(&scene, "");
    assert_snapshot!(told(&review(&scene, &[])), @r"
    exit 2
    -- stdout
    **Forgets live: its records and variables stay as they are, production stays gigadb-website (Hong Kong)**

    Everything else in this plan: nothing.

    Planned on …

    Digest of the role change: `sha256:…`
    ");
}

/// The lines of a review that tell one role change from another.
fn outline(told: &str) -> String {
    let kept = |line: &&str| {
        line.starts_with("**") || line.starts_with('#') || line.starts_with("<details>")
    };
    told.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

#[test]
fn several_environments_in_one_plan() {
    let both = |live, staging, further: &str| {
        assignment("live", live, "") + &assignment("staging", staging, further)
    };
    let scene = Scene::new();
    scene.configure(&both(Side::Upstream, Side::Upstream, ""));
    let _ = scene.apply().expect(0);
    plan_json(&scene, &both(Side::Alt, Side::Alt, ""));
    let reviewed = review(&scene, &["--require-only-role-change", "--forbid-failover"]).expect(2);
    assert_snapshot!(outline(&reviewed.stdout), @r"
    **Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney); swaps staging: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)**: 16 records, 16 variables; findings not known
    ### live
    <details><summary>8 variables in scope <code>live</code></summary>
    ### staging
    <details><summary>8 variables in scope <code>staging</code></summary>
    ");
    // Each has its own diagram, tables and list of what is due, and one digest holds both.
    for (text, times) in [
        ("```mermaid", 2),
        ("| Hostname |", 2),
        ("| Project |", 2),
        ("Due afterwards:", 2),
        ("Digest of the role change:", 1),
    ] {
        assert_eq!(
            reviewed.stdout.matches(text).count(),
            times,
            "{text}: {reviewed:?}"
        );
    }
    let json = review(&scene, &["--format", "json"]).expect(2);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let changes = json["role_changes"].as_array().unwrap().iter();
    let named: Vec<_> = changes
        .map(|one| {
            (
                one["environment"].as_str().unwrap(),
                one["kind"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(named, [("live", "swap"), ("staging", "swap")]);
    // A policy sees the one that breaks it, whatever stands beside it.
    let failover = both(Side::Alt, Side::Alt, "  mode = \"failover\"");
    plan_json(&scene, &failover);
    let _ = review(&scene, &["--forbid-failover"])
        .expect(1)
        .says(&["fails over staging", "its mode is failover"]);
    let other = review(&scene, &["--format", "json"]).expect(2);
    let other: serde_json::Value = serde_json::from_str(&other.stdout).unwrap();
    assert_ne!(other["digest"], json["digest"]);
}

#[test]
fn a_replacement_forgets_and_adopts() {
    let scene = Scene::new();
    scene.adopt_live();
    let same = assignment("live", Side::Upstream, "");
    let replace = ["-replace=gigadb_role_assignment.live"];
    plan_json_with(&scene, &same, &replace);
    assert_snapshot!(told(&review(&scene, &["--require-only-role-change"])), @r"
    exit 2
    -- stdout
    **Forgets live and adopts it again: production stays gigadb-website (Hong Kong)**

    Everything else in this plan: nothing.

    Planned on …

    Digest of the role change: `sha256:…`
    ");
    // Another environment under the same name of the resource.
    let moved = same.replace("environment = \"live\"", "environment = \"staging\"");
    plan_json(&scene, &moved);
    assert_snapshot!(told(&review(&scene, &[])), @r"
    exit 2
    -- stdout
    **Forgets live and adopts staging as it is: production stays gigadb-website (Hong Kong)**

    | Hostname | From | To | Side | Region |
    |---|---|---|---|---|
    | `bastion-stg.gigadb.host` | as it is | `198.51.100.21` | `gigadb-website` | Hong Kong |
    | `files.staging.gigadb.org` | as it is | `198.51.100.22` | `gigadb-website` | Hong Kong |
    | `portainer.staging.gigadb.org` | as it is | `198.51.100.20` | `gigadb-website` | Hong Kong |
    | `staging.gigadb.org` | as it is | `198.51.100.20` | `gigadb-website` | Hong Kong |
    | `alt-staging.gigadb.host` | as it is | `203.0.113.20` | `alt-gigadb-website` | Sydney |
    | `bastion.alt-staging.gigadb.host` | as it is | `203.0.113.21` | `alt-gigadb-website` | Sydney |
    | `files.alt-staging.gigadb.host` | as it is | `203.0.113.22` | `alt-gigadb-website` | Sydney |
    | `portainer.alt-staging.gigadb.host` | as it is | `203.0.113.20` | `alt-gigadb-website` | Sydney |

    Everything else in this plan: nothing.

    Planned on …

    Digest of the role change: `sha256:…`
    ");
}

#[test]
fn live_findings_hold_what_the_probes_find() {
    let sites = Sites::start().unwrap();
    let world = World::sop().on_loopback();
    sites
        .set([127, 0, 113, 10].into(), Site::of(&["x.org"]))
        .unwrap();
    let scene = Scene::with_world(world);
    scene.adopt_live();
    plan_json(&scene, &assignment("live", Side::Alt, ""));
    let port = sites.port().to_string();
    let file = sites.ca_file().display().to_string();
    let live = |mode| {
        let probes = [
            "--live",
            "--https-check",
            mode,
            "--https-port",
            &port,
            "--https-ca-file",
            &file,
        ];
        review(&scene, &probes)
    };
    let wrong = "`alt-gigadb-website` does not answer for `gigadb.org` as it should: the certificate is for x.org.";
    let _ = live("require")
        .expect(1)
        .says(&["`https-ready` | **error**", wrong]);
    let _ = live("warn")
        .expect(2)
        .says(&["`https-ready` | warning", wrong]);
    let quiet = live("off").expect(2);
    assert!(!quiet.stdout.contains("https-ready"), "{quiet:?}");
}

#[test]
fn adopting_and_preparing() {
    let scene = Scene::new();
    plan_json(&scene, &assignment("live", Side::Upstream, ""));
    let _ = review(&scene, &[])
        .expect(2)
        .says(&["**Adopts live as it is: production stays gigadb-website (Hong Kong)**"]);
    scene.adopt_live();
    let prepare = "  prepare = \"alt-gigadb-website\"";
    plan_json(&scene, &assignment("live", Side::Upstream, prepare));
    let _ = review(&scene, &[]).expect(2).says(&[
        "**Prepares live on alt-gigadb-website (Sydney): writes 0 records and 4 variables, production stays gigadb-website (Hong Kong)**",
    ]);
}

#[test]
fn without_a_topology_there_are_no_regions() {
    let mut scene = planned(&assignment("live", Side::Alt, ""));
    scene.unset("GIGADB_TOPOLOGY");
    std::fs::remove_file(scene.root().join("topology.yaml")).unwrap();
    let _ = review(&scene, &[]).expect(2).says(&[
        "**Swaps live: production gigadb-website to alt-gigadb-website**: 8 records, 8 variables",
    ]);
}

#[test]
fn live_findings_see_what_moved_since_the_plan() {
    let scene = planned(&assignment("live", Side::Alt, ""));
    let _ = review(&scene, &["--live"])
        .expect(2)
        .says(&["Findings (judged now)", "`ttl`"]);
    scene
        .simulator()
        .edit(|world| {
            world.apply(&gigadb_simulator::Edit::SetRecord {
                name: "gigadb.org".to_owned(),
                kind: "A".to_owned(),
                content: "203.0.113.12".to_owned(),
            })
        })
        .unwrap();
    let _ = review(&scene, &["--live"])
        .expect(1)
        .says(&["unchanged-since-plan", "in the way"]);
}

#[test]
fn a_live_review_with_another_topology_says_so() {
    let scene = planned(&assignment("live", Side::Alt, ""));
    let topology = scene.read("topology.yaml");
    for (from, to, said) in [
        ("\n  live:", "\n  alive:", "`live` is not in this topology"),
        ("alt-gigadb-website:", "other-website:", "not one of this"),
    ] {
        scene.write("topology.yaml", &topology.replace(from, to));
        let told = review(&scene, &["--live"]).expect(1);
        told.says(&[
            said,
            "`gigadb_role_assignment.live`",
            "Review it with the topology that it was planned with.",
        ]);
        told.omits(&["--environment"]);
    }
}

#[test]
fn a_plan_file_in_terraforms_own_format_is_named_with_the_command_to_run() {
    let scene = planned(&assignment("live", Side::Alt, ""));
    assert_snapshot!(told(&scene.gigadb_roles(&["review", "tfplan"])), @r"
    exit 1
    -- stderr
    error: This is a plan file in Terraform's own format, not its JSON.
      on:      `tfplan`
      changed: Nothing was changed.
      next:    Run `terraform show -json tfplan | gigadb-roles review -`, in the folder that it was planned in.
    ");
}

#[test]
fn the_json_form_is_as_its_published_schema_says() {
    let scene = planned(&format!(
        "{}{}{OTHER}",
        assignment("live", Side::Alt, ""),
        preflight("")
    ));
    let answer = review(&scene, &["--format", "json"]).expect(2);
    let found: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert!(
        answer.stdout.starts_with("{\n  \"format_version\": 1,"),
        "{answer:?}"
    );
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/review.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&found)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{found:#}");
    let mut wrong = found.clone();
    wrong["role_changes"][0]["kind"] = "dance".into();
    assert!(!validator.is_valid(&wrong));
    assert_eq!(
        found["verdict"],
        "Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)"
    );
    assert_eq!(
        found["role_changes"][0]["hostnames"]
            .as_array()
            .unwrap()
            .len(),
        8
    );
}
