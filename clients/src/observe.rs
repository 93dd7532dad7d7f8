//! Reads the world: everything a topology names, concurrently, in as few calls as there can be.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join_all};
use gigadb_engine::{
    name::{EnvironmentName, Hostname, InfrastructureName, ZoneId},
    observation::{self, Observation},
    topology::Topology,
    world::{
        BesideRecord, Cause, CertificateRow, CiVariable, Failure, FailureKind, Reading, Record,
        Side, World, Zone,
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    Apis,
    dns::Told,
    gitlab::{Keys, Rows},
    http::{Budget, seconds, stoppable},
};

/// Record lists that are asked for at a time.
const LISTS_AT_A_TIME: usize = 16;

/// Some of the names of a topology, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which<T> {
    /// All that the topology has.
    All,
    /// These.
    Only(BTreeSet<T>),
}

impl<T: Ord> Which<T> {
    /// None at all.
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Just this one.
    pub fn one(name: T) -> Self {
        Self::Only(BTreeSet::from([name]))
    }

    /// Tells whether `name` is among them.
    pub fn holds(&self, name: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }
}

/// What to read. Parts out of scope are absent from the [`World`]; without records its zones are
/// an empty reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The environments whose hostnames, variable keys and machines are looked for.
    pub environments: Which<EnvironmentName>,
    /// Whether to read zones and records.
    pub records: bool,
    /// The infrastructures whose variables to read.
    pub variables: Which<InfrastructureName>,
    /// The infrastructures whose Elastic IPs and instances to read.
    pub sides: Which<InfrastructureName>,
}

impl Scope {
    /// Everything that the topology names.
    pub fn everything() -> Self {
        Self {
            environments: Which::All,
            records: true,
            variables: Which::All,
            sides: Which::All,
        }
    }

    /// What writes can have changed: records and variables.
    pub fn written(environments: Which<EnvironmentName>) -> Self {
        Self {
            environments,
            records: true,
            variables: Which::All,
            sides: Which::none(),
        }
    }
}

/// How much of its time each side has used up, per API.
///
/// Only time that ended in nothing counts: what answers may be asked again for as long as it
/// answers.
#[derive(Debug, Default)]
pub(crate) struct SpentTime {
    used: Mutex<HashMap<(InfrastructureName, Part), Duration>>,
}

/// The part of a side that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Variables,
    Machines,
}

/// How a failover reads: what decides it (the zones of production's names, the promoted side's
/// region) has its own time; everything else has little, because
/// the first batch of records must not wait for what is lost.
#[derive(Debug)]
pub(crate) struct Hurry {
    /// The side whose region decides.
    promoted: InfrastructureName,
    /// What is known to be out of reach already, and is not waited for again.
    known: BTreeMap<(InfrastructureName, Part), Failure>,
}

impl Apis {
    /// These clients as a failover to `promoted` reads with them: the zones of production's names
    /// and that side's region have their own time, everything else has [`Timing::failover_reads`](crate::Timing), and
    /// what `reviewed` could not reach is not waited for again.
    #[must_use]
    pub fn for_failover(
        &self,
        promoted: &InfrastructureName,
        reviewed: Option<&Observation>,
    ) -> Self {
        let failures = reviewed.map(Observation::failures).unwrap_or_default();
        let known = failures.into_iter().filter_map(|(part, failure)| {
            let (side, part) = match part {
                observation::Part::Zone(_) => return None,
                observation::Part::Region(side) => (side, Part::Machines),
                observation::Part::Variables(side) => (side, Part::Variables),
            };
            let lost = failure.kind == FailureKind::Unreachable;
            let decides = part == Part::Machines && side == *promoted;
            (lost && !decides).then(|| ((side, part), failure.clone()))
        });
        let hurry = Hurry {
            promoted: promoted.clone(),
            known: known.collect(),
        };
        Self {
            hurry: Some(Arc::new(hurry)),
            ..self.clone()
        }
    }
}

impl SpentTime {
    fn left(&self, side: &InfrastructureName, part: Part, limit: Duration) -> Duration {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        limit.saturating_sub(used.get(&(side.clone(), part)).copied().unwrap_or_default())
    }

    fn note<T>(
        &self,
        side: &InfrastructureName,
        part: Part,
        took: Duration,
        result: &Result<T, Failure>,
    ) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (side.clone(), part);
        match result {
            Err(failure) if failure.kind == FailureKind::Unreachable => {
                *used.entry(key).or_default() += took;
            }
            _ => {
                used.remove(&key);
            }
        }
    }
}

