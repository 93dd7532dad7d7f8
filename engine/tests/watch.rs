//! A cutover that is followed, on a clock that is stepped by hand.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

use std::collections::{BTreeMap, BTreeSet};

use gigadb_engine::{
    answer::Answered,
    name::{Hostname, InfrastructureName},
    topology::Protocol,
    watch::{Event, Goal, NameGoal, Phase, Said, Watch, Who},
};

const NEW: &str = "203.0.113.10";
const OLD: &str = "198.51.100.10";
const START: u64 = 86_400 * 20_000 + 20 * 3600;

fn name() -> Hostname {
    "gigadb.org".parse().unwrap()
}

fn side(text: &str) -> InfrastructureName {
    text.parse().unwrap()
}

/// A watch of one name whose record may be kept for 300 s; it is given up after an hour.
struct Stage {
    watch: Watch,
    now: u64,
}

impl Stage {
    fn new() -> Self {
        let goal = NameGoal {
            endpoint: "web".parse().unwrap(),
            new: NEW.parse().unwrap(),
            old: BTreeMap::from([(OLD.parse().unwrap(), side("hk"))]),
            ttl: 300,
            proxied: false,
            protocols: BTreeSet::from([Protocol::HTTPS]),
        };
        let goal = Goal {
            environment: "live".parse().unwrap(),
            production: side("sydney"),
            names: BTreeMap::from([(name(), goal)]),
        };
        Self {
            watch: Watch::new(goal, START, 3600),
            now: START,
        }
    }

    fn at(mut self, seconds: u64) -> Self {
        self.now = START + seconds;
        self
    }

    fn said(mut self, who: Who, said: Result<(&str, u32), &str>) -> Self {
        let said = said
            .map(|(address, ttl)| Said {
                addresses: address
                    .split_whitespace()
                    .map(|a| a.parse().unwrap())
                    .collect(),
                ttl,
            })
            .map_err(str::to_owned);
        let hostname = name();
        self.watch.hear(
            self.now,
            Event::Said {
                hostname,
                who,
                said,
            },
        );
        self
    }

    fn server(self, server: &str, address: &str) -> Self {
        self.said(Who::Server(server.to_owned()), Ok((address, 300)))
    }

    fn resolver(self, address: &str, ttl: u32) -> Self {
        self.said(Who::Resolver("1.1.1.1".to_owned()), Ok((address, ttl)))
    }

    fn answers(mut self, of: &str, answer: Result<u16, &str>) -> Self {
        let answer = answer
            .map(|status| Answered::Https {
                status,
                days_left: 60,
            })
            .map_err(str::to_owned);
        self.watch.hear(
            self.now,
            Event::Answered {
                hostname: name(),
                side: side(of),
                protocol: Protocol::HTTPS,
                answer,
            },
        );
        self
    }

    fn phase(&self) -> Phase {
        self.watch.standing(self.now).phase
    }

    fn faults(&self) -> String {
        self.watch.standing(self.now).faults.join("\n")
    }
}

const fn after(seconds: u64) -> u64 {
    START + seconds
}

#[test]
fn old_answers_run_out_one_ttl_after_the_servers_agree() {
    let stage = Stage::new().server("ns1", OLD).server("ns2", OLD);
    assert_eq!(stage.phase(), Phase::Moving);
    assert_eq!(stage.faults(), "", "nobody has moved yet");
    let stage = stage.at(10).server("ns1", NEW).server("ns2", OLD);
    assert_eq!(stage.phase(), Phase::Moving);
    insta::assert_snapshot!(stage.faults(), @"name server `ns2` gives 198.51.100.10 (`hk`) for `gigadb.org`");
    let stage = stage.at(20).server("ns1", NEW).server("ns2", NEW);
    assert_eq!(stage.faults(), "");
    assert_eq!(stage.phase(), Phase::RunningOut { until: after(320) });
    let stage = stage.at(319);
    assert_eq!(stage.phase(), Phase::RunningOut { until: after(320) });
    assert_eq!(stage.at(320).phase(), Phase::Over { since: after(320) });
}

#[test]
fn a_server_that_turns_back_begins_it_anew() {
    let stage = Stage::new().server("ns1", NEW).at(100).server("ns1", OLD);
    assert_eq!(stage.phase(), Phase::Moving);
    let stage = stage.at(110).server("ns1", NEW);
    assert_eq!(stage.phase(), Phase::RunningOut { until: after(410) });
}

#[test]
fn a_server_that_is_silent_later_has_not_taken_back_what_it_said() {
    let silent = || Who::Server("ns2".to_owned());
    let never = Stage::new()
        .server("ns1", NEW)
        .said(silent(), Err("is lost"));
    assert_eq!(never.phase(), Phase::Moving);
    insta::assert_snapshot!(never.faults(), @"name server `ns2` is lost for `gigadb.org`");
    let later = Stage::new().server("ns1", NEW).server("ns2", NEW);
    let later = later.at(5).said(silent(), Err("is lost"));
    assert_eq!(later.phase(), Phase::RunningOut { until: after(300) });
}

