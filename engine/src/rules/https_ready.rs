//! `https-ready`: when production's names of an HTTPS endpoint move to another side, that side
//! answers for them already: a valid certificate and the expected status, asked by address with
//! the name in SNI and Host.
//!
//! What the results of probes mean is decided here; which to make, in [`crate::readiness::probes`].

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use crate::{
    finding::{Finding, Rule, Severity},
    intent::Intent,
    message::Message,
    name::{Hostname, InfrastructureName},
};

/// What to do about a side that is production and does not answer.
const AFTERWARDS: &str = "Look at the web server and the certificate of that side now; trade the roles back if users are affected.";

/// How much the probes weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpsMode {
    /// A failed probe is an error.
    Require,
    /// A failed probe is a warning.
    #[default]
    Warn,
    /// No probe is made.
    Off,
}

impl std::str::FromStr for HttpsMode {
    type Err = crate::intent::UnknownSetting;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "require" => Ok(Self::Require),
            "warn" => Ok(Self::Warn),
            "off" => Ok(Self::Off),
            _ => Err(crate::intent::UnknownSetting {
                text: text.to_owned(),
                allowed: vec!["require", "warn", "off"],
            }),
        }
    }
}

/// The settings of the probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsCheck {
    /// How much they weigh.
    pub mode: HttpsMode,
    /// The path asked for.
    pub path: String,
    /// The port asked.
    pub port: u16,
    /// The statuses that will do; empty means any 2xx or 3xx.
    pub expected_status: BTreeSet<u16>,
    /// A text that the body must hold.
    pub expected_text: Option<String>,
    /// How long one probe may take.
    pub timeout: Duration,
    /// How many days the certificate must still be valid.
    pub min_days: u32,
    /// A PEM file trusted in addition to the system's roots.
    pub ca_file: Option<String>,
}

impl Default for HttpsCheck {
    fn default() -> Self {
        Self {
            mode: HttpsMode::Warn,
            path: "/".to_owned(),
            port: 443,
            expected_status: BTreeSet::new(),
            expected_text: None,
            timeout: Duration::from_secs(5),
            min_days: 14,
            ca_file: None,
        }
    }
}

/// One probe to make.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// The name asked for, in SNI and Host.
    pub hostname: Hostname,
    /// The side asked.
    pub infrastructure: InfrastructureName,
    /// The address asked.
    pub address: Ipv4Addr,
}

/// What a probe gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeResult {
    /// The side answered over TLS with a chain and name that verify.
    Answered {
        /// The HTTP status.
        status: u16,
        /// Whether the body holds the expected text; `None` where none is expected.
        has_text: Option<bool>,
        /// Whole days until the certificate ends.
        days_left: i64,
    },
    /// It did not: why, as a clause ("no connection in 5 s", "the certificate is for x.org").
    Failed(String),
    /// It spoke TLS, and its certificate is refused: why, as a clause.
    Untrusted(String),
}

/// When the probes were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// In a plan, or before the first write.
    BeforeWriting,
    /// After everything was written: what they find is worth knowing and stops nothing.
    Afterwards,
}

/// What the results of the probes mean.
pub fn judge(
    intent: &Intent,
    check: &HttpsCheck,
    moment: Moment,
    results: &[(Probe, ProbeResult)],
) -> Vec<Finding> {
    let severity = match (check.mode, moment) {
        (HttpsMode::Off, _) => return Vec::new(),
        (HttpsMode::Require, Moment::BeforeWriting) => Severity::Error,
        (HttpsMode::Require, Moment::Afterwards) | (HttpsMode::Warn, _) => Severity::Warning,
    };
    results
        .iter()
        .filter_map(|(probe, result)| {
            let (fault, way) = fault(check, result)?;
            let Probe {
                hostname,
                infrastructure,
                address,
            } = probe;
            let what = format!(
                "`{infrastructure}` does not answer for `{hostname}` as it should: {fault}."
            );
            let object = format!(
                "https://{hostname}:{}{} at {address}",
                check.port, check.path
            );
            let message = match moment {
                Moment::BeforeWriting => Message {
                    what,
                    object,
                    // Core shows a warning of the plan that it makes before it applies below what was applied.
                    changed: match severity {
                        Severity::Error => "Nothing was changed.",
                        Severity::Warning => "The probe changed nothing.",
                    }
                    .to_owned(),
                    next: before(check, way),
                },
                Moment::Afterwards => Message {
                    what,
                    object,
                    changed: "What was written stays as it is.".to_owned(),
                    next: AFTERWARDS.to_owned(),
                },
            };
            Some(Finding {
                rule: Rule::HttpsReady,
                severity,
                message,
                waived: intent.overrides.contains(&Rule::HttpsReady),
            })
        })
        .collect()
}

