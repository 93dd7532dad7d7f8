//! How Ansible gets to a host: its address, login, key and way there, and a connection of its own.

use std::{collections::BTreeMap, net::Ipv4Addr};

use gigadb_engine::topology::{Reach, Ssh, Topology};
use sha2::{Digest as _, Sha256};

use super::{
    machine::{AddressKind, Machine},
    place::Place,
    settings::Settings,
    ssh::{self, Jump, Way},
    variables::{Variables, set},
};

/// How long the path of a control socket may be, in bytes. Linux allows 107, macOS 103, and ssh
/// adds 17 while it makes the socket.
const SOCKET_PATH: usize = 82;

/// How long its name is: a slash, a hash and a login of usual length.
const NAME: usize = 1 + 10 + 8;

/// Sets how the host at `place` is reached. Returns how ssh reaches it, or a warning why nobody
/// can; nothing where the topology leaves SSH to others, who keep host keys by address.
///
/// `ansible_control_path` is set in any case: Ansible names the socket of a shared connection by
/// address, port and login, and private addresses repeat between the sides.
/// <https://github.com/ansible/ansible/issues/63161>
pub(super) fn of(
    variables: &mut Variables,
    topology: &Topology,
    (host, place): (&str, Place<'_>),
    machines: &BTreeMap<Place<'_>, Machine<'_>>,
    settings: &Settings,
) -> Result<Option<Way>, String> {
    let route = Route::of(topology, (host, place), machines, settings);
    if let Some(user) = route.user {
        set(variables, "ansible_user", user);
    }
    if let Some(key) = &route.key {
        set(variables, "ansible_ssh_private_key_file", key.as_str());
    }
    if let Some(ssh) = route.ssh {
        let args = ssh::common_args(host, route.jump.as_ref(), ssh, route.key.as_deref());
        set(variables, "ansible_ssh_common_args", args);
    }
    let Route {
        user,
        key,
        jump,
        address,
        ..
    } = &route;
    let identity = format!("{host} {address:?} {jump:?} {user:?} {key:?}");
    let path = control_path(&identity, &settings.sockets);
    set(variables, "ansible_control_path", path);
    let address = route.reached?;
    set(variables, "ansible_host", address.to_string());
    Ok(route.user.zip(route.ssh).map(|(user, ssh)| Way {
        address,
        user: user.to_owned(),
        jump: route.jump,
        ssh: ssh.clone(),
        key: route.key,
    }))
}

/// What the topology, the world and the operator say of the way to a host.
struct Route<'a> {
    ssh: Option<&'a Ssh>,
    user: Option<&'a str>,
    key: Option<String>,
    jump: Option<Jump>,
    /// The address of the kind that is used, if the machine has one.
    address: Option<Ipv4Addr>,
    /// The same, or why the host cannot be reached.
    reached: Result<Ipv4Addr, String>,
}

impl<'a> Route<'a> {
    fn of(
        topology: &'a Topology,
        (host, place): (&str, Place<'_>),
        machines: &BTreeMap<Place<'_>, Machine<'_>>,
        settings: &Settings,
    ) -> Self {
        let side = topology.infrastructures.get(place.infrastructure);
        let ssh = side.and_then(|side| side.ssh.as_ref());
        let key = ssh.and_then(|ssh| {
            let own = settings.keys.get(place.infrastructure);
            own.or(ssh.private_key.as_ref()).cloned()
        });
        let user = ssh.map(|ssh| login(topology, ssh, place));
        let via = match (settings.address, topology.reach(place.endpoint)) {
            (AddressKind::Public, _) | (AddressKind::ByEndpoint, Reach::Public) => None,
            (AddressKind::ByEndpoint | AddressKind::Private, Reach::Via(via)) => Some(via),
            // Its own side's way in, if there is one: a bastion is reached through itself.
            (AddressKind::Private, Reach::Public) => way_in(topology),
        };
        let private = via.is_some() || settings.address == AddressKind::Private;
        let jump = via.as_ref().and_then(|via| {
            let (place, machine) = machines.iter().find(|(p, _)| p.endpoint == via)?;
            Some(Jump {
                host: place.host(),
                address: machine.public?,
            })
        });
        let machine = machines.get(&place);
        let address = machine.and_then(|m| if private { m.private } else { m.public });
        let reached = match (address, &via, &jump) {
            (None, ..) => {
                let which = if private { "private" } else { "public" };
                Err(format!(
                    "`{host}` has no {which} address, so it has no `ansible_host` and cannot be \
                     reached."
                ))
            }
            (Some(_), Some(via), None) => Err(format!(
                "`{host}` is reached through the {via} of `{}`, which has no public address; it \
                 has no `ansible_host` and cannot be reached.",
                place.infrastructure
            )),
            (Some(address), ..) => Ok(address),
        };
        Self {
            ssh,
            user,
            key,
            jump: jump.filter(|_| reached.is_ok()),
            address,
            reached,
        }
    }
}

/// The login: the bastion's where others are reached through this endpoint.
fn login<'a>(topology: &Topology, ssh: &'a Ssh, place: Place<'_>) -> &'a str {
    let others = topology.endpoints.keys();
    let mut ways = others.map(|endpoint| topology.reach(endpoint));
    if ways.any(|way| way == Reach::Via(place.endpoint.clone())) {
        &ssh.bastion_user
    } else {
        &ssh.user
    }
}

/// The first endpoint through which others are reached.
fn way_in(topology: &Topology) -> Option<gigadb_engine::name::EndpointName> {
    let mut endpoints = topology.endpoints.keys();
    endpoints.find_map(|endpoint| match topology.reach(endpoint) {
        Reach::Via(via) => Some(via),
        Reach::Public => None,
    })
}

/// Where the sockets of shared connections are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sockets {
    /// The folder that Ansible uses, as a path; empty where it is not known.
    pub(crate) usual: String,
    /// A folder of the operator's own with a short path, for where the usual one is too long.
    pub(crate) short: Option<String>,
}

impl Sockets {
    /// Whether a socket in the usual folder could not be made.
    pub(crate) fn are_too_long(&self) -> bool {
        self.usual.len() + NAME > SOCKET_PATH
    }
}

/// The value of `ansible_control_path` for what is reached as `identity` says: another one for
/// every host, and for every way to one. Ansible fills `%(directory)s`, ssh `%r`, the login.
fn control_path(identity: &str, sockets: &Sockets) -> String {
    let digest = Sha256::digest(identity);
    let hash = digest[..5]
        .iter()
        .fold(0_u64, |hash, byte| (hash << 8) | u64::from(*byte));
    let folder = match &sockets.short {
        Some(short) if sockets.are_too_long() => &short.replace('%', "%%"),
        _ => "%(directory)s",
    };
    format!("{folder}/{hash:010x}%%r")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_socket_stays_short_also_below_a_long_home() {
        let short = Some("/tmp/gigadb-1000".to_owned());
        for home in [
            "/root".to_owned(),
            format!("/home/{}", "long-name/".repeat(12)),
        ] {
            let usual = format!("{home}/.ansible/cp");
            let sockets = Sockets {
                usual: usual.clone(),
                short: short.clone(),
            };
            let one = control_path("a-live-web", &sockets);
            let expanded = one
                .replace("%(directory)s", &usual)
                .replace("%%r", "centos");
            assert!(expanded.len() < 100 - 17, "{expanded}");
            assert_ne!(one, control_path("b-live-web", &sockets));
        }
    }
}
