//! The drills: what the pager says, and what goes wrong.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use gigadb_simulator::world::{
    CLOUDFLARE_REVOKED_TOKEN, CLOUDFLARE_TOKEN, InstanceState, PROJECT, REGION_UPSTREAM, StateLock,
};
use gigadb_simulator::{Api, Edit, Effect, Fault, World};

use super::Stage;

/// How long the colleague of `second-operator` works on after you were refused.
pub(super) const COLLEAGUE_TAKES: Duration = Duration::from_secs(3);

const LOCK: &str = "\nlock: { gitlab_project: gigascience/upstream/gigadb-website, name: \"gigadb-roles-{environment}\" }\n";
const LEASE: &str = "gigadb-roles-live";
const WINDOW: &str =
    "09:00  The window for release 4.4 is open. Make alt-gigadb-website production of live.";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drill {
    /// The region of production is lost: its machines and its API.
    RegionDown,
    /// Production's machine is gone while GitLab is down.
    GitlabDown,
    /// Cloudflare carries a swap's last batch out, but late and without an answer.
    LateAnswer,
    /// A colleague is already at it.
    SecondOperator,
    /// A lease was left behind by a machine that is gone.
    StaleLease,
    /// The Cloudflare token was ended.
    TokenEnded,
}

/// A moment of a drill, for which a script may have something.
pub(super) enum Moment<'a> {
    /// Every name leads where it should.
    NamesRight,
    /// The colleague's swap ends, in this world.
    ColleagueEnds(&'a World),
}

/// One drill.
pub(super) struct Script {
    drill: Drill,
    pub(super) name: &'static str,
    pager: &'static str,
    /// Lines added to the topology.
    pub(super) topology: Option<&'static str>,
    /// A further file, by name.
    pub(super) file: Option<(&'static str, &'static str)>,
    /// Another Cloudflare token than the one that works.
    pub(super) cloudflare_token: Option<&'static str>,
    /// Whether something happens once a lease was refused.
    pub(super) waits_for_refusal: bool,
}

impl Drill {
    pub(super) fn script(self) -> Script {
        let script = |name, pager| Script {
            drill: self,
            name,
            pager,
            topology: None,
            file: None,
            cloudflare_token: None,
            waits_for_refusal: false,
        };
        match self {
            Self::RegionDown => script(
                "region-down",
                "03:12  gigadb.org does not answer.\n03:14  AWS: \"elevated error rates\" in ap-east-1. Nobody knows for how long.",
            ),
            Self::GitlabDown => script(
                "gitlab-down",
                "02:40  gigadb.org does not answer: its instance is stopped and does not start.\n02:41  GitLab answers 502 since half an hour.",
            ),
            Self::LateAnswer => script(
                "late-answer",
                "09:00  The window for release 4.4 is open. Make alt-gigadb-website production of live.\n09:01  Cloudflare: \"increased API latency\".",
            ),
            Self::SecondOperator => Script {
                topology: Some(LOCK),
                waits_for_refusal: true,
                ..script("second-operator", WINDOW)
            },
            Self::StaleLease => Script {
                topology: Some(LOCK),
                ..script(
                    "stale-lease",
                    "09:00  The window for release 4.4 is open. Make alt-gigadb-website production of live.\n09:02  Alice: \"The old bastion died yesterday in the middle of something. It is gone for good.\"",
                )
            },
            Self::TokenEnded => Script {
                file: Some(("new-cloudflare-token", CLOUDFLARE_TOKEN)),
                cloudflare_token: Some(CLOUDFLARE_REVOKED_TOKEN),
                ..script(
                    "token-ended",
                    "09:00  The window for release 4.4 is open. Make alt-gigadb-website production of live.\n09:05  Alice: \"If Cloudflare refuses you: a new token is in the file new-cloudflare-token.\"",
                )
            },
        }
    }
}

impl Script {
    /// What the operator is told.
    pub(super) fn told(&self, folder: &Path) -> String {
        format!(
            "[drill] {}\n\n{}\n\nThe clock is running. It stops when alt-gigadb-website is production of live, every record and \
             variable is as {} says, and no lease is left.\n",
            self.name,
            self.pager,
            folder.join("topology.yaml").display()
        )
    }

    /// Lets it go wrong.
    pub(super) fn set(&self, stage: &Stage) -> Result<(), Box<dyn Error>> {
        let simulator = &stage.simulator;
        match self.drill {
            Drill::RegionDown => {
                let hangs = || Fault::new(Effect::Hang).region(REGION_UPSTREAM).always();
                simulator.fault(hangs().api(Api::Ec2));
                simulator.fault(hangs().api(Api::Sts));
                if let Ok(machines) = &stage.machines {
                    machines.lose_live(REGION_UPSTREAM);
                }
            }
            Drill::GitlabDown => {
                let stop = Edit::SetInstanceState {
                    region: REGION_UPSTREAM.to_owned(),
                    name: "gigadb_webserver_live_gigadb".to_owned(),
                    state: InstanceState::Stopped,
                };
                simulator.edit(|world| world.apply(&stop))?;
                if let Ok(machines) = &stage.machines {
                    machines.lose_live_site(REGION_UPSTREAM);
                }
                simulator.fault(Fault::new(Effect::BadGateway).api(Api::Gitlab).always());
            }
            Drill::LateAnswer => {
                let late = Effect::CommitLate { ms: 20_000 };
                let batch = "/zones/{zone_id}/dns_records/batch";
                simulator.fault(
                    Fault::new(late)
                        .api(Api::Cloudflare)
                        .template(batch)
                        .skip(1),
                );
            }
            Drill::SecondOperator => hold(stage, "bob", "bobs-laptop:5150", "release-4.4"),
            Drill::StaleLease => hold(stage, "alice", "old-bastion:4242", "rehearsal"),
            Drill::TokenEnded => {}
        }
        Ok(())
    }

    /// Lets happen what the script has for this moment.
    pub(super) fn happen(&self, moment: Moment<'_>, stage: &Stage) {
        match (self.drill, moment) {
            (Drill::GitlabDown, Moment::NamesRight) => {
                stage.simulator.clear_faults();
                super::say("[drill] GitLab answers again.");
            }
            (Drill::SecondOperator, Moment::ColleagueEnds(goal)) => {
                stage.simulator.edit(|world| {
                    let held = lease(world).is_some_and(|lock| lock.username == "bob");
                    if held {
                        world.clone_from(goal);
                    }
                });
            }
            _ => {}
        }
    }
}

fn lease(world: &World) -> Option<&StateLock> {
    let state = world.gitlab.project(PROJECT)?.terraform_states.get(LEASE)?;
    state.lock.as_ref()
}

/// Somebody else's lease on live, in the words in which `gigadb-roles` takes one.
fn hold(stage: &Stage, username: &str, process: &str, reason: &str) {
    stage.simulator.edit(|world| {
        if let Some(project) = world.gitlab.project_mut(PROJECT) {
            let state = project
                .terraform_states
                .entry(LEASE.to_owned())
                .or_default();
            state.lock = Some(StateLock {
                id: format!("gigadb-1:20261122T093000123Z-live-0a1b:{process}:1a2b-3c-99:{reason}"),
                username: username.to_owned(),
                created: "2026-11-22T09:30:00Z".to_owned(),
            });
        }
    });
}