/// What to do about a side that is not ready.
fn before(check: &HttpsCheck, way: Way) -> String {
    let weaker = match check.mode {
        HttpsMode::Require => "`warn` or `off`",
        HttpsMode::Warn | HttpsMode::Off => "`off`",
    };
    let first = match way {
        Way::Certificate => {
            "Put a certificate for this name on that side and rebuild it with production's \
             variables (`prepare`)"
                .to_owned()
        }
        Way::Server => format!(
            "Look at the web server of that side: it must run, serve this name over HTTPS at port \
             {} and be reached from here through its security group",
            check.port
        ),
        Way::Status => "Look at what that side answers and rebuild it with production's variables \
                        (`prepare`), or name the status in `https_check.expected_status`"
            .to_owned(),
        Way::Text => "Look at what that side answers and rebuild it with production's variables \
                      (`prepare`), or correct `https_check.expected_text`"
            .to_owned(),
    };
    format!("{first}, or set `https_check.mode` (`--https-check`) to {weaker}.")
}

/// What leads out of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Another certificate.
    Certificate,
    /// A server that answers.
    Server,
    /// Another status.
    Status,
    /// Another text.
    Text,
}

fn fault(check: &HttpsCheck, result: &ProbeResult) -> Option<(String, Way)> {
    let (status, has_text, days_left) = match result {
        ProbeResult::Failed(why) => return Some((why.clone(), Way::Server)),
        ProbeResult::Untrusted(why) => return Some((why.clone(), Way::Certificate)),
        ProbeResult::Answered {
            status,
            has_text,
            days_left,
        } => (*status, *has_text, *days_left),
    };
    let expected = if check.expected_status.is_empty() {
        (200..400).contains(&status)
    } else {
        check.expected_status.contains(&status)
    };
    if !expected {
        Some((format!("it answers with status {status}"), Way::Status))
    } else if has_text == Some(false) {
        let why = "the expected text is not in its answer".to_owned();
        Some((why, Way::Text))
    } else if days_left < i64::from(check.min_days) {
        let s = if days_left == 1 { "" } else { "s" };
        let why = format!(
            "its certificate ends in {days_left} day{s}, and {} are asked for",
            check.min_days
        );
        Some((why, Way::Certificate))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_status_text_and_life_left() {
        let check = HttpsCheck {
            expected_text: Some("GigaDB".into()),
            ..HttpsCheck::default()
        };
        let answered = |status, has_text, days_left| ProbeResult::Answered {
            status,
            has_text: Some(has_text),
            days_left,
        };
        for (result, said) in [
            (answered(200, true, 30), None),
            (answered(302, true, 14), None),
            (
                answered(404, true, 30),
                Some(("it answers with status 404", Way::Status)),
            ),
            (
                answered(200, false, 30),
                Some(("the expected text is not in its answer", Way::Text)),
            ),
            (
                answered(200, true, 13),
                Some((
                    "its certificate ends in 13 days, and 14 are asked for",
                    Way::Certificate,
                )),
            ),
            (
                ProbeResult::Failed("no connection in 5 s".into()),
                Some(("no connection in 5 s", Way::Server)),
            ),
            (
                ProbeResult::Untrusted("the certificate is for x.org".into()),
                Some(("the certificate is for x.org", Way::Certificate)),
            ),
        ] {
            let found = fault(&check, &result);
            let found = found.as_ref().map(|(why, way)| (why.as_str(), *way));
            assert_eq!(found, said, "{result:?}");
        }
        let only_404 = HttpsCheck {
            expected_status: [404].into(),
            ..HttpsCheck::default()
        };
        assert_eq!(fault(&only_404, &answered(404, true, 30)), None);
        assert!(fault(&only_404, &answered(200, true, 30)).is_some());
    }
}
