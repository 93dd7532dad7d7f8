//! One environment, as observed: everything a decision about it needs, and nothing else.
//!
//! An [`Observation`] is made from a [`World`](crate::world::World), pure, and travels from
//! refresh to plan to apply (in a Terraform resource's private data, in a saved plan). It holds no
//! times and no secrets: values are those of role variables, which are public names.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{
    name::{EndpointName, EnvironmentName, Hostname, InfrastructureName, VariableKey},
    topology::TopologyDigest,
    world::{CiVariable, ElasticIp, Instance, Reading, Record, Zone},
};

/// What was observed of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The topology that this was read for.
    pub topology: TopologyDigest,
    /// The environment.
    pub environment: EnvironmentName,
    /// Every managed hostname of the environment.
    pub names: BTreeMap<Hostname, NameObservation>,
    /// Per infrastructure of the topology: its rows for the environment's variable keys.
    pub variables: BTreeMap<InfrastructureName, Reading<VariableRows>>,
    /// Per infrastructure of the topology: its machines for this environment.
    pub sides: BTreeMap<InfrastructureName, Reading<SideObservation>>,
}

/// Rows by key; every scope is kept, sorted. A key without rows has an empty list.
pub type VariableRows = BTreeMap<VariableKey, Vec<CiVariable>>;

/// The machines of one side by endpoint; every endpoint of the topology has an entry.
pub type SideObservation = BTreeMap<EndpointName, EndpointObservation>;

/// What was observed of one hostname.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameObservation {
    /// The longest matching active zone that the token can see.
    pub zone: Option<Zone>,
    /// Its A, AAAA and CNAME records, sorted.
    pub records: Vec<Record>,
    /// A records of unmanaged names in the visible zones that hold an Elastic IP of this
    /// hostname's endpoint; kept only for a hostname without a record.
    pub look_alikes: Vec<Record>,
}

/// What was observed of one machine of one side.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndpointObservation {
    /// Elastic IPs with the expected Name tag.
    pub elastic_ips: Vec<ElasticIp>,
    /// Instances: those the Elastic IPs are associated with, and those with the expected Name tag.
    pub instances: Vec<Instance>,
}

impl NameObservation {
    /// The single A record, where there is exactly one and no AAAA or CNAME beside it.
    pub fn single_a(&self) -> Option<&Record> {
        match self.records.as_slice() {
            [record] if record.address().is_some() => Some(record),
            _ => None,
        }
    }

    /// The address of [`Self::single_a`].
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.single_a().and_then(Record::address)
    }
}

impl EndpointObservation {
    /// The address, where exactly one Elastic IP has the expected name.
    pub fn address(&self) -> Option<Ipv4Addr> {
        match self.elastic_ips.as_slice() {
            [eip] => Some(eip.address),
            _ => None,
        }
    }
}
