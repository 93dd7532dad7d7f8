//! One environment, as observed: everything a decision about it needs, and nothing else.
//!
//! An [`Observation`] is made from a [`World`], pure, and travels from
//! refresh to plan to apply (in a Terraform resource's private data, in a saved plan). It holds no
//! times and no secrets: values are those of role variables, which are public names.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use crate::homeless::{Homeless, zone_for};
pub use crate::observed_machine::{EndpointObservation, SideObservation};
pub use crate::observed_name::NameObservation;
use crate::{
    beside, homeless,
    lookup::{Lookup, Machines},
    name::{
        EndpointName, EnvironmentName, Hostname, InfrastructureName, Role, VariableKey, ZoneName,
    },
    nearest::nearest,
    observed_name::records_of,
    scope,
    topology::{Environment, Topology, TopologyDigest},
    world::{CiVariable, Failure, Reading, Record, StoredCertificate, World, Zone},
};

/// What was observed of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The topology that this was read for.
    pub topology: TopologyDigest,
    /// The environment.
    pub environment: EnvironmentName,
    /// The zones that the token can see, sorted by name.
    pub zones: Vec<Zone>,
    /// Every managed hostname of the environment.
    pub names: BTreeMap<Hostname, NameObservation>,
    /// Per infrastructure of the topology: its rows for the environment's variable keys.
    pub variables: BTreeMap<InfrastructureName, Reading<VariableRows>>,
    /// Per infrastructure of the topology: its machines for this environment.
    pub sides: BTreeMap<InfrastructureName, Reading<SideObservation>>,
    /// Per infrastructure, where the topology names a `certificate_variable`: what was parsed of
    /// the certificate that this environment gets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<InfrastructureName, StoredCertificate>,
    /// How many seconds before this reading a side was read that could not be read now, where that
    /// is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ages: BTreeMap<InfrastructureName, u64>,
}

/// Rows by key; every scope is kept, sorted. A key without rows has an empty list.
pub type VariableRows = BTreeMap<VariableKey, Vec<CiVariable>>;

/// Why a world cannot be projected on an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// The topology has no such environment.
    #[error("the topology has no environment `{environment}`{}", .nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownEnvironment {
        /// The environment as asked for.
        environment: EnvironmentName,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// The records, on which every decision rests, could not be read.
    #[error("{object} could not be read: {failure}")]
    Records {
        /// "the list of zones" or "the records of zone `…`".
        object: String,
        /// Why.
        failure: Failure,
    },
}

impl Observation {
    /// Projects `world` on one environment. What could not be read now keeps what `previous`
    /// knew, as long as that was observed under the same topology. Where the zone of a name of the
    /// hot standby could not be read, who is production is known all the same; that of a name of
    /// production decides, and is an error.
    pub fn project(
        topology: &Topology,
        environment: &EnvironmentName,
        world: &World,
        previous: Option<&Self>,
    ) -> Result<Self, ProjectError> {
        let lookup = Lookup::new(world);
        let place = (topology.digest(), environment, Decisive::Production);
        Self::project_under(topology, place, (world, &lookup), previous)
    }

    /// The same for what is only told, or compared with what was written: no zone has to be
    /// readable, only the list of them.
    pub fn project_as_far_as_read(
        topology: &Topology,
        environment: &EnvironmentName,
        world: &World,
        previous: Option<&Self>,
    ) -> Result<Self, ProjectError> {
        let lookup = Lookup::new(world);
        let place = (topology.digest(), environment, Decisive::None);
        Self::project_under(topology, place, (world, &lookup), previous)
    }

    /// Projects `world` on every environment of the topology, in time linear in their number.
    pub fn project_each(
        topology: &Topology,
        world: &World,
    ) -> BTreeMap<EnvironmentName, Result<Self, ProjectError>> {
        let lookup = Lookup::new(world);
        let digest = topology.digest();
        let one = |environment: &EnvironmentName| {
            let place = (digest.clone(), environment, Decisive::Production);
            Self::project_under(topology, place, (world, &lookup), None)
        };
        let environments = topology.environments.keys();
        environments.map(|name| (name.clone(), one(name))).collect()
    }