#[test]
fn a_resolver_may_keep_what_it_has_for_its_ttl() {
    // Its answer is older than the record's present TTL, which was longer once.
    let stage = Stage::new().server("ns1", NEW).resolver(OLD, 900);
    assert_eq!(stage.phase(), Phase::RunningOut { until: after(900) });
    let stage = stage.at(899).resolver(OLD, 1);
    assert_eq!(stage.faults(), "");
    assert_eq!(stage.phase(), Phase::RunningOut { until: after(900) });
    // It is asked once more before it is believed to have forgotten.
    let stage = stage.at(900);
    assert!(matches!(stage.phase(), Phase::Unwell { .. }));
    let stage = stage.at(901).resolver(NEW, 300);
    assert_eq!(stage.phase(), Phase::Over { since: after(900) });
}

#[test]
fn a_resolver_that_lags_is_named_and_given_up() {
    let mut stage = Stage::new().server("ns1", NEW);
    // It makes its old answer younger every time, as one that serves what has expired does.
    for seconds in [10, 100, 200, 290, 299] {
        stage = stage.at(seconds).resolver(OLD, 30);
        assert_eq!(stage.phase(), Phase::RunningOut { until: after(300) });
    }
    let stage = stage.at(301).resolver(OLD, 30);
    assert_eq!(stage.phase(), Phase::Unwell { until: after(360) });
    insta::assert_snapshot!(stage.faults(), @"resolver `1.1.1.1` gives 198.51.100.10 (`hk`) for `gigadb.org`, which it should have forgotten by 20:05:00 UTC");
    let wrong = stage.at(360).resolver(OLD, 30);
    assert_eq!(wrong.phase(), Phase::Wrong);
    let forgot = wrong.at(361).resolver(NEW, 300);
    assert_eq!(forgot.phase(), Phase::Over { since: after(300) });
}

#[test]
fn a_resolver_that_does_not_answer_holds_nothing_up() {
    let silent = || Who::Resolver("1.1.1.1".to_owned());
    let stage = Stage::new()
        .server("ns1", NEW)
        .said(silent(), Err("gave no answer"));
    let stage = stage.at(300).said(silent(), Err("gave no answer"));
    assert_eq!(stage.phase(), Phase::Over { since: after(300) });
}

#[test]
fn the_old_side_must_answer_while_somebody_may_be_led_there() {
    let stage = Stage::new().server("ns1", NEW).answers("sydney", Ok(200));
    let stage = stage.answers("hk", Err("connection refused"));
    insta::assert_snapshot!(stage.faults(), @"`hk`, to which some may still be led, does not answer https for `gigadb.org`: connection refused");
    let over = stage.at(300);
    assert_eq!(over.faults(), "", "nobody is led there any more");
    assert_eq!(over.phase(), Phase::Over { since: after(300) });
}

#[test]
fn the_new_side_must_answer_at_the_end() {
    let stage = Stage::new().server("ns1", NEW).answers("sydney", Ok(503));
    assert_eq!(stage.phase(), Phase::RunningOut { until: after(300) });
    insta::assert_snapshot!(stage.faults(), @"`sydney`, where `gigadb.org` shall lead, does not answer https as it should: it answers with status 503");
    let stage = stage.at(310);
    assert_eq!(stage.phase(), Phase::Unwell { until: after(360) });
    assert_eq!(stage.at(360).phase(), Phase::Wrong);
    let well = Stage::new().server("ns1", NEW).answers("sydney", Ok(503));
    let well = well.at(310).answers("sydney", Ok(301));
    assert_eq!(well.phase(), Phase::Over { since: after(300) });
}

#[test]
fn what_never_moves_is_given_up_with_its_reasons() {
    let stage = Stage::new().server("ns1", OLD).server("ns2", "192.0.2.7");
    let stage = stage.at(3599);
    assert_eq!(stage.phase(), Phase::Moving);
    let stage = stage.at(3600);
    assert_eq!(stage.phase(), Phase::Wrong);
    insta::assert_snapshot!(stage.faults(), @"
    name server `ns1` gives 198.51.100.10 (`hk`) for `gigadb.org`
    name server `ns2` gives 192.0.2.7 for `gigadb.org`
    ");
    let unasked = Stage::new().at(3600);
    assert_eq!(unasked.phase(), Phase::Wrong);
    assert!(
        unasked.faults().contains("no server"),
        "{}",
        unasked.faults()
    );
}

#[test]
fn both_addresses_at_once_are_not_the_new_one() {
    let stage = Stage::new().server("ns1", &format!("{NEW} {OLD}"));
    assert_eq!(stage.phase(), Phase::Moving);
    let none = Stage::new().server("ns1", "");
    assert_eq!(none.phase(), Phase::Moving);
}
