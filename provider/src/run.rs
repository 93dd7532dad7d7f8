//! A run of an apply: its lease, its journal, and what is told of them.

use std::collections::BTreeMap;

use gigadb_clients::run::{NotBegun, Start, Told, UnderWay};
use gigadb_engine::{plan::Plan, rules::one_swap_at_a_time::LeasePlace, world::Zone};
use tfplug::{CancellationToken, Diagnostic, Diagnostics, Value};

use crate::{
    diagnostics,
    session::{Reach, Ready},
};

/// The program, as leases and journals name it.
const PROGRAM: &str = concat!("terraform-provider-gigadb ", env!("CARGO_PKG_VERSION"));

/// Why a run did not begin.
pub(crate) enum Refused {
    /// Something is in the way.
    InTheWay(Diagnostic),
    /// The operator asked to stop.
    Stopped,
}

/// Begins the run that carries out `plan`. While the lease is asked for, the zones are listed:
/// they do not come and go during a swap. `None` where that failed, and where there is no lease to
/// wait for, so that who observes lists them beside all else.
pub(crate) async fn begin<'a>(
    ready: &'a Ready,
    reach: &'a Reach,
    plan: &'a Plan,
    reason: Option<&'a str>,
    cancel: &CancellationToken,
) -> Result<(UnderWay<'a>, Option<Vec<Zone>>), Refused> {
    let start = Start {
        topology: &ready.topology,
        intent: &plan.intent,
        reason,
        program: PROGRAM,
        follows: None,
    };
    let leased = LeasePlace::of(start.topology, start.intent).is_some();
    let zones = async {
        if !leased {
            return Ok(None);
        }
        Ok(reach.apis.zones(cancel).await.ok())
    };
    tokio::try_join!(reach.apis.begin(start, cancel), zones).map_err(|why| match why {
        NotBegun::Stopped => Refused::Stopped,
        NotBegun::Refused(told) => {
            let environment = plan.intent.environment.as_str();
            Refused::InTheWay(error(environment, &told))
        }
    })
}

/// Why nothing was written.
pub(crate) fn error(environment: &str, told: &Told) -> Diagnostic {
    diagnostics::error(summary(environment, told), &told.message)
}

/// Ends the run; what is told of it is one warning a topic.
pub(crate) async fn end(environment: &str, run: UnderWay<'_>) -> Diagnostics {
    let mut topics: BTreeMap<&str, Diagnostic> = BTreeMap::new();
    for told in run.end().await {
        let detail = told.message.to_string();
        topics
            .entry(told.topic)
            .and_modify(|warning| {
                warning.detail.push_str("\n\n");
                warning.detail.push_str(&detail);
            })
            .or_insert_with(|| Diagnostic::warning(summary(environment, &told), detail.clone()));
    }
    topics.into_values().collect()
}

/// Where nothing was to be written: gives back the lease that a killed run left; a warning if so.
pub(crate) async fn settle_left_lease(ready: &Ready, plan: &Plan) -> Option<Diagnostic> {
    let reach = ready.reach().ok()?;
    let told = reach.apis.settle_left_lease(&ready.topology, &plan.intent);
    let told = told.await?;
    let summary = summary(plan.intent.environment.as_str(), &told);
    Some(Diagnostic::warning(summary, told.message.to_string()))
}

fn summary(environment: &str, told: &Told) -> String {
    format!(
        "{environment} {}: {}",
        told.topic,
        diagnostics::summary_of(&told.message.what)
    )
}

/// Why the roles are moved, as configured.
pub(crate) fn reason(config: &Value) -> Option<String> {
    config.get("reason").as_str().map(str::to_owned)
}
