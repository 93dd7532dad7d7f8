//! `DescribeAddresses`, which knows no pages.

use std::collections::BTreeSet;

use super::{Failure, Place, filter, xml::Xml};
use crate::world::{Address, Instance, InstanceState};

const FILTERS: [&str; 8] = [
    "allocation-id",
    "association-id",
    "instance-id",
    "network-border-group",
    "network-interface-id",
    "network-interface-owner-id",
    "private-ip-address",
    "public-ip",
];

/// An address with what it is associated with now.
struct Associated<'a> {
    address: &'a Address,
    instance: Option<&'a Instance>,
}

impl Associated<'_> {
    fn association_id(&self) -> Option<String> {
        let associated = self.instance.is_some() || self.address.other_association;
        associated.then(|| {
            self.address
                .allocation_id
                .replacen("eipalloc", "eipassoc", 1)
        })
    }

    fn interface_id(&self) -> Option<String> {
        self.association_id()
            .map(|id| id.replacen("eipassoc", "eni", 1))
    }
}

/// Lists the addresses that ids and filters select; an id that is not there is an error, a filter that
/// matches nothing is not.
pub(super) fn describe(place: &Place<'_>, form: &[(String, String)]) -> Result<Xml, Failure> {
    let filters = filter::read(form, &FILTERS)?;
    let addresses = &place.region.addresses;
    let public_ips = filter::list(form, "PublicIp");
    let allocations = filter::list(form, "AllocationId");
    for ip in &public_ips {
        if !addresses.iter().any(|address| address.public_ip == *ip) {
            let message = format!("Address '{ip}' not found.");
            return Err(Failure::new(400, "InvalidAddress.NotFound", message));
        }
    }
    for id in &allocations {
        if !addresses.iter().any(|address| address.allocation_id == *id) {
            let message = format!("The allocation ID '{id}' does not exist");
            return Err(Failure::new(400, "InvalidAllocationID.NotFound", message));
        }
    }

    let mut set = Xml::part();
    set.open("addressesSet");
    for address in addresses {
        let named = (public_ips.is_empty() || public_ips.contains(&address.public_ip.as_str()))
            && (allocations.is_empty() || allocations.contains(&address.allocation_id.as_str()));
        let found = Associated {
            address,
            // AWS lets go of an address when its instance is terminated.
            instance: place.region.instances.iter().find(|instance| {
                address.instance_id.as_ref() == Some(&instance.id)
                    && instance.state != InstanceState::Terminated
            }),
        };
        let attribute = |name: &str| attribute(place, &found, name);
        if named && filter::passes(&filters, &address.tags, attribute) {
            item(&mut set, place, &found);
        }
    }
    set.close("addressesSet");
    Ok(set)
}

fn attribute(place: &Place<'_>, found: &Associated<'_>, name: &str) -> BTreeSet<String> {
    let value = match name {
        "allocation-id" => Some(found.address.allocation_id.clone()),
        "association-id" => found.association_id(),
        "instance-id" => found.instance.map(|instance| instance.id.clone()),
        "network-border-group" => Some(place.name.to_owned()),
        "network-interface-id" => found.interface_id(),
        "network-interface-owner-id" => found.interface_id().map(|_| place.account.id.clone()),
        "private-ip-address" => found.instance.map(|instance| instance.private_ip.clone()),
        "public-ip" => Some(found.address.public_ip.clone()),
        _ => None,
    };
    value.into_iter().collect()
}

fn item(set: &mut Xml, place: &Place<'_>, found: &Associated<'_>) {
    set.open("item");
    set.text("publicIp", &found.address.public_ip);
    set.text("allocationId", &found.address.allocation_id);
    if let Some(id) = found.association_id() {
        set.text("associationId", &id);
    }
    set.text("domain", "vpc");
    if let Some(instance) = found.instance {
        set.text("instanceId", &instance.id);
    }
    if let Some(id) = found.interface_id() {
        set.text("networkInterfaceId", &id);
        set.text("networkInterfaceOwnerId", &place.account.id);
    }
    if let Some(instance) = found.instance {
        set.text("privateIpAddress", &instance.private_ip);
    }
    set.text("publicIpv4Pool", "amazon");
    set.text("networkBorderGroup", place.name);
    set.tags(&found.address.tags);
    set.close("item");
}
