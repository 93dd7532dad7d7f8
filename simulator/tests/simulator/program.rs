//! The program: its first line, its seed files, its end.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use gigadb_simulator::World;
use gigadb_simulator::world::{ACCESS_KEY_ID_ALT, SECRET_KEY_ALT};
use serde_json::Value;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gigadb-simulator"));
    command.env_clear();
    command
}

#[tokio::test]
async fn it_serves_a_seed_file_until_it_is_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.json");
    let mut world = World::sop();
    world.cloudflare.zones.truncate(1);
    std::fs::write(&seed, world.to_json()).unwrap();
    assert_eq!(World::load(&seed).unwrap(), world);

    let mut child = program()
        .args(["--port", "0", "--latency", "1", "--seed"])
        .arg(&seed)
        .arg("--aws-files")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let url = format!("{}/world", ready["control"].as_str().unwrap());
    let reply = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert_eq!(serde_json::from_str::<World>(&reply).unwrap(), world);
    let credentials = std::fs::read_to_string(folder.path().join("credentials")).unwrap();
    assert!(credentials.contains(&format!(
        "[UpstreamAlt]\naws_access_key_id={ACCESS_KEY_ID_ALT}\naws_secret_access_key={SECRET_KEY_ALT}\n"
    )));
    let config = std::fs::read_to_string(folder.path().join("config")).unwrap();
    assert!(config.contains("[profile Upstream]\nregion=ap-east-1\n"));

    let ended = Command::new("kill").arg(child.id().to_string()).status();
    assert!(ended.unwrap().success());
    assert!(
        child.wait().unwrap().success(),
        "SIGTERM is an ordinary end"
    );
}

#[test]
fn it_prints_the_seed_it_would_serve() {
    let output = program().arg("--print-seed").output().unwrap();
    let world: World = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(world, World::sop());
}

#[test]
fn a_bad_seed_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("bad.json");
    std::fs::write(&seed, "{\n  \"clouds\": []\n}").unwrap();
    let output = program().arg("--seed").arg(&seed).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("bad.json does not describe a world"),
        "{text}"
    );
    assert!(text.contains("line 2 column 10"), "{text}");
    let missing = program().args(["--seed", "/no/such"]).output().unwrap();
    let text = String::from_utf8(missing.stderr).unwrap();
    assert!(text.contains("cannot read seed file /no/such"), "{text}");
}

#[test]
fn the_documented_seed_is_a_world() {
    let text = include_str!("../../README.md");
    let (_, rest) = text.split_once("```json\n").unwrap();
    let (seed, _) = rest.split_once("```").unwrap();
    let world: World = serde_json::from_str(seed).unwrap();
    assert_eq!(world.cloudflare.a_records(), [("example.org", "192.0.2.1")]);
    assert_eq!(
        world
            .aws
            .region("us-east-1")
            .unwrap()
            .addresses_named("web")
            .len(),
        1
    );
}
