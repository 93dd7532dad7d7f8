//! A journal says what was done, not what may be done: what it names is judged by the topology and
//! by what is observed, before anything is planned from it.

use crate::{
    changes::{Boundary, Step, Target, Transaction},
    earlier::EarlierRun,
    intent::arrange,
    name::Role,
    observation::Observation,
    topology::{Environment, Topology},
};

impl EarlierRun {
    /// Everything in the run that no plan under `topology` could have written, one clause each.
    pub(crate) fn outside(
        &self,
        topology: &Topology,
        environment: &Environment,
        observation: &Observation,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let intent = &self.intent;
        let pair = &intent.arrangement;
        let prepare = intent.prepare.as_ref().map(|side| side.as_str());
        if let Err(error) = arrange(
            topology,
            pair.production.as_str(),
            Some(pair.hot_standby.as_str()),
            prepare,
        ) {
            faults.push(error.to_string());
        }
        let mut seen: Vec<&Target> = Vec::new();
        for transaction in self.stages.iter().flatten() {
            faults.extend(misplaced(transaction, observation));
            for step in &transaction.steps {
                if seen
                    .iter()
                    .any(|other| other.object() == step.target.object())
                {
                    faults.push(format!("{}: it is written twice", step.target));
                }
                seen.push(&step.target);
                let fault = self.foreign(topology, environment, step);
                faults.extend(fault.map(|why| format!("{}: {why}", step.target)));
            }
        }
        faults
    }

    /// Why a step is none of this environment's.
    fn foreign(
        &self,
        topology: &Topology,
        environment: &Environment,
        step: &Step,
    ) -> Option<String> {
        match &step.target {
            Target::Record { hostname, .. } => {
                if environment.hostname(hostname).is_none() {
                    return Some(format!(
                        "the topology does not manage this name in `{}`",
                        self.intent.environment
                    ));
                }
                let addresses = [Some(&step.to), Some(&step.undo), step.from.as_ref()];
                let mut addresses = addresses.into_iter().flatten();
                let strange = addresses.find(|text| text.parse::<std::net::Ipv4Addr>().is_err())?;
                Some(format!("`{strange}` is no IPv4 address"))
            }
            Target::Variable {
                infrastructure,
                project,
                key,
                scope,
                ..
            } => {
                let side = topology.infrastructures.get(infrastructure);
                let named = self.intent.arrangement.role_of(infrastructure).is_some();
                let (Some(side), true) = (side, named) else {
                    return Some(format!("`{infrastructure}` is neither side of the run"));
                };
                if side.gitlab_project != *project {
                    return Some(format!(
                        "the project of `{infrastructure}` is `{}`",
                        side.gitlab_project
                    ));
                }
                if *scope != self.intent.environment {
                    return Some(format!(
                        "the run is one of environment `{}`",
                        self.intent.environment
                    ));
                }
                let values: Vec<&String> = Role::ALL
                    .into_iter()
                    .filter_map(|role| environment.table(role).variables.get(key))
                    .collect();
                if values.is_empty() {
                    return Some("the topology does not name this variable".to_owned());
                }
                (!values.contains(&&step.to))
                    .then(|| format!("`{}` is neither role's value", step.to))
            }
        }
    }
}

/// Steps that are not in the request that carries them.
fn misplaced(transaction: &Transaction, observation: &Observation) -> Vec<String> {
    let fits = |step: &&Step| match (&transaction.boundary, &step.target) {
        (Boundary::ZoneBatch { zone, .. }, Target::Record { hostname, .. }) => {
            let observed = observation.names.get(hostname);
            // Where no zone is seen now, the name cannot be written in any case.
            observed.is_none_or(|name| name.zone.as_ref().is_none_or(|seen| seen.id == zone.id))
        }
        (Boundary::Variable, Target::Variable { .. }) => transaction.steps.len() == 1,
        _ => false,
    };
    transaction
        .steps
        .iter()
        .filter(|step| !fits(step))
        .map(|step| {
            format!(
                "{}: it does not belong to {}",
                step.target,
                match &transaction.boundary {
                    Boundary::ZoneBatch { zone, .. } =>
                        format!("zone `{}` (id {})", zone.name, zone.id),
                    Boundary::Variable => "a request of its own".to_owned(),
                }
            )
        })
        .collect()
}
