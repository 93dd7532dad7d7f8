//! However large a file is, reading it takes time in proportion to its size.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use gigadb_engine::topology::Topology;

/// The smallest valid topology.
const SMALL: &str = include_str!("model/small.yaml");

/// Entries of the smaller and of the larger file of one shape.
const FEW: usize = 1_000;
const MANY: usize = FEW * TIMES;
const TIMES: usize = 8;

/// The larger file may take this many times longer than the smaller: three times more than it has
/// of entries, where comparing everything with everything would take `TIMES * TIMES`.
const AT_MOST: u32 = 24;

/// What is read within this time is not compared: a busy machine alone would decide.
const SOON: Duration = Duration::from_millis(50);

fn entries(n: usize, one: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut all, n| {
        let _ = write!(all, "{}", one(n));
        all
    })
}

fn replaced(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    SMALL.replacen(from, to, 1)
}

const HOSTNAMES: [&str; 2] = [
    "hostnames: { example.org: web }",
    "hostnames: { alt.example.org: web }",
];
const VARIABLES: [&str; 2] = [
    "variables: { HOME_URL: https://example.org }",
    "variables: { HOME_URL: https://alt.example.org }",
];

fn in_flow(key: &str, entries: &str) -> String {
    format!("{key}: {{ {entries} }}")
}

fn in_both(places: [&str; 2], to: &str) -> String {
    places.iter().fold(SMALL.to_owned(), |text, place| {
        assert!(text.contains(place), "{place}");
        text.replacen(place, to, 1)
    })
}

fn below(key: &str, entries: &str) -> String {
    format!("{SMALL}{key}:\n{entries}")
}

fn into(key: &str, entries: &str) -> String {
    replaced(&format!("{key}:\n"), &format!("{key}:\n{entries}"))
}

/// A file with `n` of something, under its name.
fn shapes(n: usize) -> Vec<(&'static str, String)> {
    let many = |one: fn(usize) -> String| entries(n, one);
    let hosts = many(|n| format!("h{n}.example.org: web, "));
    let strays = many(|n| format!("h{n}.example.org: wbe, "));
    let values = many(|n| format!("V{n}: https://x{n}.example.org, "));
    vec![
        ("unknown keys", unknown_keys(n)),
        (
            "unknown keys below",
            below("policy", &many(|n| format!("  key{n}: x\n"))),
        ),
        (
            "one key again and again",
            format!("{SMALL}{}", "lock: x\n".repeat(n)),
        ),
        (
            "hostnames",
            replaced(HOSTNAMES[0], &in_flow("hostnames", &hosts)),
        ),
        (
            "hostnames of an endpoint that is not there",
            replaced(HOSTNAMES[0], &in_flow("hostnames", &strays)),
        ),
        (
            "hostnames in both roles",
            in_both(HOSTNAMES, &in_flow("hostnames", &hosts)),
        ),
        (
            "variables of one role",
            replaced(VARIABLES[0], &in_flow("variables", &values)),
        ),
        (
            "variables",
            in_both(VARIABLES, &in_flow("variables", &values)),
        ),
        (
            "endpoints",
            into(
                "endpoints",
                &many(|n| format!("  e{n}: {{ eip: e, instance: i }}\n")),
            ),
        ),
        (
            "infrastructures",
            into(
                "infrastructures",
                &many(|n| {
                    format!(
                        "  i{n}: {{ gitlab_project: g/i{n}, aws: {{ profile: P{n}, region: eu-west-1 }} }}\n"
                    )
                }),
            ),
        ),
        (
            "environments",
            into(
                "environments",
                &many(|n| {
                    format!(
                        "  e{n}: {{ production: {{ hostnames: {{ a{n}.example.org: web }} }}, hot_standby: {{ hostnames: {{ b{n}.example.org: web }} }} }}\n"
                    )
                }),
            ),
        ),
        (
            "resolvers",
            below(
                "resolvers",
                &many(|n| format!("  - 10.{}.{}.{}\n", n >> 16, (n >> 8) & 255, n & 255)),
            ),
        ),
        (
            "webhooks",
            below(
                "notify",
                &many(|n| format!("  - {{ url_variable: V{n} }}\n")),
            ),
        ),
        (
            "acceptances",
            below(
                "accept",
                &many(|n| format!("  - {{ warning: same-region, at: a{n} }}\n")),
            ),
        ),
        (
            "effects of variables",
            below(
                "variables",
                &many(|n| format!("  V{n}: {{ takes_effect: build }}\n")),
            ),
        ),
        (
            "aliases",
            format!("a: &a x\n{}", many(|n| format!("k{n}: *a\n"))),
        ),
        ("anchors", many(|n| format!("k{n}: &a{n} x\n"))),
        ("tags", many(|n| format!("k{n}: !t{n} x\n"))),
        ("brackets", "[".repeat(n)),
        ("braces", "{a: ".repeat(n)),
        (
            "indentation",
            many(|n| format!("{}- a\n", " ".repeat(n % 60))),
        ),
        ("blank lines", "\n".repeat(n)),
        ("one long word", "a".repeat(10 * n)),
        (
            "a long text in quotes",
            format!("a: \"{}\"", "\\n".repeat(n)),
        ),
        ("documents", "---\n".repeat(n)),
        ("comments", format!("{}{SMALL}", "# x\n".repeat(n))),
    ]
}

fn unknown_keys(n: usize) -> String {
    format!("{SMALL}{}", entries(n, |n| format!("key{n}: x\n")))
}

fn time_to_read(text: &str) -> Duration {
    let start = Instant::now();
    match Topology::parse(text) {
        Ok(parsed) => drop(parsed),
        Err(faults) => drop(faults.render("t.yaml", text)),
    }
    start.elapsed()
}

#[test]
fn reading_takes_time_in_proportion_to_the_size() {
    for ((name, few), (_, many)) in shapes(FEW).into_iter().zip(shapes(MANY)) {
        // Another program may have the processor for a while, but hardly each time.
        let in_proportion = (0..4).any(|_| {
            let (short, long) = (time_to_read(&few), time_to_read(&many));
            println!("{name}: {short:.1?} for {FEW}, {long:.1?} for {MANY}");
            long < SOON || long < short * AT_MOST
        });
        assert!(in_proportion, "{name}");
    }
}

/// What was seen in the field: 200,000 unknown keys, for which nobody shall wait. A busy machine
/// needs a few seconds, without optimization.
#[test]
fn two_hundred_thousand_unknown_keys_are_told_soon() {
    let took = time_to_read(&unknown_keys(200_000));
    assert!(took < Duration::from_secs(30), "{took:.0?}");
}
