//! Production's dumps, as a command of the topology's lists them, and what that says of their age:
//! what would be lost with production's side.
//!
//! The command decides nothing: what is late, fails or makes no sense changes one line.

use std::time::Duration;

use gigadb_clients::command;
use gigadb_engine::{
    foreign::Foreign,
    intent::Arrangement,
    name::EnvironmentName,
    release::Dump,
    topology::{CommandName, Filling, Topology},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long the list is waited for.
const WAIT: Duration = Duration::from_secs(2);

/// A dump as `rclone lsjson` lists it, or with keys in lower case.
#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "Name")]
    name: String,
    #[serde(alias = "ModTime", alias = "Time")]
    time: String,
    /// Negative where the storage does not know it.
    #[serde(alias = "Size")]
    size: i64,
}

/// Whether an entry of such a list is a folder.
#[derive(Deserialize)]
struct Kind {
    #[serde(alias = "IsDir", default)]
    is_dir: bool,
}

/// The newest dump of production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Newest {
    pub(crate) name: String,
    /// RFC 3339, by the storage's clock.
    pub(crate) time: String,
    /// By this machine's clock; negative where the storage's is ahead.
    pub(crate) age_seconds: i64,
    pub(crate) size: u64,
}

/// What is known of production's newest dump; else why it is not known, as a clause.
pub(crate) type Known = Result<Newest, String>;

/// Lists the dumps of `roles.production`; `None` where the topology names no command for it.
pub(crate) async fn list(
    topology: &Topology,
    environment: &EnvironmentName,
    roles: &Arrangement,
    (release, key): (&str, &str),
) -> Option<Result<Vec<Dump>, String>> {
    let filling = Filling {
        key,
        release,
        environment,
        production: &roles.production,
        hot_standby: &roles.hot_standby,
    };
    let named = topology.release.as_ref()?;
    let argv = named.argv(CommandName::Backups, &filling);
    let program = Foreign(argv.first()?).to_string();
    Some(match command::listed(&argv, WAIT).await {
        Err(error) => Err(format!("`{program}` could not be started: {error}")),
        Ok(None) => Err(format!(
            "`{program}` did not end within {} s",
            WAIT.as_secs()
        )),
        Ok(Some(listed)) if listed.code != Some(0) => {
            Err(format!("`{program}` {}", command::ended(listed.code)))
        }
        Ok(Some(listed)) => parsed(&listed.output, &program),
    })
}

fn parsed(output: &[u8], program: &str) -> Result<Vec<Dump>, String> {
    let listed: Result<Vec<serde_json::Value>, _> = serde_json::from_slice(output);
    let listed = listed.map_err(|_| format!("`{program}` wrote no list of dumps"))?;
    let is_folder = |one: &serde_json::Value| Kind::deserialize(one).is_ok_and(|kind| kind.is_dir);
    let dumps = listed.iter().filter(|one| !is_folder(one)).map(|one| {
        let one = Listed::deserialize(one).map_err(|error| {
            format!(
                "`{program}` lists what is no dump: {}",
                Foreign(&error.to_string())
            )
        })?;
        let time: Timestamp = one
            .time
            .parse()
            .map_err(|_| format!("`{program}` lists a dump without a time of RFC 3339"))?;
        Ok(Dump {
            name: one.name,
            time: time.as_second(),
            size: u64::try_from(one.size).unwrap_or(0),
        })
    });
    dumps.collect()
}

/// The newest of what was listed; `None` where nothing lists dumps.
pub(crate) fn newest(listed: Option<&Result<Vec<Dump>, String>>, now: u64) -> Option<Known> {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    Some(match listed? {
        Err(why) => Err(why.clone()),
        Ok(dumps) => match dumps.iter().max_by_key(|dump| dump.time) {
            None => Err("none is listed".to_owned()),
            Some(dump) => Ok(Newest {
                name: dump.name.clone(),
                time: Timestamp::from_second(dump.time)
                    .map_or_else(|_| String::new(), |time| time.to_string()),
                age_seconds: now.saturating_sub(dump.time),
                size: dump.size,
            }),
        },
    })
}

/// The same as a sentence.
pub(crate) fn sentence(known: &Known) -> String {
    match known {
        Ok(newest) => format!(
            "Production's newest dump is {}: `{}`, of {}.",
            age(newest.age_seconds),
            Foreign(&newest.name),
            newest.time
        ),
        Err(why) => format!("Production's newest dump is not known: {why}."),
    }
}

/// An age as people say it. Two clocks are never quite equal.
fn age(seconds: i64) -> String {
    let minutes = seconds.div_euclid(60);
    match minutes {
        ..=-6 => format!("dated {} min ahead of this machine's clock", -minutes),
        -5..=0 => "less than a minute old".to_owned(),
        1..=119 => format!("{minutes} min old"),
        120..=2_879 => format!("{} h old", minutes / 60),
        _ => format!("{} days old", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_the_unit_that_people_use() {
        let said: Vec<String> = [-7_200, -30, 0, 59, 60, 7_199, 7_200, 172_799, 172_800]
            .map(age)
            .into();
        assert_eq!(
            said,
            [
                "dated 120 min ahead of this machine's clock",
                "less than a minute old",
                "less than a minute old",
                "less than a minute old",
                "1 min old",
                "119 min old",
                "2 h old",
                "47 h old",
                "2 days old",
            ]
        );
    }

    #[test]
    fn what_makes_no_sense_is_not_known() {
        for bad in [
            "",
            "{}",
            "[{\"Name\":\"a\",\"ModTime\":\"yesterday\",\"Size\":1}]",
            "[{\"Name\":\"a\",\"ModTime\":\"2026-11-28T10:00:00Z\",\"Size\":\"x\"}]",
            "[{\"Name\":\"a\",\"Size\":1}]",
        ] {
            assert!(parsed(bad.as_bytes(), "rclone").is_err(), "{bad}");
        }
        // What `rclone lsjson` lists besides: folders, and objects of unknown size.
        let beside = r#"[
            {"Path":"old","Name":"old","ModTime":"2026-11-29T10:00:00Z","Size":-1,"IsDir":true},
            {"Path":"a","Name":"a","ModTime":"2026-11-28T10:00:00Z","Size":5,"IsDir":false},
            {"Path":"b","Name":"b","ModTime":"2026-11-27T10:00:00Z","Size":-1,"IsDir":false}
        ]"#;
        let listed = Ok(parsed(beside.as_bytes(), "rclone").unwrap());
        assert_eq!(listed.as_ref().map(Vec::len), Ok(2));
        assert_eq!(newest(Some(&listed), 0).unwrap().unwrap().name, "a");
        let listed = Ok(parsed(b"[]", "rclone").unwrap());
        let known = newest(Some(&listed), 0).unwrap();
        assert_eq!(
            sentence(&known),
            "Production's newest dump is not known: none is listed."
        );
        assert_eq!(newest(None, 0), None);
    }
}
