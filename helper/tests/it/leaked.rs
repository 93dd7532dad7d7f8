//! Rules that hold whatever is waived, known from before, edited or unreadable.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
};

use gigadb_simulator::{Api, Effect, Fault};
use serde_json::Value;

use crate::{
    lease::{hold, locked},
    runs::{FAILOVER, SWAP},
    stage::Stage,
};

/// Writes of records and variables.
fn roles_written(stage: &Stage) -> Vec<String> {
    let requests = stage.simulator.requests();
    requests
        .iter()
        .filter(|r| r.is_write() && !r.path.contains("/terraform/state/"))
        .map(ToString::to_string)
        .collect()
}

#[test]
fn no_override_moves_the_other_names_without_the_apex() {
    let plan = ["plan", "--environment", "live"];
    let plan = [&plan[..], &["--production", "alt-gigadb-website"]].concat();
    for begin in [&plan[..], &FAILOVER[..]] {
        let stage = Stage::sop();
        stage.simulator.edit(|world| {
            let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
            zone.add("AAAA", "gigadb.org", "2001:db8::1");
        });
        let arguments = [begin, &["--override", "single-a-record"]].concat();
        let told = stage.run(&arguments);
        assert!(told.starts_with("exit 1\n"), "{told}");
        assert!(
            told.contains("No override passes this: the name decides who is production."),
            "{told}"
        );
        assert!(!told.contains("production is alt"), "{told}");
        assert_eq!(roles_written(&stage), [""; 0]);
    }
}

/// Lets what is kept of a side say other addresses, read long ago.
fn former_addresses(stage: &Stage, days: u64) {
    let folder = stage.folder().join(".cache/gigadb");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    let mut kept: Value = serde_json::from_str(&text.replace("198.51.100.1", "192.0.2.1")).unwrap();
    for (_, side) in kept["sides"].as_object_mut().unwrap() {
        let read_at = side["read_at"].as_u64().unwrap();
        side["read_at"] = (read_at - days * 86_400).into();
    }
    fs::write(file.path(), kept.to_string()).unwrap();
}

#[test]
fn a_failover_believes_records_and_not_what_was_kept() {
    let stage = Stage::sop();
    stage.answer(&["--list"]);
    former_addresses(&stage, 400);
    let gone = Fault::new(Effect::Refuse).api(Api::Ec2).region("ap-east-1");
    stage.simulator.fault(gone.always());
    let told = stage.run(&FAILOVER);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(
        told.contains("web `198.51.100.10`, read now from the records of `gigadb.org`, `portainer.gigadb.org` (EC2 said 400 days ago: `192.0.2.10`; the records say otherwise, so that is not used)"),
        "{told}"
    );
    let world = stage.simulator.world();
    let records = world.cloudflare.a_records();
    let strangers: Vec<_> = records
        .iter()
        .filter(|(_, content)| content.starts_with("192.0.2.1"))
        .collect();
    assert_eq!(strangers.len(), 0, "{strangers:?}");
}

/// A GitLab in front of the simulator that answers every request for a lock like this.
fn answering_locks(stage: Stage, answer: &'static str) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap();
    let base = stage.environment["GITLAB_BASE_URL"].clone();
    let behind = base.trim_start_matches("http://");
    let (behind, path) = behind.split_once('/').unwrap_or((behind, ""));
    let (behind, path) = (behind.to_owned(), path.to_owned());
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, behind) = (client.unwrap(), behind.clone());
            thread::spawn(move || -> Option<()> {
                let request = request(&mut client)?;
                if request.starts_with(b"POST ") && contains(&request, b"/lock ") {
                    return client.write_all(answer.as_bytes()).ok();
                }
                let mut server = std::net::TcpStream::connect(&behind).ok()?;
                server.write_all(&request).ok()?;
                let mut whole = Vec::new();
                server.read_to_end(&mut whole).ok()?;
                client.write_all(&whole).ok()
            });
        }
    });
    stage.with("GITLAB_BASE_URL", &format!("http://{own}/{path}"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// One request with its body, which asks for the connection to be closed.
fn request(client: &mut impl std::io::Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).ok()?;
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    Some([head.into_bytes(), body].concat())
}

#[test]
fn a_lease_that_is_held_refuses_whatever_the_body_says() {
    for answer in [
        "HTTP/1.1 409 Conflict\r\ncontent-type: application/json\r\ncontent-length: 26\r\nconnection: close\r\n\r\n{\"message\":\"409 Conflict\"}",
        "HTTP/1.1 409 Conflict\r\ncontent-length: 4\r\nconnection: close\r\n\r\nheld",
        "HTTP/1.1 409 Conflict\r\ncontent-length: 400\r\nconnection: close\r\n\r\n{\"ID\":",
        "HTTP/1.1 423 Locked\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ] {
        for begin in [&SWAP[..], &FAILOVER[..]] {
            let stage = answering_locks(locked(), answer);
            let told = stage.run(begin);
            assert!(told.starts_with("exit 1\n"), "{answer}: {told}");
            assert!(
                told.contains("The lease cannot be taken: the lock is held by somebody."),
                "{answer}: {told}"
            );
            assert!(!told.contains("unlock"), "{told}");
            assert_eq!(roles_written(&stage), [""; 0], "{answer}");
        }
    }
}

/// The lock of another program, such as Terraform's own.
const FOREIGN: &str = "2ca08ea8-52f2-8cd3-0b2c-1e2f2c0a6b5e";

#[test]
fn a_lock_of_another_program_is_never_deleted() {
    let stage = locked();
    hold(&stage);
    stage.simulator.edit(|world| {
        let project = world
            .gitlab
            .project_mut(gigadb_simulator::world::PROJECT)
            .unwrap();
        let state = project
            .terraform_states
            .get_mut("gigadb-roles-live")
            .unwrap();
        state.lock.as_mut().unwrap().id = FOREIGN.to_owned();
    });
    for arguments in [
        &SWAP[..],
        &FAILOVER[..],
        &["unlock", FOREIGN, "--yes"],
        &["check"],
    ] {
        let told = stage.run(arguments);
        assert!(told.starts_with("exit 1\n"), "{told}");
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("Leave it to whoever holds it"), "{told}");
        assert!(!told.contains("roles unlock"), "{told}");
    }
    assert_eq!(crate::lease::holder(&stage).as_deref(), Some(FOREIGN));
    assert_eq!(roles_written(&stage), [""; 0]);
}

