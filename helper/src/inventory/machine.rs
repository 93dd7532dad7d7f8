//! Which EC2 instance stands for an endpoint, and at which addresses.

use std::net::Ipv4Addr;

use gigadb_engine::{observation::EndpointObservation, world::Instance};

use super::data;

/// Which address Ansible connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AddressKind {
    /// The bastion's public one, and the private ones of all others through their own bastion.
    #[default]
    ByEndpoint,
    /// Every host's private one, through its own bastion.
    Private,
    /// Every host's public one, directly.
    Public,
}

/// The instance of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine<'a> {
    pub(super) instance: &'a Instance,
    /// Its Name tag, or the expected one where it has none.
    pub(super) name: &'a str,
    pub(super) public: Option<Ipv4Addr>,
    pub(super) private: Option<Ipv4Addr>,
}

/// Finds the instance: the one that holds the Elastic IP, else the only one with the expected
/// Name tag. Says what is doubtful about it in full sentences, or why there is none.
pub(super) fn locate<'a>(
    observed: &'a EndpointObservation,
    named: &'a str,
) -> Result<(Machine<'a>, Vec<String>), String> {
    let mut doubts = Vec::new();
    let eip = match observed.elastic_ips.as_slice() {
        [eip] => Some(eip),
        [] => None,
        several => {
            let several: Vec<String> = several.iter().map(|e| e.address.to_string()).collect();
            doubts.push(format!(
                "{} Elastic IPs have the expected Name tag ({}); none of them is used.",
                several.len(),
                several.join(", ")
            ));
            None
        }
    };
    let by_id = |id: &_| observed.instances.iter().find(|i| i.id == *id);
    let associated = eip.and_then(|eip| by_id(eip.instance_id.as_ref()?));
    let with_name: Vec<&Instance> = observed
        .instances
        .iter()
        .filter(|i| i.name == named)
        .collect();
    let instance = match (associated, with_name.as_slice()) {
        (Some(instance), _) => {
            if with_name.len() > 1 {
                doubts.push(format!(
                    "{} instances are named `{named}`; {} holds the Elastic IP and is used.",
                    with_name.len(),
                    instance.id
                ));
            }
            instance
        }
        (None, [instance]) => {
            if let Some(eip) = eip {
                doubts.push(format!(
                    "Elastic IP {} is not associated with {}, the instance named `{named}`.",
                    eip.address, instance.id
                ));
            }
            instance
        }
        (None, []) => {
            return Err(format!("there is no instance named `{named}`."));
        }
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|i| i.id.as_str()).collect();
            return Err(format!(
                "{} instances are named `{named}` ({}), and none holds the Elastic IP.",
                several.len(),
                ids.join(", ")
            ));
        }
    };
    let name = if instance.name.is_empty() {
        named
    } else {
        &instance.name
    };
    if instance.name.is_empty() {
        doubts.push(format!(
            "{} has no Name tag; it is used as `{named}`, because it holds the Elastic IP.",
            instance.id
        ));
    } else if instance.name != named {
        doubts.push(format!(
            "{} is named `{}`, not `{named}`; it is used because it holds the Elastic IP.",
            instance.id,
            data::printable(&instance.name)
        ));
    }
    if !instance.is_running() {
        doubts.push(format!("{} is {}.", instance.id, instance.state));
    }
    let public = match (associated, eip) {
        (Some(_), Some(eip)) => Some(eip.address),
        _ => instance.public_address,
    };
    let machine = Machine {
        instance,
        name,
        public,
        private: instance.private_address,
    };
    Ok((machine, doubts))
}