    fn project_under(
        topology: &Topology,
        (digest, environment, decisive): (TopologyDigest, &EnvironmentName, Decisive),
        (world, lookup): (&World, &Lookup<'_>),
        previous: Option<&Self>,
    ) -> Result<Self, ProjectError> {
        let table = environment_of(topology, environment)?;
        let previous = previous.filter(|p| p.topology == digest && p.environment == *environment);
        let zones = match &world.zones {
            Reading::Read(zones) => {
                let mut zones = zones.clone();
                zones.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
                zones
            }
            Reading::Failed { failure, .. } => {
                return Err(ProjectError::Records {
                    object: "the list of zones".to_owned(),
                    failure: failure.clone(),
                });
            }
        };
        let sides: BTreeMap<_, _> = topology
            .infrastructures
            .keys()
            .map(|infrastructure| {
                let fresh = side_reading(topology, environment, infrastructure, world, lookup);
                let known = previous.and_then(|p| p.sides.get(infrastructure));
                (infrastructure.clone(), or_last_known(fresh, known))
            })
            .collect();
        let variables = topology
            .infrastructures
            .keys()
            .map(|infrastructure| {
                let fresh = rows_reading(table, infrastructure, world);
                let known = previous.and_then(|p| p.variables.get(infrastructure));
                (infrastructure.clone(), or_last_known(fresh, known))
            })
            .collect();
        let names = Names {
            topology,
            table,
            decisive,
            zones: &zones,
            known: previous.map(|previous| &previous.names),
            world,
            lookup,
            sides: &sides,
        }
        .observed()?;
        let certificates = certificates(topology, environment, world, previous);
        Ok(Self {
            topology: digest,
            environment: environment.clone(),
            zones,
            names,
            variables,
            sides,
            certificates,
            ages: BTreeMap::new(),
        })
    }

    /// The zone of a managed hostname.
    pub fn zone_of(&self, hostname: &Hostname) -> Option<&ZoneName> {
        self.names.get(hostname)?.zone.as_ref().map(|z| &z.name)
    }

    /// Why a managed hostname belongs to no zone whose records count; `None` where it does.
    pub fn homeless(&self, hostname: &Hostname) -> Option<Homeless> {
        if self
            .names
            .get(hostname)
            .is_some_and(|name| name.zone.is_some())
        {
            return None;
        }
        Homeless::among(&self.zones, hostname)
    }

    /// Why a managed hostname has no address, as a clause.
    pub fn no_address(&self, hostname: &Hostname) -> String {
        let subject = format!("`{hostname}`");
        match (self.homeless(hostname), self.names.get(hostname)) {
            (Some(homeless), _) => homeless.clause(hostname),
            (None, Some(name)) => name.fault_in_full(&subject),
            (None, None) => format!("{subject} was not read"),
        }
    }

    /// Who decides where a managed hostname leads, where that is none of its own records.
    pub fn elsewhere(&self, hostname: &Hostname) -> Option<String> {
        if let Some(homeless) = self.homeless(hostname) {
            return Some(homeless.clause(hostname));
        }
        self.names
            .get(hostname)?
            .elsewhere(&format!("`{hostname}`"))
    }

    /// The apex of the environment, judged by the zones that were seen.
    pub fn apex<'a>(&'a self, environment: &'a Environment) -> Option<&'a Hostname> {
        environment.apex(|hostname| self.zone_of(hostname))
    }

    /// The infrastructure one of whose Elastic IPs is `address`.
    pub fn owner(&self, address: Ipv4Addr) -> Option<&InfrastructureName> {
        self.owners(address).next()
    }

    /// The same, with `left_out` left out.
    pub(crate) fn owner_beside(
        &self,
        left_out: &InfrastructureName,
        address: Ipv4Addr,
    ) -> Option<&InfrastructureName> {
        self.owners(address).find(|owner| *owner != left_out)
    }

    fn owners(&self, address: Ipv4Addr) -> impl Iterator<Item = &InfrastructureName> {
        self.sides.iter().filter_map(move |(infrastructure, side)| {
            side.known()?
                .values()
                .any(|endpoint| endpoint.addresses().any(|a| a == address))
                .then_some(infrastructure)
        })
    }

    /// The infrastructure that holds the apex: who is production, by the records.
    pub fn apex_holder(&self, environment: &Environment) -> Option<&InfrastructureName> {
        self.owner(self.names.get(self.apex(environment)?)?.address()?)
    }

    /// The address that `endpoint` of `infrastructure` is known by.
    pub fn address(
        &self,
        infrastructure: &InfrastructureName,
        endpoint: &EndpointName,
    ) -> Option<Ipv4Addr> {
        self.sides
            .get(infrastructure)?
            .known()?
            .get(endpoint)?
            .address()
    }

    /// The rows of a variable in exactly the environment's scope.
    pub fn exact_rows(
        &self,
        infrastructure: &InfrastructureName,
        key: &VariableKey,
    ) -> Vec<&CiVariable> {
        self.variables
            .get(infrastructure)
            .and_then(Reading::known)
            .and_then(|rows| rows.get(key))
            .map(|rows| {
                rows.iter()
                    .filter(|r| r.scope == self.environment.as_str())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// The value of a variable in exactly the environment's scope, where it can be read.
    pub fn value(&self, infrastructure: &InfrastructureName, key: &VariableKey) -> Option<&str> {
        match self.exact_rows(infrastructure, key).as_slice() {
            [row] => row.value.as_deref(),
            _ => None,
        }
    }

    /// Every part that could not be read now: what it is, and why.
    pub fn failures(&self) -> Vec<(Part, &Failure)> {
        let sides = self
            .sides
            .iter()
            .filter_map(|(i, r)| Some((Part::Region(i.clone()), r.failure()?)));
        let variables = self
            .variables
            .iter()
            .filter_map(|(i, r)| Some((Part::Variables(i.clone()), r.failure()?)));
        let zones: BTreeMap<&ZoneName, &Failure> = self
            .names
            .values()
            .filter_map(|name| Some((&name.zone.as_ref()?.name, name.unread.as_ref()?)))
            .collect();
        let zones = zones
            .into_iter()
            .map(|(zone, f)| (Part::Zone(zone.clone()), f));
        zones.chain(sides).chain(variables).collect()
    }
}

/// A part of the world that is read, and can fail, as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The records of a zone.
    Zone(ZoneName),
    /// Elastic IPs and instances of a side.
    Region(InfrastructureName),
    /// The GitLab variables of a side's project.
    Variables(InfrastructureName),
}

/// The table of an environment, or an error that names the nearest one.
pub fn environment_of<'a>(
    topology: &'a Topology,
    environment: &EnvironmentName,
) -> Result<&'a Environment, ProjectError> {
    topology
        .environments
        .get(environment)
        .ok_or_else(|| ProjectError::UnknownEnvironment {
            environment: environment.clone(),
            nearest: nearest(
                environment.as_str(),
                topology.environments.keys().map(EnvironmentName::as_str),
            )
            .map(str::to_owned),
        })
}

fn or_last_known<T: Clone>(fresh: Reading<T>, known: Option<&Reading<T>>) -> Reading<T> {
    match fresh {
        Reading::Failed {
            failure,
            last_known: None,
        } => Reading::Failed {
            failure,
            last_known: known.and_then(Reading::known).cloned(),
        },
        fresh => fresh,
    }
}

fn not_asked(object: &str) -> Failure {
    Failure::new(
        crate::world::FailureKind::Unreachable,
        format!("{object} was not read"),
    )
}

fn side_reading(
    topology: &Topology,
    environment: &EnvironmentName,
    infrastructure: &InfrastructureName,
    world: &World,
    lookup: &Lookup<'_>,
) -> Reading<SideObservation> {
    let Some(reading) = world.sides.get(infrastructure) else {
        return Reading::failed(not_asked("this region"));
    };
    let machines = lookup.machines(infrastructure);
    reading.map(|_| {
        topology
            .endpoints
            .keys()
            .map(|endpoint| {
                let eip = topology.eip_name(infrastructure, environment, endpoint);
                let instance = topology.instance_name(infrastructure, environment, endpoint);
                let observed =
                    machines.map(|found| endpoint_of(found, eip.as_deref(), instance.as_deref()));
                (endpoint.clone(), observed.unwrap_or_default())
            })
            .collect()
    })
}

fn endpoint_of(
    machines: &Machines<'_>,
    eip: Option<&str>,
    instance: Option<&str>,
) -> EndpointObservation {
    let elastic_ips = eip.map_or_else(Vec::new, |name| machines.elastic_ips(name));
    let instances = machines.instances(instance, &elastic_ips);
    EndpointObservation {
        elastic_ips,
        instances,
        ..EndpointObservation::default()
    }
}

fn rows_reading(
    table: &Environment,
    infrastructure: &InfrastructureName,
    world: &World,
) -> Reading<VariableRows> {
    let Some(reading) = world.variables.get(infrastructure) else {
        return Reading::failed(not_asked("this project's variables"));
    };
    reading.map(|rows| {
        let mut by_key: VariableRows = table
            .variable_keys()
            .map(|key| (key.clone(), Vec::new()))
            .collect();
        for row in rows {
            if let Some(of_key) = by_key.get_mut(&row.key) {
                of_key.push(row.clone());
            }
        }
        for of_key in by_key.values_mut() {
            of_key.sort();
        }
        by_key
    })
}

fn certificates(
    topology: &Topology,
    environment: &EnvironmentName,
    world: &World,
    previous: Option<&Observation>,
) -> BTreeMap<InfrastructureName, StoredCertificate> {
    if topology.certificate_variable.is_none() {
        return BTreeMap::new();
    }
    topology
        .infrastructures
        .keys()
        .filter_map(|infrastructure| {
            let known = previous.and_then(|p| p.certificates.get(infrastructure));
            let certificate = match world.certificates.get(infrastructure) {
                Some(rows) => scope::of_environment(rows, environment),
                None => known?.clone(),
            };
            Some((infrastructure.clone(), certificate))
        })
        .collect()
}

/// The names whose zone must be readable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decisive {
    /// Those of production: they say who is production.
    Production,
    /// None.
    None,
}