/// A swap, whose journal `edit` then changes.
fn edited(edit: impl FnOnce(&str) -> String) -> (Stage, String) {
    let stage = Stage::sop();
    stage.answer(&SWAP);
    let id = stage.last_run();
    let file = stage.journals().join(format!("{id}.jsonl"));
    let text = fs::read_to_string(&file).unwrap();
    let changed = edit(&text);
    assert_ne!(changed, text);
    fs::write(&file, changed).unwrap();
    stage.simulator.clear_requests();
    (stage, id)
}

#[test]
fn a_journal_that_names_other_targets_writes_nothing() {
    type Edit = fn(&str) -> String;
    let edits: [Edit; 4] = [
        |text| text.replacen("\"scope\":\"live\"", "\"scope\":\"staging\"", 1),
        |text| {
            let (ours, other) = ("upstream/gigadb-website\"", "upstream/alt-gigadb-website\"");
            text.replacen(ours, "X", 1)
                .replacen(other, ours, 1)
                .replacen('X', other, 1)
        },
        |text| {
            text.replacen(
                "\"key\":\"REMOTE_HOSTNAME\"",
                "\"key\":\"AWS_ACCESS_KEY_ID\"",
                1,
            )
        },
        |text| {
            text.replacen(
                "\"hostname\":\"gigadb.org\"",
                "\"hostname\":\"staging.gigadb.org\"",
                1,
            )
        },
    ];
    for edit in edits {
        let (stage, id) = edited(edit);
        for command in ["revert", "resume"] {
            let told = stage.run(&[command, &id, "--yes", "--override", "permutation"]);
            assert!(told.starts_with("exit 1\n"), "{told}");
            assert!(
                told.contains("The journal names what no plan under this topology writes"),
                "{told}"
            );
            assert!(told.contains("changed: Nothing was changed."), "{told}");
        }
        assert_eq!(roles_written(&stage), [""; 0]);
    }
}

#[test]
fn a_journal_that_puts_a_foreign_value_back_writes_nothing() {
    let (stage, id) =
        edited(|text| text.replace("\"undo\":\"198.51.100.10\"", "\"undo\":\"192.0.2.66\""));
    for waived in [&[][..], &["--override", "permutation"]] {
        let told = stage.run(&[&["revert", &id, "--yes"], waived].concat());
        assert!(told.starts_with("exit 1\n"), "{told}");
        assert!(
            told.contains("The value to put back belongs to neither side: `192.0.2.66`."),
            "{told}"
        );
    }
    assert_eq!(roles_written(&stage), [""; 0]);
}

fn let_others_write(path: &Path) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o022)).unwrap();
}

#[test]
fn what_others_may_write_is_not_acted_on() {
    let stage = Stage::sop();
    let plan = [
        "plan",
        "--environment",
        "live",
        "--swap",
        "--out",
        "swap.json",
    ];
    stage.answer_with(2, &plan);
    let_others_write(&stage.folder().join("swap.json"));
    let told = stage.run(&["apply", "swap.json"]);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(
        told.contains("The plan is not trusted: others may write it (mode 622)."),
        "{told}"
    );
    assert_eq!(roles_written(&stage), [""; 0]);

    stage.answer(&SWAP);
    let id = stage.last_run();
    stage.simulator.clear_requests();
    let file = stage.journals().join(format!("{id}.jsonl"));
    for path in [file, stage.journals()] {
        let before = fs::metadata(&path).unwrap().permissions();
        let_others_write(&path);
        for command in ["revert", "resume"] {
            let told = stage.run(&[command, &id, "--yes"]);
            assert!(told.starts_with("exit 1\n"), "{told}");
            for part in [
                "error: The journal is not trusted: others may write it (mode ",
                "changed: Nothing was changed.",
                "`chmod go-w '",
            ] {
                assert!(told.contains(part), "{part}: {told}");
            }
        }
        fs::set_permissions(&path, before).unwrap();
    }
    // Nor is a journal begun where others may write.
    let_others_write(&stage.journals());
    let told = stage.run(&SWAP);
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(
        told.contains("is not trusted: others may write it"),
        "{told}"
    );
    assert_eq!(roles_written(&stage), [""; 0]);
}

#[test]
fn a_plan_says_that_no_journal_could_be_kept() {
    let stage = Stage::sop();
    let file = stage.write("file", "");
    let stage = stage.with("GIGADB_JOURNAL_DIR", file.join("journal").to_str().unwrap());
    let told = stage.run(&["plan", "--environment", "live", "--swap"]);
    assert!(told.starts_with("exit 2\n"), "{told}");
    assert!(
        told.contains(
            "warning: On this machine a run could keep no journal: `$HOME/file` is not a folder."
        ),
        "{told}"
    );
}
