//! `gigadb-roles review`.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    merge_request,
    planning::https::HttpsOptions,
    review::{
        document::{self, Review},
        gates::Gates,
        html, live, markdown,
        source::{self, Source},
    },
    session::{self, Session, Waiting},
    ui::Ui,
};

/// Show what a Terraform plan does to the roles, for those who review it, as Markdown.
///
/// Reads what `terraform show -json` prints. Exits with 0 when the plan changes nothing, with 2
/// when it does, and with 1 when a policy or a finding refuses it. Nothing is sent anywhere
/// without --live or --gitlab-note.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  terraform show -json swap.tfplan | gigadb-roles review -
  gigadb-roles review plan.json --require-only-role-change --forbid-failover
  gigadb-roles review plan.json --live --format json
  gigadb-roles review plan.json --format html > review.html
  gigadb-roles review plan.json --gitlab-note --terraform-report tfplan-report.json

Environment of --gitlab-note, as GitLab CI sets it:
  CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID
  GITLAB_TOKEN (or GITLAB_PRIVATE_TOKEN)   a token with scope `api`; a job token cannot write notes")]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub(crate) struct ReviewArgs {
    /// The plan as JSON; `-` reads standard input.
    #[arg(value_name = "PLAN.json")]
    plan: PathBuf,

    /// Judge the change by reading the world now, and say what has moved since the plan.
    #[arg(long)]
    live: bool,

    /// Refuse a plan that changes anything other than roles, or runs what no review can tell:
    /// provisioners, actions, ephemeral resources, data sources read at the apply, deferred changes.
    #[arg(long)]
    require_only_role_change: bool,

    /// Refuse a plan with a failover.
    #[arg(long)]
    forbid_failover: bool,

    /// Refuse a plan whose change of roles has another digest than the one that was reviewed.
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    expect_digest: Option<String>,

    /// Post the review as a note of the merge request, or update the note posted before.
    #[arg(long)]
    gitlab_note: bool,

    /// Write the counts that GitLab shows in a merge request (`artifacts:reports:terraform`).
    #[arg(long, value_name = "FILE")]
    terraform_report: Option<PathBuf>,

    #[command(flatten)]
    https: HttpsOptions,
}

/// Prints the review.
pub(super) async fn run(
    args: &ReviewArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    if !args.live && args.https.given() {
        return Err(Failure::usage(
            "Probes are made with --live only.",
            "the options `--https-...`",
            "Add --live, or leave them out.",
        ));
    }
    // Asked for first: a note that cannot be posted is better known before anything is read.
    let note = args.gitlab_note.then(merge_request::settings).transpose()?;
    let name = args.plan.display().to_string();
    let plan = source::read(&bytes(&args.plan)?, &name)?;
    let mut review = if args.live {
        let session = Session::open(global, Waiting::Ordinary)?;
        let mut review = Review::of(&plan, Some(&session.topology));
        for (change, findings) in &mut review.changes {
            if change.writes() || change.adopts() {
                let found = live::findings(&session, change, &args.https, cancel);
                *findings = Box::pin(found).await?;
            }
        }
        review
    } else {
        Review::of(&plan, session::topology_if_any(global)?.as_ref())
    };
    let gates = Gates {
        environment: None,
        only_role_change: args.require_only_role_change,
        no_failover: args.forbid_failover,
        digest: args.expect_digest.as_deref(),
    };
    review.refused = gates.refusals(&review);
    if let Some(file) = &args.terraform_report {
        write_report(file, &plan)?;
    }
    ui.answer(&match global.format {
        Format::Json => document::json(&review),
        Format::Html => html::render(&review),
        _ => markdown::render(&review),
    })?;
    if let Some(note) = note {
        let text = markdown::within(&review, merge_request::ROOM);
        let done = Box::pin(merge_request::post(&note, &text, cancel)).await?;
        ui.note(&done);
    }
    if !review.refused.is_empty() {
        return Err(Failure::refused(
            format!("The plan is refused: {}", review.refused.join(" ")),
            format!("`{name}`"),
            "Change the configuration, then plan and review again.",
        ));
    }
    Ok(if review.has_changes() {
        Exit::ChangesPending
    } else {
        Exit::Success
    })
}

fn bytes(plan: &Path) -> Result<Vec<u8>, Failure> {
    let read = if plan == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(plan)
    };
    read.map_err(|error| {
        Failure::refused(
            format!("The plan could not be read: {error}."),
            format!("`{}`", plan.display()),
            "Name the file that `terraform show -json FILE` was written to, or `-` for standard input.",
        )
    })
}

fn write_report(file: &Path, plan: &Source) -> Result<(), Failure> {
    let report = json!({
        "create": plan.count("create"),
        "update": plan.count("update"),
        "delete": plan.count("delete"),
    });
    fs::write(file, format!("{report}\n")).map_err(|error| {
        Failure::refused(
            format!("The report could not be written: {error}."),
            format!("`{}`", file.display()),
            "Name a file that can be written with --terraform-report.",
        )
    })
}

/// A digest as a review prints it; `sha256:` may be left out.
fn digest(text: &str) -> Result<String, String> {
    let digits = text
        .trim()
        .trim_start_matches("sha256:")
        .to_ascii_lowercase();
    if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(format!("sha256:{digits}"))
    } else {
        Err(
            "a digest is `sha256:` and 64 hexadecimal digits, as in the last lines of a review"
                .to_owned(),
        )
    }
}
