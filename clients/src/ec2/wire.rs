//! EC2's types, as far as they are needed, and filter values.

use std::{collections::BTreeMap, net::Ipv4Addr};

use aws_sdk_ec2::types::{self, Tag};
use gigadb_engine::world::{ElasticIp, Instance};

/// A filter value that stands for itself: `*`, `?` and `\` are wildcards to EC2.
pub(super) fn literal(name: &str) -> String {
    let mut value = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '*' | '?' | '\\') {
            value.push('\\');
        }
        value.push(c);
    }
    value
}

fn name_of(tags: &[Tag]) -> String {
    tags.iter()
        .find(|tag| tag.key() == Some("Name"))
        .and_then(Tag::value)
        .unwrap_or_default()
        .to_owned()
}

fn address(text: Option<&str>) -> Option<Ipv4Addr> {
    text?.parse().ok()
}

pub(super) fn elastic_ip(row: &types::Address) -> Option<ElasticIp> {
    Some(ElasticIp {
        allocation_id: row.allocation_id()?.parse().ok()?,
        name: name_of(row.tags()),
        address: address(row.public_ip())?,
        // An Elastic IP that is not associated has no instance id, or an empty one.
        instance_id: row.instance_id().and_then(|id| id.parse().ok()),
        used_by: used_by(row),
    })
}

/// What else than an instance an Elastic IP is associated with.
fn used_by(row: &types::Address) -> Option<String> {
    let there = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    if there(row.instance_id()).is_some() {
        return None;
    }
    let managed = row.service_managed().map(|service| match service.as_str() {
        "alb" | "nlb" => "a load balancer".to_owned(),
        "rnat" => "a NAT gateway".to_owned(),
        "rds" => "a database".to_owned(),
        other => format!("the service `{other}`"),
    });
    let interface = there(row.network_interface_id()).map(|id| format!("network interface `{id}`"));
    match (interface, managed) {
        (Some(interface), Some(managed)) => Some(format!("{interface} of {managed}")),
        (interface, managed) => interface
            .or(managed)
            .or_else(|| there(row.association_id()).map(|id| format!("association `{id}`"))),
    }
}

/// An instance that is not terminated, and not on its way there.
pub(super) fn instance(row: &types::Instance) -> Option<Instance> {
    let state = row.state()?.name()?.as_str().to_owned();
    Some(Instance {
        id: row.instance_id()?.parse().ok()?,
        name: name_of(row.tags()),
        private_address: address(row.private_ip_address()),
        public_address: address(row.public_ip_address()),
        tags: row
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
            .collect::<BTreeMap<_, _>>(),
        state,
    })
    .filter(|i| i.state != "terminated" && i.state != "shutting-down")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_values_stand_for_themselves() {
        assert_eq!(literal(r"a*b?c\d"), r"a\*b\?c\\d");
    }
}
