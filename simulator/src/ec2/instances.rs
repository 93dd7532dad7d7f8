//! `DescribeInstances`, with pages.

use std::collections::BTreeSet;

use base64::Engine as _;

use super::{Failure, Place, filter, xml::Xml};
use crate::world::{Address, Instance, InstanceState};

const FILTERS: [&str; 9] = [
    "availability-zone",
    "instance-id",
    "instance-state-code",
    "instance-state-name",
    "ip-address",
    "network-interface.addresses.association.public-ip",
    "private-ip-address",
    "vpc-id",
    "reservation-id",
];
const PAGE: usize = 1_000;
const VPC: &str = "vpc-0123456789abcdef0";

/// Lists the instances that ids and filters select, each in a reservation of its own. A page may come
/// short and still have a successor.
pub(super) fn describe(place: &Place<'_>, form: &[(String, String)]) -> Result<Xml, Failure> {
    let filters = filter::read(form, &FILTERS)?;
    let ids = filter::list(form, "InstanceId");
    for id in &ids {
        let hex = id.strip_prefix("i-").unwrap_or_default();
        if ![8, 17].contains(&hex.len()) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = format!("Invalid id: \"{id}\"");
            return Err(Failure::new(400, "InvalidInstanceID.Malformed", message));
        }
        if !place.region.instances.iter().any(|one| one.id == *id) {
            let message = format!("The instance ID '{id}' does not exist");
            return Err(Failure::new(400, "InvalidInstanceID.NotFound", message));
        }
    }
    let value = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let most = match value("MaxResults") {
        None => PAGE,
        Some(_) if !ids.is_empty() => {
            return Err(Failure::new(
                400,
                "InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults",
            ));
        }
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (5..=PAGE).contains(number))
            .ok_or_else(|| {
                let message = format!("Value ( {text} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.");
                Failure::new(400, "InvalidParameterValue", message)
            })?,
    };
    let start = match value("NextToken") {
        None => 0,
        Some(token) => offset(token).ok_or_else(|| {
            Failure::new(
                400,
                "InvalidParameterValue",
                "Unable to parse pagination token",
            )
        })?,
    };

    let found: Vec<&Instance> = place
        .region
        .instances
        .iter()
        .filter(|one| ids.is_empty() || ids.contains(&one.id.as_str()))
        .filter(|one| filter::passes(&filters, &one.tags, |name| attribute(place, one, name)))
        .collect();
    let mut set = Xml::part();
    set.open("reservationSet");
    for instance in found.iter().skip(start).take(most) {
        reservation(&mut set, place, instance);
    }
    set.close("reservationSet");
    if start + most < found.len() {
        set.text("nextToken", &token(start + most));
    }
    Ok(set)
}

fn token(offset: usize) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("page:{offset}"))
}

fn offset(token: &str) -> Option<usize> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(token)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix("page:")?.parse().ok()
}

/// Returns the Elastic IP of an instance.
fn elastic<'a>(place: &Place<'a>, instance: &Instance) -> Option<&'a Address> {
    let mut all = place.region.addresses.iter();
    all.find(|address| address.instance_id.as_ref() == Some(&instance.id))
        .filter(|_| instance.state != InstanceState::Terminated)
}

fn public_ip<'a>(place: &Place<'a>, instance: &'a Instance) -> Option<&'a str> {
    let elastic = elastic(place, instance).map(|address| address.public_ip.as_str());
    elastic.or(instance.public_ip.as_deref())
}

fn attribute(place: &Place<'_>, instance: &Instance, name: &str) -> BTreeSet<String> {
    let (code, state) = instance.state.code_and_name();
    let value = match name {
        "availability-zone" => Some(instance.availability_zone.clone()),
        "instance-id" => Some(instance.id.clone()),
        "instance-state-code" => Some(code.to_string()),
        "instance-state-name" => Some(state.to_owned()),
        "ip-address" | "network-interface.addresses.association.public-ip" => {
            public_ip(place, instance).map(str::to_owned)
        }
        "private-ip-address" => Some(instance.private_ip.clone()),
        "reservation-id" => Some(reservation_id(instance)),
        "vpc-id" => Some(VPC.to_owned()),
        _ => None,
    };
    value.into_iter().collect()
}

fn reservation_id(instance: &Instance) -> String {
    instance.id.replacen("i-", "r-", 1)
}

fn reservation(set: &mut Xml, place: &Place<'_>, instance: &Instance) {
    let (code, state) = instance.state.code_and_name();
    set.open("item");
    set.text("reservationId", &reservation_id(instance));
    set.text("ownerId", &place.account.id);
    set.text("groupSet", "");
    set.open("instancesSet");
    set.open("item");
    set.text("instanceId", &instance.id);
    set.text("imageId", "ami-0123456789abcdef0");
    set.open("instanceState");
    set.text("code", &code.to_string());
    set.text("name", state);
    set.close("instanceState");
    set.text("instanceType", "t3.small");
    set.text("launchTime", "2026-08-01T00:00:00.000Z");
    set.open("placement");
    set.text("availabilityZone", &instance.availability_zone);
    set.text("tenancy", "default");
    set.close("placement");
    // A terminated instance has lost its network; its tags stay.
    if instance.state != InstanceState::Terminated {
        set.text("subnetId", "subnet-0123456789abcdef0");
        set.text("vpcId", VPC);
        set.text("privateIpAddress", &instance.private_ip);
        let interface = instance.id.replacen("i-", "eni-", 1);
        let public = public_ip(place, instance);
        if let Some(ip) = public {
            set.text("ipAddress", ip);
            set.text("dnsName", &dns_name(place, ip));
        }
        set.open("networkInterfaceSet");
        set.open("item");
        set.text("networkInterfaceId", &interface);
        set.text("privateIpAddress", &instance.private_ip);
        if let Some(ip) = public {
            let owner = match elastic(place, instance) {
                Some(_) => place.account.id.as_str(),
                None => "amazon",
            };
            set.open("association");
            set.text("publicIp", ip);
            set.text("publicDnsName", &dns_name(place, ip));
            set.text("ipOwnerId", owner);
            set.close("association");
        }
        set.close("item");
        set.close("networkInterfaceSet");
    }
    set.tags(&instance.tags);
    set.close("item");
    set.close("instancesSet");
    set.close("item");
}

fn dns_name(place: &Place<'_>, ip: &str) -> String {
    format!(
        "ec2-{}.{}.compute.amazonaws.com",
        ip.replace('.', "-"),
        place.name
    )
}
