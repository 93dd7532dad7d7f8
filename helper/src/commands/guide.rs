//! `gigadb-roles guide`.

use clap::Args;
use clap_complete::{CompletionCandidate, engine::ArgValueCandidates};
use gigadb_engine::nearest::nearest;

use crate::{exit::Exit, failure::Failure, ui::Ui};

/// A guide with its name.
macro_rules! guide {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../docs/guides/", $name, ".md")),
        )
    };
}

/// The guides of `docs/guides/`, as they were when the program was built.
const GUIDES: [(&str, &str); 13] = [
    guide!("ansible"),
    guide!("blue-green-release"),
    guide!("certificates"),
    guide!("first-swap"),
    guide!("incident-failover"),
    guide!("least-privilege"),
    guide!("network"),
    guide!("playground"),
    guide!("rollback"),
    guide!("rotating-credentials"),
    guide!("simple-release"),
    guide!("third-infrastructure"),
    guide!("without-terraform"),
];

/// Print a guide, or the list of them.
///
/// They are those of the documentation, as they were when this program was built: nothing is
/// fetched. They can be read where nothing else is reachable.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles guide
  gigadb-roles guide incident-failover | less")]
pub(crate) struct GuideArgs {
    /// The guide.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(titles))]
    name: Option<String>,
}

/// Prints the guide that is named, or the list.
pub(super) fn run(args: &GuideArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Some(name) = &args.name else {
        let width = GUIDES.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        let lines: Vec<String> = GUIDES
            .iter()
            .map(|(name, text)| format!("{name:width$}  {}", title(text)))
            .collect();
        ui.answer(&lines.join("\n"))?;
        return Ok(Exit::Success);
    };
    let wanted = name.trim_end_matches(".md");
    let Some((_, text)) = GUIDES.iter().find(|(name, _)| *name == wanted) else {
        let near = nearest(wanted, GUIDES.map(|(name, _)| name));
        let meant = near.map(|near| format!("Did you mean `{near}`? "));
        return Err(Failure::usage(
            format!("There is no guide `{name}`."),
            "the command line",
            format!(
                "{}Run `gigadb-roles guide` to see them all.",
                meant.unwrap_or_default()
            ),
        ));
    };
    ui.answer(body(text))?;
    Ok(Exit::Success)
}

/// Every guide with its title, for a shell that asks.
fn titles() -> Vec<CompletionCandidate> {
    let guides = GUIDES.iter();
    let guides = guides.map(|(name, text)| {
        CompletionCandidate::new(*name).help(Some(title(text).to_owned().into()))
    });
    guides.collect()
}

/// The guide without the lines in front of it, which are for the registry.
fn body(text: &str) -> &str {
    let front = text.strip_prefix("---\n");
    let rest = front.and_then(|front| front.split_once("\n---\n"));
    rest.map_or(text, |(_, rest)| rest).trim_start()
}

fn title(text: &str) -> &str {
    let heading = body(text).lines().find_map(|line| line.strip_prefix("# "));
    heading.unwrap_or_default()
}
