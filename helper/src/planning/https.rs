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
    #[arg(id = "https_check", long = "https-check", value_name = "MODE", add = clap_complete::engine::ArgValueCandidates::new(crate::candidates::https_modes))]
    mode: Option<HttpsMode>,

    /// Trust the authorities of this PEM file in addition to the system's.
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

    /// The settings that they stand for.
    pub(crate) fn check(&self) -> Result<HttpsCheck, Failure> {
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
    let check = options.check()?;
    let found = https_ready(topology, plan, &check, Moment::BeforeWriting, cancel)
        .await
        .map_err(|error| impossible(&error))?;
    plan.findings.extend(found);
    Ok(())
}

/// Tells what was not well after everything was written and read back; under `require` the run
/// then counts as not verified.
pub(crate) fn conclude(
    ui: &Ui,
    options: &HttpsOptions,
    probed: &Result<Vec<Finding>, ProbeError>,
) -> Result<Exit, Failure> {
    let found = match probed {
        Ok(found) => found,
        Err(error) => {
            let mut failure = impossible(error);
            failure.exit = Exit::NotVerified;
            "Everything was written and read back.".clone_into(&mut failure.message.changed);
            return Err(failure);
        }
    };
    for finding in found {
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

/// No probe can be made.
pub(crate) fn impossible(error: &ProbeError) -> Failure {
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
    Failure::refused(format!("No probe can be made: {error}."), object, next)
}
