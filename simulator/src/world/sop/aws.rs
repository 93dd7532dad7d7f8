//! One account with two keys and two regions that are built alike.

use std::collections::BTreeMap;

use super::{
    ACCESS_KEY_ID_ALT, ACCESS_KEY_ID_UPSTREAM, ACCOUNT_ID, PROFILE_ALT, PROFILE_UPSTREAM,
    REGION_ALT, REGION_UPSTREAM, SECRET_KEY_ALT, SECRET_KEY_UPSTREAM, sop_address,
};
use crate::world::cloudflare::hex_id;
use crate::world::{
    AccessKey, AccountRegion, Address, Aws, AwsAccount, Instance, InstanceState, OptIn,
};

pub(super) fn aws() -> Aws {
    let key = |id: &str, secret: &str, profile: &str, region: &str| AccessKey {
        id: id.to_owned(),
        secret: secret.to_owned(),
        user: "Gigadb".to_owned(),
        profile: Some((profile.to_owned(), region.to_owned())),
        denied: Vec::new(),
        regions: None,
    };
    Aws {
        accounts: vec![AwsAccount {
            id: ACCOUNT_ID.to_owned(),
            keys: vec![
                key(
                    ACCESS_KEY_ID_UPSTREAM,
                    SECRET_KEY_UPSTREAM,
                    PROFILE_UPSTREAM,
                    REGION_UPSTREAM,
                ),
                key(ACCESS_KEY_ID_ALT, SECRET_KEY_ALT, PROFILE_ALT, REGION_ALT),
            ],
            regions: BTreeMap::from([
                (
                    REGION_UPSTREAM.to_owned(),
                    region(REGION_UPSTREAM, OptIn::OptedIn),
                ),
                (
                    REGION_ALT.to_owned(),
                    region(REGION_ALT, OptIn::OptInNotRequired),
                ),
                ("us-east-1".to_owned(), AccountRegion::default()),
                (
                    "ap-southeast-3".to_owned(),
                    AccountRegion {
                        opt_in: OptIn::NotOptedIn,
                        ..AccountRegion::default()
                    },
                ),
            ]),
        }],
    }
}

fn region(name: &str, opt_in: OptIn) -> AccountRegion {
    let mut region = AccountRegion {
        opt_in,
        ..AccountRegion::default()
    };
    let long_id = |prefix: &str, parts: &[&str]| {
        let mut hex = hex_id(parts);
        hex.truncate(17);
        format!("{prefix}-{hex}")
    };
    for (environment, third) in [("live", 0), ("staging", 16)] {
        for (endpoint, machine, fourth) in [
            ("web", "gigadb_webserver", 10),
            ("bastion", "bastion_server", 11),
            ("files", "gigadb_filesserver", 12),
        ] {
            let instance_name = format!("{machine}_{environment}_gigadb");
            let address_name = match endpoint {
                "web" => format!("eip-gigadb-{environment}-gigadb"),
                other => format!("eip-gigadb-{other}-{environment}-gigadb"),
            };
            let tags = |name: &str| {
                BTreeMap::from([
                    ("Name".to_owned(), name.to_owned()),
                    ("Environment".to_owned(), environment.to_owned()),
                    ("Owner".to_owned(), "gigadb".to_owned()),
                    ("System".to_owned(), machine.to_owned()),
                ])
            };
            let instance_id = long_id("i", &[name, &instance_name]);
            region.instances.push(Instance {
                id: instance_id.clone(),
                state: InstanceState::Running,
                // The two sides are built alike: their private addresses are the same.
                private_ip: format!("10.99.{third}.{fourth}"),
                public_ip: None,
                availability_zone: format!("{name}a"),
                tags: tags(&instance_name),
            });
            region.addresses.push(Address {
                public_ip: sop_address(name, environment, endpoint),
                allocation_id: long_id("eipalloc", &[name, &address_name]),
                instance_id: Some(instance_id),
                other_association: false,
                tags: tags(&address_name),
            });
        }
    }
    let tags = BTreeMap::from([("Name".to_owned(), "gigadb_webserver_live_gigadb".to_owned())]);
    region.instances.push(Instance {
        id: long_id("i", &[name, "terminated"]),
        state: InstanceState::Terminated,
        private_ip: String::new(),
        public_ip: None,
        availability_zone: format!("{name}a"),
        tags,
    });
    let tags = BTreeMap::from([("Name".to_owned(), "nat-gateway".to_owned())]);
    region.addresses.push(Address {
        public_ip: match name {
            REGION_UPSTREAM => "198.51.100.200".to_owned(),
            _ => "203.0.113.200".to_owned(),
        },
        allocation_id: long_id("eipalloc", &[name, "nat"]),
        instance_id: None,
        other_association: true,
        tags,
    });
    region
}