/// What the names of an environment are made from.
struct Names<'a> {
    topology: &'a Topology,
    table: &'a Environment,
    decisive: Decisive,
    zones: &'a [Zone],
    known: Option<&'a BTreeMap<Hostname, NameObservation>>,
    world: &'a World,
    lookup: &'a Lookup<'a>,
    sides: &'a BTreeMap<InfrastructureName, Reading<SideObservation>>,
}

impl Names<'_> {
    fn observed(&self) -> Result<BTreeMap<Hostname, NameObservation>, ProjectError> {
        let managed = self.table.hostnames().into_iter();
        managed
            .map(|(hostname, (role, endpoint))| {
                let zone = homeless::zone_for(hostname, self.zones);
                let failure = zone.and_then(|zone| self.failure(zone));
                let name = match (zone, failure) {
                    (Some(zone), Some(failure)) => {
                        if role == Role::Production && self.decisive == Decisive::Production {
                            let object = records_of(zone);
                            return Err(ProjectError::Records { object, failure });
                        }
                        self.unread(hostname, zone, failure)
                    }
                    (zone, _) => self.read(hostname, endpoint, zone),
                };
                Ok((hostname.clone(), name))
            })
            .collect()
    }

    /// Why the records of a zone could not be read.
    fn failure(&self, zone: &Zone) -> Option<Failure> {
        match self.world.records.get(&zone.id) {
            Some(reading) => reading.failure().cloned(),
            None => Some(not_asked("this zone")),
        }
    }

    fn unread(&self, hostname: &Hostname, zone: &Zone, failure: Failure) -> NameObservation {
        let known = self.known.and_then(|names| names.get(hostname));
        NameObservation {
            zone: Some(zone.clone()),
            records: known.map(|name| name.records.clone()).unwrap_or_default(),
            look_alikes: Vec::new(),
            beside: known.map(|name| name.beside.clone()).unwrap_or_default(),
            unread: Some(failure),
        }
    }

    fn read(
        &self,
        hostname: &Hostname,
        endpoint: &EndpointName,
        zone: Option<&Zone>,
    ) -> NameObservation {
        let found = zone.map(|zone| self.lookup.records(&zone.id, hostname));
        let mut records: Vec<Record> = found
            .into_iter()
            .flatten()
            .map(|one| (*one).clone())
            .collect();
        records.sort();
        let beside = zone.and_then(|zone| {
            let all = self.world.beside.get(&zone.id)?;
            let has_records = !records.is_empty();
            Some(beside::of_hostname(hostname, &zone.name, has_records, all))
        });
        let look_alikes = if records.is_empty() {
            look_alikes(self.topology, endpoint, self.world, self.sides)
        } else {
            Vec::new()
        };
        NameObservation {
            zone: zone.cloned(),
            records,
            look_alikes,
            beside: beside.unwrap_or_default(),
            unread: None,
        }
    }
}

/// A records of unmanaged names that hold an Elastic IP of `endpoint`.
fn look_alikes(
    topology: &Topology,
    endpoint: &EndpointName,
    world: &World,
    sides: &BTreeMap<InfrastructureName, Reading<SideObservation>>,
) -> Vec<Record> {
    let addresses: Vec<Ipv4Addr> = sides
        .values()
        .filter_map(|side| side.known()?.get(endpoint))
        .flat_map(|e| e.elastic_ips.iter().map(|eip| eip.address))
        .collect();
    let managed = |name: &Hostname| {
        topology
            .environments
            .values()
            .any(|e| e.hostname(name).is_some())
    };
    let mut found: Vec<Record> = world
        .records
        .values()
        .filter_map(Reading::read)
        .flatten()
        .filter(|r| r.address().is_some_and(|a| addresses.contains(&a)) && !managed(&r.name))
        .cloned()
        .collect();
    found.sort();
    found
}
