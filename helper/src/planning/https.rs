//! Rule `https-ready`: the promoted side is probed for a plan, and once more when it is production.

use clap::Args;
use gigadb_clients::probe::{ProbeError, https_ready};
use gigadb_engine::{
    plan::Plan,
    rules::{
        Finding,
        https_ready::{HttpsCheck, HttpsMode, Moment},
    },
    topology::Topology,
};
use tokio_util::sync::CancellationToken;

use crate::{exit::Exit, failure::Failure, planning::text, surroundings, ui::Ui};

/// The environment variable with the mode that counts where the command line names none.
const MODE_VARIABLE: &str = "GIGADB_HTTPS_CHECK";

/// How the promoted side is probed.
#[derive(Debug, Clone, Args)]
pub(crate) struct HttpsOptions {
    /// Probe the promoted side under production's names: require, warn or off (default:
    /// `$GIGADB_HTTPS_CHECK`, else warn).
    #[arg(id = "https_check", long = "https-check", value_name = "MODE")]
    mode: Option<HttpsMode>,

    /// Trust the authorities of this PEM file besides the system's.
    #[arg(id = "https_ca_file", long = "https-ca-file", value_name = "FILE")]
    ca_file: Option<String>,

    /// Probe this port (default: 443).
    #[arg(id = "https_port", long = "https-port", value_name = "PORT")]
    port: Option<u16>,
}

impl HttpsOptions {
    /// Whether any of the options was given.
    pub(crate) fn given(&self) -> bool {
        self.mode.is_some() || self.ca_file.is_some() || self.port.is_some()
    }

    fn check(&self) -> Result<HttpsCheck, Failure> {
        let mode = match (self.mode, surroundings::variable(MODE_VARIABLE)) {
            (Some(mode), _) => mode,
            (None, Some(text)) => {
                text.parse()
                    .map_err(|error: gigadb_engine::intent::UnknownSetting| {
                        Failure::usage(
                            format!("A setting cannot be used: {error}."),
                            MODE_VARIABLE,
                            "Set it to one of these words, or unset it.",
                        )
                    })?
            }
            (None, None) => HttpsMode::default(),
        };
        let default = HttpsCheck::default();
        Ok(HttpsCheck {
            mode,
            port: self.port.unwrap_or(default.port),
            ca_file: self.ca_file.clone(),
            ..default
        })
    }
}

/// Makes the probes that `plan` calls for, and adds what they find to its findings.
pub(crate) async fn probe(
    topology: &Topology,
    plan: &mut Plan,
    options: &HttpsOptions,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let found = findings(topology, plan, options, Moment::BeforeWriting, cancel).await?;
    plan.findings.extend(found);
    Ok(())
}

/// Probes before the first write, where time has passed since the plan was made; a failure says
/// what stands in the way.
pub(crate) async fn still_ready(
    topology: &Topology,
    plan: &Plan,
    options: &HttpsOptions,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let found = findings(topology, plan, options, Moment::BeforeWriting, cancel).await?;
    match found.into_iter().find(Finding::blocks) {
        None => Ok(()),
        Some(finding) => Err(Failure::with(Exit::Failed, finding.message)),
    }
}

/// Probes after everything was written and read back, and tells what is not well; under `require`
/// the run then counts as not verified.
pub(crate) async fn conclude(
    ui: &Ui,
    topology: &Topology,
    plan: &Plan,
    options: &HttpsOptions,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let found = findings(topology, plan, options, Moment::Afterwards, cancel).await?;
    for finding in &found {
        ui.conversation(&text::finding(finding));
    }
    let required = options.check()?.mode == HttpsMode::Require;
    let unready = found.iter().any(|finding| !finding.waived);
    Ok(if required && unready {
        Exit::NotVerified
    } else {
        Exit::Success
    })
}

async fn findings(
    topology: &Topology,
    plan: &Plan,
    options: &HttpsOptions,
    moment: Moment,
    cancel: &CancellationToken,
) -> Result<Vec<Finding>, Failure> {
    let check = options.check()?;
    https_ready(topology, plan, &check, moment, cancel)
        .await
        .map_err(|error| impossible(&error, moment))
}

fn impossible(error: &ProbeError, moment: Moment) -> Failure {
    let (object, next) = match error {
        ProbeError::CaFile { .. } => (
            "--https-ca-file",
            "Name a PEM file with the certificates of authorities, or leave it out.",
        ),
        ProbeError::Roots(_) => (
            "the system's trusted certificates",
            "Install the system's certificates, or run with --https-check off.",
        ),
    };
    let mut failure = Failure::refused(format!("No probe can be made: {error}."), object, next);
    if moment == Moment::Afterwards {
        failure.exit = Exit::NotVerified;
        "Everything was written and read back.".clone_into(&mut failure.message.changed);
    }
    failure
}
