//! What a shell and `man` are given, and the examples that help shows.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::{Command, Output, Stdio},
};

use insta::assert_snapshot;

use crate::endpoints::Machines;
use crate::stage::{Stage, no_secret};

#[path = "../../build/commit.rs"]
mod commit;

/// The commands, as help lists them.
pub(crate) fn commands(stage: &Stage) -> Vec<String> {
    let help = stage.answer(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let commands: Vec<String> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert!(commands.len() >= 7, "{commands:?}");
    commands
}

/// What runs an example other than the program itself; it stands in for other people's programs.
const STAND_INS: [(&str, &str); 6] = [
    (
        "ansible-inventory",
        "[ \"$1\" = -i ] || exit 1; case $2 in */*) exec \"$2\" --list;; esac; echo 'not a path' >&2; exit 1",
    ),
    (
        "ansible-playbook",
        "[ \"$1\" = -i ] && exec gigadb-roles --list",
    ),
    ("aws", "test -n \"$AWS_PROFILE\""),
    (
        "terraform",
        "[ \"$1 $2\" = 'show -json' ] && exec cat plan.json",
    ),
    ("man", "grep -q '^.TH gigadb'"),
    ("run-there.sh", "test -n \"$GIGADB_INFRASTRUCTURE\""),
];

/// What an example needs, by a text that it holds: a command for the shell.
const PREPARED: [(&str, &str); 8] = [
    (
        "gigadb-roles init ",
        "echo PROJECT_VARIABLES_URL=$GITLAB_BASE_URL/projects/gigascience%2Fupstream%2Fgigadb-website/variables > .env",
    ),
    (
        "--write docs/DEPLOYING.md",
        "mkdir docs && printf '<!-- gigadb-roles status live -->\\n<!-- /gigadb-roles status -->\\n' > docs/DEPLOYING.md",
    ),
    (
        "apply swap.json",
        "gigadb-roles plan --environment live --swap --out swap.json > plan.txt || test $? = 2",
    ),
    ("--checkouts", CHECKOUTS),
    ("gigadb-roles review", PLANNED),
    ("gigadb-roles release next", BEGUN),
    ("gigadb-roles release confirm validate-business", DEPLOYED),
    ("gigadb-roles release back", TRADED),
];

/// A release that has begun.
const BEGUN: &str =
    "gigadb-roles release start -e live --process complex --release v4.4.0 > begun.txt";

/// A release that has begun, and roles that somebody has traded since.
const TRADED: &str = "\
gigadb-roles release start -e live --process complex --release v4.4.0 > begun.txt
gigadb-roles swap -e live --yes > traded.txt";

/// A release whose hot standby is deployed.
const DEPLOYED: &str = "\
set -e
export GIGADB_ENVIRONMENT=live
gigadb-roles release start --process complex --release v4.4.0
gigadb-roles release confirm embargo --by 'Grace Example'
for step in pause-sync backup restore deploy-standby; do
  gigadb-roles release next --yes
done";

/// A swap as `terraform show -json` tells it, as far as a review needs.
const PLANNED: &str = "\
cat > plan.json <<END
{\"format_version\":\"1.2\",\"planned_values\":{},\"resource_changes\":[{
\"address\":\"gigadb_role_assignment.live\",\"mode\":\"managed\",\"type\":\"gigadb_role_assignment\",
\"change\":{\"actions\":[\"update\"],
\"before\":{\"environment\":\"live\",\"production\":\"gigadb-website\",\"hot_standby\":\"alt-gigadb-website\",
\"mode\":\"switchover\",\"variables\":{},\"hostnames\":{\"gigadb.org\":{\"role\":\"production\",\"endpoint\":\"web\",
\"zone\":\"gigadb.org\",\"infrastructure\":\"gigadb-website\",\"address\":\"198.51.100.10\"}}},
\"after\":{\"environment\":\"live\",\"production\":\"alt-gigadb-website\",\"hot_standby\":\"gigadb-website\",
\"mode\":\"switchover\",\"variables\":{},\"hostnames\":{\"gigadb.org\":{\"role\":\"production\",\"endpoint\":\"web\",
\"zone\":\"gigadb.org\",\"infrastructure\":\"alt-gigadb-website\",\"address\":\"203.0.113.10\"}}}}}]}
END";

/// Checkouts as the procedure asks for them, at home.
const CHECKOUTS: &str = "\
set -e
for pair in gigadb-upstream:gigadb-website gigadb-alt-upstream:alt-gigadb-website; do
  folder=$HOME/${pair%:*}
  git init --quiet \"$folder\"
  git -C \"$folder\" remote add origin git@github.com:gigascience/gigadb-website.git
  cat > \"$folder/.env\" <<END
REPO_NAME=${pair#*:}
GROUP_VARIABLES_URL=$GITLAB_BASE_URL/groups/gigascience/variables?per_page=100
FORK_VARIABLES_URL=$GITLAB_BASE_URL/groups/3506500/variables
PROJECT_VARIABLES_URL=$GITLAB_BASE_URL/projects/gigascience%2Fupstream%2F${pair#*:}/variables
MISC_VARIABLES_URL=$GITLAB_BASE_URL/projects/gigascience%2Fcnhk-infra/variables
GITLAB_PRIVATE_TOKEN=anything
END
done";

/// How an example ends, by a text that it holds; all others end with 0.
const EXPECTED: [(&str, i32); 12] = [
    // It is interrupted: records are kept for minutes.
    ("gigadb-roles watch ", 130),
    ("gigadb-roles review ", 2),
    ("gigadb-roles plan ", 2),
    // A person has to act first.
    ("gigadb-roles release next", 2),
    // There is no release to finish.
    ("gigadb-roles release finish", 1),
    // There is nobody to ask.
    ("gigadb-roles failover --environment live", 64),
    ("gigadb-roles swap --environment live", 64),
    // The topology leaves SSH to others; with real SSH servers, these are in ansible/tests/test_known_hosts.py.
    ("gigadb-roles known-hosts", 1),
    // The topology has no lock.
    ("gigadb-roles unlock gigadb-1:", 1),
    // There is no such run.
    ("gigadb-roles resume 20261122T093000123Z-live-0a1b", 1),
    ("gigadb-roles revert 20261122T093000123Z-live-0a1b", 1),
    ("gigadb-roles revert --last", 1),
];

/// Runs a line as a person would type it, in a stage of its own.
fn typed(line: &str) -> Output {
    // What asks machines finds them on loopback.
    let asks = ["gigadb-roles verify ", "gigadb-roles watch "];
    let (stage, _sites) = if asks.iter().any(|command| line.contains(command)) {
        let Machines { stage, sites } = Machines::new("[]", "[]", "", 1);
        let authority = sites.ca_file().to_str().unwrap().to_owned();
        (stage.with("SSL_CERT_FILE", &authority), Some(sites))
    } else if line.contains("gigadb-roles release ") {
        (crate::release::stage(), None)
    } else {
        (Stage::sop(), None)
    };
    let programs = stage.folder().join("programs");
    fs::create_dir(&programs).unwrap();
    symlink(
        env!("CARGO_BIN_EXE_gigadb-roles"),
        programs.join("gigadb-roles"),
    )
    .unwrap();
    for (name, script) in STAND_INS {
        let file = programs.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    symlink(
        programs.join("run-there.sh"),
        stage.folder().join("run-there.sh"),
    )
    .unwrap();
    let shell = |script: &str| {
        Command::new("bash")
            .args(["-o", "pipefail", "-c", script])
            .env_clear()
            .envs(&stage.environment)
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("CI_API_V4_URL", stage.simulator.gitlab_url())
            .env("CI_PROJECT_ID", gigadb_simulator::world::PROJECT)
            .env("CI_MERGE_REQUEST_IID", "7")
            .current_dir(stage.folder())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    for (text, preparation) in PREPARED {
        if line.contains(text) {
            let output = shell(preparation);
            assert!(output.status.success(), "{line}: {}", stage.told(&output));
        }
    }
    let interrupted = "timeout --preserve-status --signal=INT 2 gigadb-roles watch ";
    let output = shell(&line.replace("gigadb-roles watch ", interrupted));
    no_secret(&output);
    output
}

#[test]
fn every_example_of_help_does_what_it_shows() {
    let stage = Stage::sop();
    let mut pages = vec![stage.answer(&["--help"])];
    for command in commands(&stage) {
        pages.push(stage.answer(&[&command, "--help"]));
    }
    for page in pages {
        let (_, examples) = page.split_once("Examples:\n").expect("help has examples");
        let examples = examples.lines().map_while(|line| line.strip_prefix("  "));
        for line in examples {
            let expected = EXPECTED
                .iter()
                .find(|(text, _)| line.contains(text))
                .map_or(0, |(_, code)| *code);
            let output = typed(line);
            assert_eq!(
                output.status.code(),
                Some(expected),
                "{line}: {}",
                stage.told(&output)
            );
        }
    }
}

#[test]
fn every_shell_has_a_script_that_asks_the_program() {
    let stage = Stage::sop();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stage.answer(&["completions", shell]);
        assert!(
            script.contains("GIGADB_ROLES_COMPLETE"),
            "{shell}: {script}"
        );
        assert!(script.contains("gigadb-roles"), "{shell}");
    }
    assert!(stage.simulator.requests().is_empty());
}

/// What bash offers for the last of these words.
pub(crate) fn offered_by_bash(stage: &Stage, words: &str) -> String {
    let bin = stage.folder().join("bin");
    fs::create_dir_all(&bin).unwrap();
    let _ = symlink(env!("CARGO_BIN_EXE_gigadb-roles"), bin.join("gigadb-roles"));
    let line = format!(
        "source <(gigadb-roles completions bash); COMP_WORDS=({words}); \
         COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMP_LINE='{words}'; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9; \
         set -- $(complete -p gigadb-roles); while [ \"$1\" != -F ]; do shift; done; \
         \"$2\" gigadb-roles \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash")
        .args(["-c", &line])
        .env_clear()
        .envs(&stage.environment)
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .current_dir(stage.folder())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stage.told(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn bash_completes_commands_options_and_values() {
    let stage = Stage::sop();
    let offered = |words: &str| offered_by_bash(&stage, words);
    assert_eq!(offered("gigadb-roles sta"), "status");
    assert_eq!(offered("gigadb-roles help sta"), "status");
    assert_eq!(offered("gigadb-roles status --env"), "--environment");
    assert_eq!(
        offered("gigadb-roles status --format ''"),
        "text json markdown html prometheus"
    );
    assert_eq!(
        offered("gigadb-roles swap --environment ''"),
        "live staging"
    );
    assert_eq!(offered("gigadb-roles plan -e l"), "live");
    assert_eq!(
        offered("gigadb-roles failover --production ''"),
        "alt-gigadb-website gigadb-website"
    );
    assert_eq!(
        offered("gigadb-roles plan --mode ''"),
        "switchover failover"
    );
    assert_eq!(
        offered("gigadb-roles plan --https-check ''"),
        "require warn off"
    );
    assert_eq!(offered("gigadb-roles plan --on-failure ''"), "revert stop");
    assert_eq!(
        offered("gigadb-roles exec --role ''"),
        "production hot_standby"
    );
    assert_eq!(offered("gigadb-roles plan --override kno"), "known-address");
    assert!(stage.simulator.requests().is_empty());
    assert!(offered("gigadb-roles revert ''").starts_with("--last "));
    stage.answer(&crate::runs::SWAP);
    let revert = offered("gigadb-roles revert ''");
    assert!(revert.starts_with(&stage.last_run()), "{revert}");
    assert_eq!(offered("gigadb-roles resume 2"), stage.last_run());
}

/// One of the values that are offered for an option or argument of this name.
const OFFERED: [(&str, &str); 9] = [
    ("ENVIRONMENT", "live"),
    ("INFRASTRUCTURE", "alt-gigadb-website"),
    ("ROLE", "hot_standby"),
    ("RULE", "known-address"),
    ("MODE", ""),
    ("POLICY", "revert"),
    ("PROCESS", "complex"),
    ("WHAT", "consistent"),
    ("FORMAT", "text"),
];

/// Every option whose value is one of few is offered them, in every command.
#[test]
fn every_option_with_few_values_is_offered_them() {
    let stage = Stage::sop();
    let parts = ["start", "status", "next", "confirm", "back", "finish"];
    let parts = parts.map(|part| format!("release {part}"));
    let mut asked = 0;
    for command in commands(&stage).into_iter().chain(parts) {
        let words: Vec<&str> = command.split(' ').collect();
        let help = stage.answer(&[&words[..], &["--help"]].concat());
        for line in help.lines().map(str::trim) {
            let Some((option, rest)) = line.split_once(" <") else {
                continue;
            };
            let option = option.rsplit(", ").next().unwrap();
            let value = rest.split('>').next().unwrap();
            let known = OFFERED.iter().find(|(name, _)| *name == value);
            let (Some((_, expected)), true) = (known, option.starts_with("--")) else {
                continue;
            };
            let typed = [&["--", "gigadb-roles"][..], &words, &[option, ""]].concat();
            let output = stage
                .command(&typed)
                .env("GIGADB_ROLES_COMPLETE", "fish")
                .output()
                .unwrap();
            let offered = String::from_utf8(output.stdout).unwrap();
            let first = offered.lines().next().unwrap_or_default();
            assert!(
                offered.contains(expected) && !first.is_empty(),
                "{command} {option}: {offered}"
            );
            asked += 1;
        }
    }
    assert!(asked > 40, "{asked}");
    let steps = offered_by_bash(&stage, "gigadb-roles release confirm validate");
    assert_eq!(steps, "validate-business validate-technical");
    let guides = offered_by_bash(&stage, "gigadb-roles guide inc");
    assert_eq!(guides, "incident-failover");
}

/// Zsh and fish ask the program in the same way, and show why a value is offered.
#[test]
fn zsh_and_fish_are_told_values_with_what_they_are() {
    let stage = Stage::sop();
    let asked = |shell: &str, index: &str| {
        let words = ["gigadb-roles", "failover", "--production", ""];
        let output = stage
            .command(&[&["--"][..], &words].concat())
            .env("GIGADB_ROLES_COMPLETE", shell)
            .env("_CLAP_COMPLETE_INDEX", index)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stage.told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["zsh", "fish"] {
        let told = asked(shell, "3");
        assert!(told.contains("alt-gigadb-website"), "{shell}: {told}");
        assert!(told.contains("ap-southeast-2"), "{shell}: {told}");
    }
}

#[test]
fn a_shell_or_a_page_that_is_not_there_is_usage() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["completions", "tcsh"]), @r"
    exit 64
    -- stderr
    error: Invalid value 'tcsh' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]
      on:      the command line
      changed: Nothing was changed.
      next:    A similar value exists: 'zsh'. Correct it, and run the command again; --help shows all that it takes.
    ");
    assert_snapshot!(stage.run(&["man", "statsu"]), @r"
    exit 64
    -- stderr
    error: There is no command `statsu`.
      on:      the command line
      changed: Nothing was changed.
      next:    Did you mean `status`? Run `gigadb-roles --help` to see the commands.
    ");
    assert_snapshot!(stage.run(&["completions", "bash", "--format", "json"]), @r#"
    exit 64
    -- stdout
    {
      "format_version": 1,
      "error": {
        "what": "`completions` has no JSON form.",
        "object": "--format",
        "changed": "Nothing was changed.",
        "next": "Leave it out."
      },
      "exit_code": 64
    }
    -- stderr
    error: `completions` has no JSON form.
      on:      --format
      changed: Nothing was changed.
      next:    Leave it out.
    "#);
}

#[test]
fn every_command_has_a_page_with_its_options_and_examples() {
    let stage = Stage::sop();
    assert_snapshot!(stage.run(&["man", "--out", "man/man1"]).replace(&(commands(&stage).len() + 1).to_string(), "N"), @r"
    exit 0
    -- stdout
    Wrote N man pages to `man/man1`.
    ");
    let folder = stage.folder().join("man/man1");
    let main = fs::read_to_string(folder.join("gigadb-roles.1")).unwrap();
    assert_eq!(main, stage.answer(&["man"]));
    for code in ["64 usage", "130 interrupted", "GIGADB_TOPOLOGY"] {
        assert!(main.contains(code), "{main}");
    }
    for command in commands(&stage) {
        let page = fs::read_to_string(folder.join(format!("gigadb-roles-{command}.1"))).unwrap();
        assert_eq!(page, stage.answer(&["man", &command]));
        assert!(page.contains("Examples:"), "{command}");
        assert!(main.contains(&format!(
            "gigadb\\-roles\\-{}(1)",
            command.replace('-', "\\-")
        )));
    }
    let pages = fs::read_dir(folder).unwrap().count();
    assert_eq!(pages, commands(&stage).len() + 1);
}

#[test]
fn pages_that_cannot_be_written_are_a_failure() {
    let stage = Stage::sop();
    stage.write("file", "");
    assert_snapshot!(stage.run(&["man", "--out", "file/man1"]), @r"
    exit 1
    -- stderr
    error: The man pages could not be written: Not a directory (os error 20).
      on:      `file/man1`
      changed: Nothing was changed.
      next:    Name a folder that you may write to.
    ");
}

#[test]
fn the_version_names_the_commit() {
    let version = Stage::sop().answer(&["--version"]);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // As the program was built, so the test was.
    let given = option_env!("GIGADB_COMMIT").filter(|text| !text.trim().is_empty());
    let commit = given
        .map(|text| text.trim().to_owned())
        .or_else(|| commit::of(&root));
    let number = env!("CARGO_PKG_VERSION");
    let expected = match commit {
        Some(commit) => format!("gigadb-roles {number} ({commit})"),
        None => format!("gigadb-roles {number}"),
    };
    assert_eq!(version.trim(), expected);
}

#[test]
fn a_folder_that_is_no_checkout_has_no_commit() {
    let stage = Stage::sop();
    let run = |arguments: &[&str]| {
        let git = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
            .args(arguments)
            .current_dir(stage.folder())
            .env_clear()
            .envs(&stage.environment)
            .output()
            .unwrap();
        assert!(git.status.success(), "{}", stage.told(&git));
        String::from_utf8(git.stdout).unwrap().trim().to_owned()
    };
    let inside = stage.folder().join("unpacked");
    fs::create_dir(&inside).unwrap();
    assert_eq!(commit::of(&inside), None);
    run(&["init", "--quiet"]);
    assert_eq!(commit::of(stage.folder()), None);
    run(&["commit", "--quiet", "--allow-empty", "--message", "First"]);
    let first = run(&["rev-parse", "--short=12", "HEAD"]);
    assert_eq!(commit::of(stage.folder()), Some(first));
    assert_eq!(commit::of(&inside), None);
    let watched = commit::watched(stage.folder());
    assert!(watched.len() >= 2, "{watched:?}");
    assert!(watched.iter().all(|file| file.is_file()), "{watched:?}");
}
