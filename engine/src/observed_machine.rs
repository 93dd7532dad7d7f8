//! What was observed of the machines of one side.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::{
    name::EndpointName,
    world::{ElasticIp, Instance},
};

/// The machines of one side by endpoint; every endpoint of the topology has an entry.
pub type SideObservation = BTreeMap<EndpointName, EndpointObservation>;

/// What was observed of one machine of one side.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndpointObservation {
    /// Elastic IPs with the expected Name tag.
    pub elastic_ips: Vec<ElasticIp>,
    /// Instances: those the Elastic IPs are associated with, and those with the expected Name tag.
    pub instances: Vec<Instance>,
    /// The address that is taken for this machine's where EC2 could not say; see
    /// [`Observation::assume_addresses`](crate::observation::Observation::assume_addresses).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed: Option<Ipv4Addr>,
    /// The address that EC2 gave before, where it is only told and not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<Ipv4Addr>,
}

impl EndpointObservation {
    /// The address, where exactly one Elastic IP has the expected name, else the assumed one.
    pub fn address(&self) -> Option<Ipv4Addr> {
        match self.elastic_ips.as_slice() {
            [eip] => Some(eip.address),
            _ => self.assumed,
        }
    }

    /// Every address that belongs to this machine.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.elastic_ips
            .iter()
            .map(|eip| eip.address)
            .chain(self.assumed)
    }
}