impl Apis {
    /// Reads what `scope` names of the world of `topology`. Never fails as a whole: each part
    /// that could not be read says why. When `cancel` is triggered, what is not read yet fails; to
    /// read back after a stop was asked, give another token.
    pub async fn observe(
        &self,
        topology: &Topology,
        scope: &Scope,
        cancel: &CancellationToken,
    ) -> World {
        self.observe_in(topology, scope, None, cancel).await.0
    }

    /// The same, with what is doubtful about the records, one sentence or more each: only DNS
    /// leaves doubts.
    pub async fn observe_with_doubts(
        &self,
        topology: &Topology,
        scope: &Scope,
        cancel: &CancellationToken,
    ) -> (World, Vec<String>) {
        self.observe_in(topology, scope, None, cancel).await
    }

    /// How long [`Self::observe`] takes at most: the zones are listed, and then their records, some at a
    /// time, each list within the time of a call.
    pub fn reads_within(&self, topology: &Topology, scope: &Scope) -> Duration {
        let timing = self.timing();
        let hostnames = Names::of(topology, scope).hostnames.len();
        // Each list is of a zone that holds one of the names; an ambiguous world has two of one name.
        let rounds = (2 * hostnames).div_ceil(LISTS_AT_A_TIME);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX).saturating_add(1);
        timing.call.saturating_mul(rounds).max(timing.side_reads)
    }

    /// Reads back what writes can have changed, records and variables, in zones that are known
    /// from before: zones do not come and go during a swap.
    pub(crate) async fn read_back(
        &self,
        topology: &Topology,
        environment: &EnvironmentName,
        zones: &[Zone],
        cancel: &CancellationToken,
    ) -> World {
        let scope = Scope::written(Which::one(environment.clone()));
        self.observe_in(topology, &scope, Some(zones), cancel)
            .await
            .0
    }

    /// The zones that the token can see, for [`Self::observe_within`].
    pub(crate) async fn zones(&self, cancel: &CancellationToken) -> Result<Vec<Zone>, Failure> {
        let budget = Budget::new(self.timing().call, Some(cancel));
        let listed = self.cloudflare.list_zones(budget).await;
        listed.map_err(|error| error.failure())
    }

    /// Reads like [`Self::observe`], in zones that were just listed: whoever waits for something
    /// else meanwhile saves a round trip.
    pub(crate) async fn observe_within(
        &self,
        topology: &Topology,
        scope: &Scope,
        zones: &[Zone],
        cancel: &CancellationToken,
    ) -> World {
        self.observe_in(topology, scope, Some(zones), cancel)
            .await
            .0
    }

    async fn observe_in(
        &self,
        topology: &Topology,
        scope: &Scope,
        zones: Option<&[Zone]>,
        cancel: &CancellationToken,
    ) -> (World, Vec<String>) {
        let names = Names::of(topology, scope);
        let (told, variables, sides) = tokio::join!(
            self.observe_records(&names, scope, zones, cancel),
            self.observe_variables(topology, scope, &names.keys, cancel),
            self.observe_sides(topology, scope, cancel),
        );
        let (variables, certificates) = variables;
        let world = World {
            zones: told.zones,
            records: told.records,
            beside: told.beside,
            variables,
            sides,
            certificates,
        };
        (world, told.doubts)
    }

    async fn observe_records(
        &self,
        names: &Names<'_>,
        scope: &Scope,
        known: Option<&[Zone]>,
        cancel: &CancellationToken,
    ) -> Told {
        let told = |zones, records| Told {
            zones,
            records,
            beside: BTreeMap::new(),
            doubts: Vec::new(),
        };
        if !scope.records {
            return told(Reading::Read(Vec::new()), BTreeMap::new());
        }
        if let Some(dns) = &self.dns {
            let asked = stoppable(dns.observe(&names.hostnames), Some(cancel)).await;
            return asked.unwrap_or_else(|| {
                let stopped = Failure::new(
                    FailureKind::Unreachable,
                    "the run was stopped before DNS answered".to_owned(),
                )
                .because(Cause::Stopped);
                told(Reading::failed(stopped), BTreeMap::new())
            });
        }
        let budget = || Budget::new(self.timing().call, Some(cancel));
        let listed = match known {
            Some(zones) => Ok(zones.to_vec()),
            None => self.cloudflare.list_zones(budget()).await,
        };
        let mut zones = match listed {
            Ok(zones) => zones,
            Err(error) => return told(Reading::failed(error.failure()), BTreeMap::new()),
        };
        zones.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        zones.dedup_by(|a, b| a.id == b.id);
        let production = zones_to_read(&zones, &names.production);
        let (deciding, others): (Vec<&Zone>, Vec<&Zone>) = zones_to_read(&zones, &names.hostnames)
            .into_iter()
            .partition(|zone| production.iter().any(|one| one.id == zone.id));
        // A plan waits for every zone; who has which role, those of production's names tell.
        let brief = self.hurry.is_some() || scope.variables == Which::none();
        let decided = CancellationToken::new();
        let late = || async {
            decided.cancelled().await;
            tokio::time::sleep(self.timing().failover_reads).await;
        };
        // Made before they are streamed: a closure over borrowed zones would keep the whole
        // observation from being `Send`.
        let deciding: Vec<_> = deciding
            .into_iter()
            .map(|zone| async move { (zone.id.clone(), self.records_of(zone, budget()).await) })
            .collect();
        let others: Vec<_> = others
            .into_iter()
            .map(|zone| async {
                let read = tokio::select! {
                    biased;
                    read = self.records_of(zone, budget()) => read,
                    () = late(), if brief => (Reading::failed(self.too_late(zone)), Vec::new()),
                };
                (zone.id.clone(), read)
            })
            .collect();
        let deciding = async {
            let reads = futures::stream::iter(deciding).buffer_unordered(LISTS_AT_A_TIME);
            let reads: Vec<(ZoneId, Listed)> = reads.collect().await;
            decided.cancel();
            reads
        };
        let others = futures::stream::iter(others).buffer_unordered(LISTS_AT_A_TIME);
        let others = others.collect::<Vec<(ZoneId, Listed)>>();
        let (deciding, others) = tokio::join!(deciding, others);
        let lists = deciding.into_iter().chain(others);
        let (records, beside) = lists
            .map(|(id, (records, beside))| ((id.clone(), records), (id, beside)))
            .unzip();
        Told {
            beside,
            ..told(Reading::Read(zones), records)
        }
    }

    async fn records_of(&self, zone: &Zone, budget: Budget<'_>) -> Listed {
        match self.cloudflare.list_records(zone, budget).await {
            Ok((records, beside)) => (Reading::Read(records), beside),
            Err(error) => (Reading::failed(error.failure()), Vec::new()),
        }
    }

    /// A zone that decides nothing did not answer beside those that do.
    fn too_late(&self, zone: &Zone) -> Failure {
        let limit = seconds(self.timing().failover_reads);
        Failure::new(
            FailureKind::Unreachable,
            format!(
                "Cloudflare did not tell the records of `{}` within {limit} of those that say who \
                 is production",
                zone.name
            ),
        )
    }

    /// One list per project, even where two infrastructures share one.
    async fn observe_variables(
        &self,
        topology: &Topology,
        scope: &Scope,
        keys: &Keys,
        cancel: &CancellationToken,
    ) -> (
        BTreeMap<InfrastructureName, Reading<Vec<CiVariable>>>,
        BTreeMap<InfrastructureName, Vec<CertificateRow>>,
    ) {
        let mut projects: BTreeMap<&str, Vec<&InfrastructureName>> = BTreeMap::new();
        for (name, side) in &topology.infrastructures {
            if scope.variables.holds(name) {
                projects.entry(&side.gitlab_project).or_default().push(name);
            }
        }
        let reads = projects.into_iter().map(|(project, names)| async move {
            let reading = self
                .patiently(names[0], Part::Variables, "GitLab", |limit| async move {
                    let budget = Budget::new(limit, Some(cancel));
                    self.gitlab
                        .list_variables(project, keys, budget)
                        .await
                        .map_err(|error| error.failure())
                })
                .await;
            (names, reading)
        });
        let mut variables = BTreeMap::new();
        let mut certificates = BTreeMap::new();
        for (names, reading) in join_all(reads).await {
            for name in names {
                let rows: &Reading<Rows> = &reading;
                if let (Reading::Read(rows), Some(_)) = (rows, &keys.certificate) {
                    certificates.insert(name.clone(), rows.certificates.clone());
                }
                variables.insert(name.clone(), rows.map(|rows| rows.variables.clone()));
            }
        }
        (variables, certificates)
    }

    async fn observe_sides(
        &self,
        topology: &Topology,
        scope: &Scope,
        cancel: &CancellationToken,
    ) -> BTreeMap<InfrastructureName, Reading<Side>> {
        let reads = topology
            .infrastructures
            .iter()
            .filter(|(name, _)| scope.sides.holds(name))
            .map(|(name, side)| async move {
                let wanted = topology.name_tags(name, |one| scope.environments.holds(one));
                let wanted = &wanted;
                let reading = self
                    .patiently(name, Part::Machines, "EC2", |limit| async move {
                        stoppable(self.ec2.read_side(&side.aws, wanted, limit), Some(cancel))
                            .await
                            .unwrap_or_else(|| {
                                Err(Failure::new(
                                    FailureKind::Unreachable,
                                    format!(
                                        "the run was stopped before EC2 in {} answered",
                                        side.aws.region
                                    ),
                                )
                                .because(Cause::Stopped))
                            })
                    })
                    .await;
                (name.clone(), reading)
            });
        join_all(reads).await.into_iter().collect()
    }

    /// Reads one part of one side within what is left of its time.
    async fn patiently<T, F>(
        &self,
        side: &InfrastructureName,
        part: Part,
        api: &str,
        read: impl FnOnce(Duration) -> F,
    ) -> Reading<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut limit = self.timing().side_reads;
        if let Some(hurry) = &self.hurry {
            if let Some(failure) = hurry.known.get(&(side.clone(), part)) {
                return Reading::failed(failure.clone());
            }
            if part != Part::Machines || *side != hurry.promoted {
                limit = limit.min(self.timing().failover_reads);
            }
        }
        let left = self.spent.left(side, part, limit);
        if left.is_zero() {
            return Reading::failed(
                Failure::new(
                    FailureKind::Unreachable,
                    format!(
                        "{api} was not asked again for {side}: it did not answer for {} before",
                        seconds(limit)
                    ),
                )
                .because(Cause::NoAnswer),
            );
        }
        let started = Instant::now();
        let result = read(left).await;
        self.spent.note(side, part, started.elapsed(), &result);
        match result {
            Ok(value) => Reading::Read(value),
            Err(failure) => Reading::failed(failure),
        }
    }
}

