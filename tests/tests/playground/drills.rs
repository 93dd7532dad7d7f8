//! Every drill can be won with the shipped helper, and lost.

use crate::{Said, said, simulator};

/// Runs a drill whose operator types these lines.
fn drill(name: &str, lines: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["drill", name, "--latency", "0", "--", "bash", "-c", lines];
    said(simulator(folder.path(), &arguments))
}

#[track_caller]
fn won(name: &str, lines: &str) -> Said {
    let said = drill(name, lines);
    said.expect(0).tells(&[
        &format!("[drill] {name}"),
        "every name right",
        "The world is right again after",
    ]);
    assert!(!said.stderr.contains("still wrong"), "{}", said.stderr);
    said
}

const FAILOVER: &str = "gigadb-roles failover --environment live --production alt-gigadb-website --https-check off --yes";

#[test]
fn region_down() {
    won("region-down", FAILOVER).tells(&["03:12  gigadb.org does not answer"]);
}

/// The edge is there still, and says that the machine behind it is not.
#[test]
fn what_is_lost_does_not_answer_until_the_roles_are_traded() {
    let verify = "gigadb-roles verify --environment live";
    let said = won("region-down", &format!("{verify}; {FAILOVER}; {verify}"));
    said.tells(&["it answers with status 521", "`bastion.gigadb.org` by ssh"]);
    let mut lines = said.stdout.lines().rev();
    let last = lines.find(|line| line.starts_with("gigadb.org ")).unwrap();
    assert!(last.contains("status 200"), "{}", said.stdout);
}

#[test]
fn gitlab_down() {
    // What the first run owes, the second settles once GitLab is back.
    won("gitlab-down", &format!("{FAILOVER}; sleep 1; {FAILOVER}"))
        .tells(&["GitLab answers again"]);
}

#[test]
fn late_answer() {
    // However the first run ends: once nothing is open any more, asking again leads there.
    let lines = "for time in 1 2 3 4 5 6; do \
                   gigadb-roles plan --environment live --production alt-gigadb-website --out p.json && break; \
                   gigadb-roles apply p.json; rm -f p.json; sleep 5; \
                 done";
    won("late-answer", lines);
}

#[test]
fn second_operator() {
    // Refused, told who is at it, and then it is done already.
    let lines = "gigadb-roles swap --environment live --yes; \
                 until gigadb-roles status --environment live | grep 'production *alt-gigadb-website'; do sleep 1; done; \
                 sleep 1";
    won("second-operator", lines).tells(&["bob"]);
}

#[test]
fn stale_lease() {
    let lines = "gigadb-roles swap --environment live --yes; \
                 gigadb-roles unlock gigadb-1:20261122T093000123Z-live-0a1b:old-bastion:4242:1a2b-3c-99:rehearsal --yes; \
                 gigadb-roles swap --environment live --yes";
    won("stale-lease", lines);
}

#[test]
fn token_ended() {
    let lines = "gigadb-roles swap --environment live --yes; \
                 export CLOUDFLARE_API_TOKEN=$(cat new-cloudflare-token); \
                 gigadb-roles swap --environment live --yes";
    won("token-ended", lines);
}

#[test]
fn whoever_does_nothing_is_told_what_is_still_wrong() {
    drill("token-ended", "true").expect(1).tells(&[
        "all right          not yet",
        "still wrong: gigadb.org does not lead to 127.0.113.10",
        "still wrong: HOME_URL of gigascience/upstream/gigadb-website is not http://alt-live.gigadb.host",
    ]);
}

#[test]
fn an_unknown_drill_is_answered_with_the_known_ones() {
    let said = drill("region-donw", "true");
    said.expect(2)
        .tells(&["region-down", "second-operator", "token-ended"]);
}
