//! `DescribeRegions`: which regions there are, and whether the account may use them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Failure, filter, xml::Xml};
use crate::world::{AwsAccount, OptIn};

/// Lists the regions that are enabled, or all with `AllRegions=true`.
pub(super) fn describe(account: &AwsAccount, form: &[(String, String)]) -> Result<Xml, Failure> {
    let filters = filter::read(form, &["endpoint", "opt-in-status", "region-name"])?;
    let names = filter::list(form, "RegionName");
    let all = form
        .iter()
        .any(|(name, value)| name == "AllRegions" && value == "true");
    for name in &names {
        if !account.regions.contains_key(*name) {
            let message = format!("Invalid region provided: [{name}]");
            return Err(Failure::new(400, "InvalidParameterValue", message));
        }
    }
    let mut set = Xml::part();
    set.open("regionInfo");
    for (name, region) in &account.regions {
        let endpoint = format!("ec2.{name}.amazonaws.com");
        let status = region.opt_in.as_str();
        let asked = names.is_empty() || names.contains(&name.as_str());
        let shown = all || region.opt_in != OptIn::NotOptedIn;
        let attribute = |filter: &str| {
            BTreeSet::from([match filter {
                "endpoint" => endpoint.clone(),
                "opt-in-status" => status.to_owned(),
                _ => name.clone(),
            }])
        };
        if asked && shown && filter::passes(&filters, &BTreeMap::new(), attribute) {
            set.open("item");
            set.text("regionName", name);
            set.text("regionEndpoint", &endpoint);
            set.text("optInStatus", status);
            set.close("item");
        }
    }
    set.close("regionInfo");
    Ok(set)
}