/// The records of a zone, and what else in it decides where a name leads.
type Listed = (Reading<Vec<Record>>, Vec<BesideRecord>);

/// What a scope names, collected.
struct Names<'a> {
    hostnames: BTreeSet<&'a Hostname>,
    /// Those of production, which decide who that is.
    production: BTreeSet<&'a Hostname>,
    keys: Keys,
}

impl<'a> Names<'a> {
    fn of(topology: &'a Topology, scope: &Scope) -> Self {
        let mut names = Self {
            hostnames: BTreeSet::new(),
            production: BTreeSet::new(),
            keys: Keys {
                certificate: topology.certificate_variable.clone(),
                ..Keys::default()
            },
        };
        for (name, environment) in &topology.environments {
            if scope.environments.holds(name) {
                names.hostnames.extend(environment.hostnames().keys());
                let production = environment.production.hostnames.keys();
                names.production.extend(production);
                names
                    .keys
                    .variables
                    .extend(environment.variable_keys().cloned());
            }
        }
        names
    }
}

/// The zones that hold one of `hostnames`: for each, the active ones with the longest matching
/// name. Inactive zones are served elsewhere and are not read.
fn zones_to_read<'a>(zones: &'a [Zone], hostnames: &BTreeSet<&Hostname>) -> Vec<&'a Zone> {
    let mut by_name: HashMap<&str, Vec<&Zone>> = HashMap::new();
    for zone in zones.iter().filter(|zone| zone.active) {
        by_name.entry(zone.name.as_str()).or_default().push(zone);
    }
    let mut found = BTreeMap::new();
    for hostname in hostnames {
        let mut suffix = Some(hostname.as_str());
        while let Some(name) = suffix {
            if let Some(zones) = by_name.get(name) {
                found.extend(zones.iter().map(|zone| (&zone.id, *zone)));
                break;
            }
            suffix = name.split_once('.').map(|(_, rest)| rest);
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str, name: &str, active: bool) -> Zone {
        Zone {
            id: id.parse().unwrap(),
            name: name.parse().unwrap(),
            active,
            batch_limit: 200,
            account: None,
        }
    }

    #[test]
    fn only_zones_that_hold_a_hostname_are_read() {
        let zones = [
            zone("1", "example.org", true),
            zone("2", "sub.example.org", true),
            zone("3", "moved.example.org", false),
            zone("4", "example.net", true),
            zone("5", "ample.org", true),
        ];
        let read = |names: &[&str]| {
            let names: Vec<Hostname> = names.iter().map(|n| n.parse().unwrap()).collect();
            zones_to_read(&zones, &names.iter().collect())
                .iter()
                .map(|z| z.id.to_string())
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(read(&["example.org", "a.b.example.org"]), "1");
        assert_eq!(read(&["a.sub.example.org"]), "2");
        assert_eq!(read(&["a.moved.example.org"]), "1");
        assert_eq!(read(&["example.net", "sub.example.org"]), "2,4");
        assert_eq!(read(&["example.com"]), "");
    }
}
