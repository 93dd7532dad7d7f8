//! The world by what is looked up in it, so that what is looked for in it often costs no more time
//! than it has parts.

use std::collections::HashMap;

use crate::{
    name::{Hostname, InfrastructureName, InstanceId, ZoneId},
    world::{ElasticIp, Instance, Reading, Record, Side, World},
};

/// Views into a [`World`].
pub(crate) struct Lookup<'w> {
    records: HashMap<&'w ZoneId, HashMap<&'w Hostname, Vec<&'w Record>>>,
    machines: HashMap<&'w InfrastructureName, Machines<'w>>,
}

/// The machines of one side, as far as they are known.
#[derive(Default)]
pub(crate) struct Machines<'w> {
    elastic_ips: HashMap<&'w str, Vec<&'w ElasticIp>>,
    by_name: HashMap<&'w str, Vec<&'w Instance>>,
    by_id: HashMap<&'w InstanceId, Vec<&'w Instance>>,
}

impl<'w> Lookup<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        let mut records: HashMap<_, HashMap<_, Vec<_>>> = HashMap::new();
        for (zone, reading) in &world.records {
            let of_zone = records.entry(zone).or_default();
            for record in reading.read().into_iter().flatten() {
                of_zone.entry(&record.name).or_default().push(record);
            }
        }
        let known = |(name, reading): (&'w InfrastructureName, &'w Reading<Side>)| {
            Some((name, Machines::new(reading.known()?)))
        };
        let machines = world.sides.iter().filter_map(known).collect();
        Self { records, machines }
    }

    /// The records of a name that were read now.
    pub(crate) fn records(&self, zone: &ZoneId, hostname: &Hostname) -> &[&'w Record] {
        self.records
            .get(zone)
            .and_then(|of_zone| of_zone.get(hostname))
            .map_or(&[], Vec::as_slice)
    }

    /// The machines of a side; `None` where nothing is known of them.
    pub(crate) fn machines(&self, side: &InfrastructureName) -> Option<&Machines<'w>> {
        self.machines.get(side)
    }
}

impl<'w> Machines<'w> {
    fn new(side: &'w Side) -> Self {
        let mut machines = Self::default();
        for address in &side.elastic_ips {
            let named = machines.elastic_ips.entry(&address.name).or_default();
            named.push(address);
        }
        for instance in &side.instances {
            let named = machines.by_name.entry(&instance.name).or_default();
            named.push(instance);
            machines
                .by_id
                .entry(&instance.id)
                .or_default()
                .push(instance);
        }
        machines
    }

    /// The Elastic IPs of a name, sorted.
    pub(crate) fn elastic_ips(&self, name: &str) -> Vec<ElasticIp> {
        let mut named: Vec<ElasticIp> = cloned(self.elastic_ips.get(name)).collect();
        named.sort();
        named
    }

    /// The instances of a name and those that the addresses are associated with, sorted.
    pub(crate) fn instances(&self, name: Option<&str>, addresses: &[ElasticIp]) -> Vec<Instance> {
        let of_name = name.and_then(|name| self.by_name.get(name));
        let mut found: Vec<Instance> = cloned(of_name).collect();
        let mut ids: Vec<&InstanceId> = addresses
            .iter()
            .filter_map(|address| address.instance_id.as_ref())
            .collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let associated = cloned(self.by_id.get(id));
            found.extend(associated.filter(|instance| Some(instance.name.as_str()) != name));
        }
        found.sort();
        found
    }
}

fn cloned<'a, T: Clone + 'a>(found: Option<&'a Vec<&T>>) -> impl Iterator<Item = T> + 'a {
    found.into_iter().flatten().copied().cloned()
}
