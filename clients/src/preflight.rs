//! Preflight of a change: what the rules and the hints say of it in the present world, for `check`
//! blocks and reviews.

use gigadb_engine::{
    intent::Intent,
    observation::Observation,
    plan::{Incomputable, plan},
    preflight::{Pipelines, Remark, preflight},
    rules::https_ready::{HttpsCheck, Moment},
    topology::Topology,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Apis, SharedWorld,
    probe::{ProbeError, https_ready},
};

impl Apis {
    /// Everything that there is to say of `intent` where the world is as it was observed: the
    /// promoted side is probed, and where something would be written, the pipelines of both sides
    /// are read, through `shared` where there is one.
    pub async fn preflight(
        &self,
        topology: &Topology,
        intent: &Intent,
        observation: &Observation,
        https: &HttpsCheck,
        shared: Option<&SharedWorld>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Remark>, ProbeError> {
        let evidence = self.evidence(topology).await;
        let mut plan = match plan(topology, intent, observation, &evidence) {
            Ok(plan) => plan,
            Err(Incomputable(findings)) => return Ok(findings.iter().map(Remark::from).collect()),
        };
        let moment = Moment::BeforeWriting;
        let probed = https_ready(topology, &plan, https, moment, cancel).await?;
        plan.findings.extend(probed);
        let mut pipelines = Pipelines::new();
        if !plan.is_empty() {
            let sides = intent.arrangement.iter().filter_map(|(_, name)| {
                let project = &topology.infrastructures.get(name)?.gitlab_project;
                Some(async move {
                    let read = match shared {
                        Some(shared) => shared.active_pipelines(project, cancel).await,
                        None => self.active_pipelines(project, cancel).await,
                    };
                    (name.clone(), read)
                })
            });
            pipelines.extend(futures::future::join_all(sides).await);
        }
        Ok(preflight(topology, &plan, &pipelines))
    }
}
