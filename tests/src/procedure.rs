//! The tables of GigaDB's procedure for deploying to production, as a person reads them: the world that
//! a swap has to lead to. Written down apart from the simulator's seed and from the examples, so that the
//! three check each other.

use gigadb_simulator::World;
use gigadb_simulator::world::{ALT_PROJECT, PROJECT, REGION_ALT, REGION_UPSTREAM, sop_address};

/// One of the two infrastructures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `gigadb-website`, in Hong Kong.
    Upstream,
    /// `alt-gigadb-website`, in Sydney.
    Alt,
}

impl Side {
    /// Returns the infrastructure's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upstream => "gigadb-website",
            Self::Alt => "alt-gigadb-website",
        }
    }

    /// Returns the side that has the other role.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Upstream => Self::Alt,
            Self::Alt => Self::Upstream,
        }
    }

    /// Returns the AWS region.
    pub fn region(self) -> &'static str {
        match self {
            Self::Upstream => REGION_UPSTREAM,
            Self::Alt => REGION_ALT,
        }
    }

    /// Returns the path of the GitLab project.
    pub fn project(self) -> &'static str {
        match self {
            Self::Upstream => PROJECT,
            Self::Alt => ALT_PROJECT,
        }
    }
}

/// Production's name, the standby's name, the endpoint both lead to.
type Names = (&'static str, &'static str, &'static str);

/// Key, value on the production side, value on the standby side.
type Values = (&'static str, &'static str, &'static str);

const LIVE_NAMES: [Names; 4] = [
    ("gigadb.org", "alt-live.gigadb.host", "web"),
    (
        "bastion.gigadb.org",
        "bastion.alt-live.gigadb.host",
        "bastion",
    ),
    ("files.gigadb.org", "files.alt-live.gigadb.org", "files"),
    (
        "portainer.gigadb.org",
        "portainer.alt-live.gigadb.host",
        "web",
    ),
];

const STAGING_NAMES: [Names; 4] = [
    ("staging.gigadb.org", "alt-staging.gigadb.host", "web"),
    (
        "bastion-stg.gigadb.host",
        "bastion.alt-staging.gigadb.host",
        "bastion",
    ),
    (
        "files.staging.gigadb.org",
        "files.alt-staging.gigadb.host",
        "files",
    ),
    (
        "portainer.staging.gigadb.org",
        "portainer.alt-staging.gigadb.host",
        "web",
    ),
];

const LIVE_VALUES: [Values; 4] = [
    (
        "HOME_URL",
        "https://gigadb.org",
        "http://alt-live.gigadb.host",
    ),
    (
        "REMOTE_HOME_URL",
        "https://gigadb.org",
        "http://alt-live.gigadb.host",
    ),
    ("REMOTE_HOSTNAME", "gigadb.org", "alt-live.gigadb.host"),
    (
        "remote_fileserver_hostname",
        "files.gigadb.org",
        "files.alt-live.gigadb.host",
    ),
];

const STAGING_VALUES: [Values; 4] = [
    (
        "HOME_URL",
        "https://staging.gigadb.org",
        "http://alt-staging.gigadb.host",
    ),
    (
        "REMOTE_HOME_URL",
        "https://staging.gigadb.org",
        "http://alt-staging.gigadb.host",
    ),
    (
        "REMOTE_HOSTNAME",
        "staging.gigadb.org",
        "alt-staging.gigadb.host",
    ),
    (
        "remote_fileserver_hostname",
        "files.staging.gigadb.org",
        "files.alt-staging.gigadb.host",
    ),
];

/// Returns every hostname of an environment with its address, while that side is production; sorted.
pub fn records(environment: &str, production: Side) -> Vec<(String, String)> {
    let names = match environment {
        "live" => LIVE_NAMES,
        _ => STAGING_NAMES,
    };
    let mut all = Vec::new();
    for (of_production, of_standby, endpoint) in names {
        for (name, side) in [
            (of_production, production),
            (of_standby, production.other()),
        ] {
            all.push((
                name.to_owned(),
                sop_address(side.region(), environment, endpoint),
            ));
        }
    }
    all.sort();
    all
}

/// Returns every variable of an environment as side, key and value, while that side is production.
pub fn variables(environment: &str, production: Side) -> Vec<(Side, String, String)> {
    let values = match environment {
        "live" => LIVE_VALUES,
        _ => STAGING_VALUES,
    };
    let mut all = Vec::new();
    for (key, of_production, of_standby) in values {
        all.push((production, key.to_owned(), of_production.to_owned()));
        all.push((production.other(), key.to_owned(), of_standby.to_owned()));
    }
    all
}

/// Returns the whole world with these sides as production; everything else is as it was seeded.
pub fn world(live: Side, staging: Side) -> World {
    let mut world = World::sop();
    for (environment, production) in [("live", live), ("staging", staging)] {
        for (name, address) in records(environment, production) {
            world.cloudflare.record_mut(&name, "A").unwrap().content = address;
        }
        for (side, key, value) in variables(environment, production) {
            let project = world.gitlab.project_mut(side.project()).unwrap();
            project.variable_mut(&key, environment).unwrap().value = value;
        }
    }
    world.normalized()
}

#[cfg(test)]
mod tests {
    use super::{Side, World, world};

    #[test]
    fn the_seeded_world_is_the_one_of_the_tables() {
        assert_eq!(
            World::sop().normalized(),
            world(Side::Upstream, Side::Upstream)
        );
        assert_ne!(World::sop().normalized(), world(Side::Alt, Side::Upstream));
    }
}
