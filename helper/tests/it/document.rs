//! `status --write` and `--check`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use gigadb_simulator::{Api, Effect, Fault, world};
use insta::assert_snapshot;

use crate::stage::Stage;

const DOCUMENT: &str = "# Deploying\r\n\n<!-- gigadb-roles status live -->\nold\n<!-- /gigadb-roles status -->\nno line break at the end";

#[test]
fn the_table_is_written_and_then_checked() {
    let stage = Stage::sop();
    let file = stage.write("sop.md", DOCUMENT);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    assert_snapshot!(stage.run(&["status", "--check", "sop.md"]), @"
    exit 2
    -- stdout
    | Gitlab project     | AWS profile | Local checkout name | AWS region     | current role       | current release         | status     |
    |--------------------|-------------|---------------------|----------------|--------------------|-------------------------|------------|
    | alt-gigadb-website | UpstreamAlt | gigadb-alt-upstream | ap-southeast-2 | hot stand-by       | v0337-alt-upstream-beta | consistent |
    | gigadb-website     | Upstream    | gigadb-upstream     | ap-east-1      | current production | v4.3.4                  | consistent |
    -- stderr
    note: `sop.md` shows another status of `live` than this. Run `gigadb-roles status --environment live --write sop.md`.
    ");
    assert_eq!(fs::read_to_string(&file).unwrap(), DOCUMENT);
    assert_snapshot!(stage.run(&["status", "--write", "sop.md"]), @"
    exit 0
    -- stdout
    Wrote the status of `live` to `sop.md`.
    ");
    let table = stage.answer(&["status", "--format", "markdown"]);
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written, DOCUMENT.replace("old\n", &table));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o664);
    assert_snapshot!(stage.run(&["status", "--check", "sop.md"]), @"
    exit 0
    -- stdout
    `sop.md` shows the status of `live`.
    ");
    assert_snapshot!(stage.run(&["status", "--write", "sop.md"]), @"
    exit 0
    -- stdout
    `sop.md` shows the status of `live` already.
    ");
    stage.trade_records();
    let after = stage.output(&["status", "--check", "sop.md"]);
    assert_eq!(after.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn a_link_stays_a_link_and_nothing_is_left_beside_it() {
    let stage = Stage::sop();
    fs::create_dir(stage.folder().join("docs")).unwrap();
    let file = stage.write("docs/sop.md", DOCUMENT);
    let link = stage.folder().join("link.md");
    symlink(&file, &link).unwrap();
    stage.answer(&["status", "--write", "link.md"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(!fs::read_to_string(&file).unwrap().contains("old"));
    let beside = fs::read_dir(stage.folder().join("docs")).unwrap();
    assert_eq!(beside.count(), 1);
}

#[test]
fn a_document_without_a_place_is_refused_before_anything_is_read() {
    let stage = Stage::sop();
    stage.write("none.md", "# Deploying\n");
    stage.write("open.md", "a\n<!-- gigadb-roles status live -->\n");
    assert_snapshot!(stage.run(&["status", "--write", "none.md"]), @"
    exit 1
    -- stderr
    error: The document has no place for the table: it has no marker `<!-- gigadb-roles status live -->`.
      on:      `none.md`
      changed: Nothing was changed.
      next:    Have one pair of lines, `<!-- gigadb-roles status live -->` and `<!-- /gigadb-roles status -->`, where the table belongs.
    ");
    assert_snapshot!(stage.run(&["status", "--check", "open.md"]), @"
    exit 1
    -- stderr
    error: The document has no place for the table: the marker on line 2 is not closed by `<!-- /gigadb-roles status -->`.
      on:      `open.md`
      changed: Nothing was changed.
      next:    Have one pair of lines, `<!-- gigadb-roles status live -->` and `<!-- /gigadb-roles status -->`, where the table belongs.
    ");
    assert_snapshot!(stage.run(&["status", "--check", "missing.md"]), @"
    exit 1
    -- stderr
    error: The document could not be read: No such file or directory (os error 2).
      on:      `missing.md`
      changed: Nothing was changed.
      next:    Name a document that you may read.
    ");
    let json = ["status", "--check", "none.md", "--format", "json"];
    assert_eq!(stage.output(&json).status.code(), Some(64));
    let both = ["status", "--check", "none.md", "--write", "none.md"];
    assert_eq!(stage.output(&both).status.code(), Some(64));
    assert!(stage.simulator.requests().is_empty());
}

#[test]
fn a_document_stays_as_it_is_where_roles_cannot_be_read() {
    let stage = Stage::sop().with("CLOUDFLARE_API_TOKEN", world::CLOUDFLARE_REVOKED_TOKEN);
    let file = stage.write("sop.md", DOCUMENT);
    let output = stage.output(&["status", "--write", "sop.md"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), DOCUMENT);
}

/// What could not be read is no other status, and takes the place of none.
#[test]
fn a_table_is_neither_compared_nor_written_without_what_it_shows() {
    let cases = [
        (
            Api::Gitlab,
            "",
            "GitLab did not tell the release of `gigadb-website` in `live`",
        ),
        (
            Api::Gitlab,
            "deployments",
            "GitLab did not tell the release of `gigadb-website` in `live`",
        ),
        (
            Api::Gitlab,
            "variables",
            "4 variables of `gigadb-website` could not be read: ",
        ),
        (Api::Ec2, "", "EC2 of `gigadb-website` could not be read: "),
    ];
    for (api, path, why) in cases {
        let stage = Stage::sop();
        let file = stage.write("sop.md", DOCUMENT);
        stage.answer(&["status", "--write", "sop.md"]);
        let written = fs::read_to_string(&file).unwrap();
        fs::remove_dir_all(stage.folder().join(".cache")).ok();
        let fault = Fault::new(Effect::BadGateway).api(api).path_contains(path);
        stage.simulator.fault(fault.always());
        for (option, what) in [("--check", "compared"), ("--write", "written")] {
            let told = stage.run(&["status", option, "sop.md"]);
            assert!(told.starts_with("exit 1\n"), "{option} {why}: {told}");
            let said = format!("error: The table could not be {what}: ");
            assert!(told.contains(&said) && told.contains(why), "{why}: {told}");
            assert_eq!(
                fs::read_to_string(&file).unwrap(),
                written,
                "{option} {why}"
            );
        }
    }
}
