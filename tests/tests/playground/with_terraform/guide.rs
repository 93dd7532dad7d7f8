//! `docs/guides/playground.md` does what it shows, block by block, and other guides can be followed there.

use std::{fs, os::unix::fs::symlink};

use gigadb_tests::{
    guide::{blocks, page, patched, without},
    programs,
};

use crate::{Said, said, simulator};

#[test]
fn every_block_of_the_guide_does_what_it_says() {
    let player = Player::new();
    let blocks = blocks(&page("playground.md"));
    let (outside, inside): (Vec<_>, Vec<_>) = blocks
        .iter()
        .filter(|block| block.language == "sh")
        .partition(|block| block.text.starts_with("gigadb-simulator"));
    assert_eq!((outside.len(), inside.len()), (2, 7), "blocks came or went");
    let outside: Vec<_> = outside.iter().map(|block| block.text.as_str()).collect();
    assert!(outside[0].starts_with("gigadb-simulator play ~/playground\n"));
    assert!(outside[1].starts_with("gigadb-simulator drill region-down\n"));

    let script: String = inside.iter().map(|block| block.text.as_str()).collect();
    player.runs(&script).tells(&[
        "production   gigadb-website",
        "220 A simulated file server",
        "Apply complete!",
        "production   alt-gigadb-website",
    ]);
    let lock = player.0.path().join("playground/.terraform.lock.hcl");
    assert!(lock.is_file(), "nothing was installed");
}

/// Answers what a person at a terminal would be asked, and takes the exit codes that say "something is to be changed".
const AT_THE_TERMINAL: &str = r#"
gigadb-roles() {
    case "$1 $2" in "release next") set -- "$@" --yes --interval 0.05 ;; esac
    command gigadb-roles "$@" || { code=$?; test $code -eq 2 || return $code; }
}
terraform() {
    command terraform "$@" || { code=$?; case "$*" in *-detailed-exitcode*) test $code -eq 2 ;; *) return $code ;; esac; }
}
ansible-playbook() { test "$1" = gigascience.gigadb.data_sync; }
export TF_CLI_ARGS_apply=-auto-approve
"#;

/// Somebody who follows guides in one playground, one after the other.
struct Player(tempfile::TempDir);

impl Player {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // OpenTofu answers to the other's name as well.
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(programs::terraform(), bin.join("terraform")).unwrap();
        Self(folder)
    }

    /// Runs lines in the playground; it outlasts them.
    fn runs(&self, script: &str) -> Said {
        let script = format!("{AT_THE_TERMINAL}{script}");
        let words = [
            "play",
            "playground",
            "--latency",
            "0",
            "--",
            "bash",
            "-e",
            "-o",
            "pipefail",
            "-c",
        ];
        let mut command = simulator(self.0.path(), &[&words[..], &[script.as_str()]].concat());
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.0.path().join("bin");
        command.env("PATH", format!("{}:{path}", bin.display()));
        let said = said(command);
        said.expect(0);
        said
    }

    fn edits(&self, name: &str, edit: impl FnOnce(&str) -> String) {
        let file = self.0.path().join("playground").join(name);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, edit(&text)).unwrap();
    }

    /// Follows a page, block by block.
    fn follows(&self, page: &str) {
        let mut lines = String::new();
        for block in blocks(page) {
            match block.language.as_str() {
                "sh" => lines += &block.text,
                // The tokens are set in the playground.
                "shell" if block.text.contains("export CLOUDFLARE_API_TOKEN=...") => {}
                "shell" => lines += &block.text,
                "diff" => {
                    let _ = self.runs(&std::mem::take(&mut lines));
                    self.edits("main.tf", |text| patched(text, &block.text));
                }
                "yaml" => {
                    let _ = self.runs(&std::mem::take(&mut lines));
                    self.edits("topology.yaml", |text| format!("{text}\n{}", block.text));
                }
                other => panic!("nobody knows how to run {other:?}"),
            }
        }
        let _ = self.runs(&lines);
    }

    #[track_caller]
    fn is_production(&self, side: &str) {
        let line = format!("production   {side}\n");
        let told = self.runs("gigadb-roles status --environment live");
        told.tells(&[line.trim_end()]);
    }
}

/// What the other guides need beside a playground is said in `playground.md`: the tests of the collection follow the
/// release and the incident with the real Ansible, and the acceptance tests follow the rest.
#[test]
fn a_release_is_practised_and_taken_back_in_the_playground() {
    let player = Player::new();
    let _ = player.runs("terraform init; terraform apply");
    let commands = blocks(&page("playground.md"));
    let commands = commands.iter().find(|one| one.language == "yaml").unwrap();
    let guide = without(&page("blue-green-release.md"), &["A:", "Out of reach"]);
    let once = blocks(&guide)
        .into_iter()
        .find(|one| one.language == "yaml");
    // Where the sites listen at the port that probes ask, no person's word is needed.
    let guide = guide
        .replace(&once.unwrap().text, &commands.text)
        .replace("-e live # probe\n", "-e live || true # probe\n")
        .replace(
            "with curl from the office\"\n",
            "with curl from the office\" || true\n",
        );
    player.follows(&guide);
    player.is_production("gigadb-website");
    player
        .runs("gigadb-roles release status -e live; terraform plan")
        .tells(&["No changes"]);
}

#[test]
fn guides_are_followed_one_after_the_other_in_one_playground() {
    let player = Player::new();
    player.follows(&page("first-swap.md"));
    player.is_production("alt-gigadb-website");
    player.follows(&without(
        &page("rollback.md"),
        &["After a swap by `gigadb-roles`"],
    ));
    player.is_production("gigadb-website");
    let _ = player.runs("gigadb-roles swap --environment live --yes");
    player.follows(&without(
        &page("rollback.md"),
        &["After a swap by Terraform"],
    ));
    player.is_production("gigadb-website");
    player.follows(&page("simple-release.md"));
    player.is_production("gigadb-website");
    player.runs("terraform plan").tells(&["No changes"]);
}
