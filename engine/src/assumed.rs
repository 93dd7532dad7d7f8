//! The addresses of a lost side, in a failover: EC2 does not give them.
//!
//! Before a failover, production's names lead exactly there, endpoint by endpoint. What EC2 said
//! when it last answered fills gaps only where a present record holds the same address: a side
//! that was rebuilt since has other ones, and its former addresses may be anybody's. So no address
//! is ever written that neither EC2 nor a present record has.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use crate::{
    name::{EndpointName, Hostname, InfrastructureName},
    observation::{EndpointObservation, NameObservation, Observation, SideObservation},
    topology::Environment,
    world::Reading,
};

/// The topic of the notice about these addresses.
pub(crate) const TOPIC: &str = "last-known";

impl Observation {
    /// Takes for the addresses of `lost`, where EC2 cannot say, what production's names hold as
    /// long as they agree and the address belongs to no other side, else what EC2 said before
    /// where a present record holds it. Doing this twice changes nothing.
    pub fn assume_addresses(&mut self, environment: &Environment, lost: &InfrastructureName) {
        let Some(Reading::Failed {
            failure,
            last_known,
        }) = self.sides.get(lost)
        else {
            return;
        };
        let failure = failure.clone();
        let mut machines: SideObservation = last_known
            .iter()
            .flatten()
            .map(|(endpoint, machine)| (endpoint.clone(), machine.forgotten()))
            .collect();
        for (endpoint, held) in self.held(environment, lost) {
            let machine = machines.entry(endpoint).or_default();
            machine.assumed = match held.of_production.len() {
                0 => machine.formerly.filter(|a| held.of_any.contains(a)),
                1 => held.of_production.first().copied(),
                _ => None,
            };
        }
        machines.retain(|_, machine| machine.assumed.is_some() || machine.formerly.is_some());
        let reading = Reading::Failed {
            failure,
            last_known: (!machines.is_empty()).then_some(machines),
        };
        self.sides.insert(lost.clone(), reading);
    }

    /// The addresses in the records of the environment that belong to no side but perhaps `lost`.
    fn held(
        &self,
        environment: &Environment,
        lost: &InfrastructureName,
    ) -> BTreeMap<EndpointName, Held> {
        let mut held: BTreeMap<EndpointName, Held> = BTreeMap::new();
        for (hostname, (_, endpoint)) in environment.hostnames() {
            let of_endpoint = held.entry(endpoint.clone()).or_default();
            let address = self.names.get(hostname).and_then(NameObservation::address);
            let Some(address) = address.filter(|a| self.owner_beside(lost, *a).is_none()) else {
                continue;
            };
            of_endpoint.of_any.insert(address);
            if environment.production.hostnames.contains_key(hostname) {
                of_endpoint.of_production.insert(address);
            }
        }
        held
    }
}

/// Addresses in records, of one endpoint.
#[derive(Debug, Default)]
struct Held {
    of_production: BTreeSet<Ipv4Addr>,
    of_any: BTreeSet<Ipv4Addr>,
}

impl EndpointObservation {
    /// What was read of the machine before is what EC2 once said, and no more.
    fn forgotten(&self) -> Self {
        let read = match self.elastic_ips.as_slice() {
            [eip] => Some(eip.address),
            _ => None,
        };
        Self {
            formerly: read.or(self.formerly).or(self.assumed),
            ..Self::default()
        }
    }
}

/// Says of each address of `lost` where it comes from and how old that is, and which ones are not
/// used; none where EC2 gives them.
pub(crate) fn notice(
    environment: &Environment,
    lost: &InfrastructureName,
    observation: &Observation,
) -> Option<String> {
    let reading = observation.sides.get(lost)?;
    reading.failure()?;
    let machines = reading.known()?;
    let before = match observation.ages.get(lost) {
        Some(seconds) => format!("EC2 said {} ago", age(*seconds)),
        None => "EC2 said at the last refresh that could read it".to_owned(),
    };
    let endpoints: BTreeSet<&EndpointName> = environment
        .hostnames()
        .into_values()
        .map(|(_, endpoint)| endpoint)
        .collect();
    let told: Vec<String> = endpoints
        .into_iter()
        .filter_map(|endpoint| {
            let machine = machines.get(endpoint)?;
            let text = match (machine.assumed, machine.formerly) {
                (Some(address), formerly) => {
                    let names = names_with(environment, observation, endpoint, address);
                    let former = match formerly {
                        Some(formerly) if formerly == address => format!(", as {before}"),
                        Some(formerly) => format!(
                            " ({before}: `{formerly}`; the records say otherwise, so that is not used)"
                        ),
                        None => String::new(),
                    };
                    format!("`{address}`, read now from the record{names}{former}")
                }
                (None, Some(formerly)) => format!(
                    "not known ({before}: `{formerly}`; the records do not confirm that, so it is not written)"
                ),
                (None, None) => return None,
            };
            Some(format!("{endpoint} {text}"))
        })
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "The addresses of `{lost}` do not come from EC2, which could not be read. They are: {}.",
            told.join("; ")
        )
    })
}

fn names_with(
    environment: &Environment,
    observation: &Observation,
    endpoint: &EndpointName,
    address: Ipv4Addr,
) -> String {
    let holds = |hostname: &Hostname| {
        let name = observation.names.get(hostname);
        name.and_then(NameObservation::address) == Some(address)
    };
    let names: Vec<String> = environment
        .hostnames()
        .into_iter()
        .filter(|(hostname, (_, e))| *e == endpoint && holds(hostname))
        .map(|(hostname, _)| format!("`{hostname}`"))
        .collect();
    let s = if names.len() == 1 { "" } else { "s" };
    format!("{s} of {}", names.join(", "))
}

/// Seconds in the largest unit that fits.
fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{s}")
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_is_told_in_the_unit_that_fits() {
        for (seconds, told) in [
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_200, "2 hours"),
            (400 * 86_400, "400 days"),
        ] {
            assert_eq!(age(seconds), told);
        }
    }
}
