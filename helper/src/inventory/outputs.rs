//! What only Terraform knows of a side: the outputs that may be shown.

use std::collections::BTreeMap;

use serde_json::Value;

/// The outputs that playbooks read. A state holds passwords as well, so nothing else is shown.
pub(crate) const ALLOWED: [&str; 17] = [
    "bastion_ec2_type",
    ACCESS_POINTS,
    "efs_filesystem_arn",
    "efs_filesystem_dns_name",
    "efs_filesystem_id",
    "efs_filesystem_size_in_bytes",
    "ec2_bastion_private_ip",
    "ec2_bastion_public_ip",
    "ec2_files_private_ip",
    "ec2_files_public_ip",
    "ec2_private_ip",
    "ec2_public_ip",
    "files_ec2_type",
    DATABASE,
    "vpc_database_subnet_group",
    "vpc_id",
    "web_ec2_type",
];

const DATABASE: &str = "rds_instance_address";
/// The name under which plays read the database's address.
const DATABASE_FOR_PLAYS: &str = "pg_host";
const ACCESS_POINTS: &str = "efs_filesystem_access_points";
/// The access points that plays mount.
const MOUNTED: [&str; 2] = ["configuration_area", "dropbox_area"];

/// Outputs by name.
pub(crate) type Outputs = BTreeMap<String, Value>;

/// Keeps of `outputs` what may be shown.
pub(crate) fn allowed(mut outputs: Outputs) -> Outputs {
    outputs.retain(|name, _| ALLOWED.contains(&name.as_str()));
    match outputs.get_mut(ACCESS_POINTS) {
        Some(Value::Object(points)) => {
            points.retain(|name, _| MOUNTED.contains(&name.as_str()));
        }
        Some(_) => {
            outputs.remove(ACCESS_POINTS);
        }
        None => {}
    }
    if let Some(address) = outputs.get(DATABASE).cloned() {
        outputs.insert(DATABASE_FOR_PLAYS.to_owned(), address);
    }
    outputs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outputs(value: &Value) -> Outputs {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn the_reference_lists_every_one() {
        let page = include_str!("../../../docs/reference/inventory.md");
        for name in ALLOWED.iter().chain(&[DATABASE_FOR_PLAYS]) {
            assert!(page.contains(&format!("\n| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn nothing_beyond_the_list_is_kept() {
        let given = json!({
            "rds_instance_address": "db.example",
            "rds_instance_password": "p",
            "vpc_id": "vpc-1",
            "vpc_secret": "s",
            "efs_filesystem_access_points": { "dropbox_area": { "id": "a" }, "other_area": "b" },
        });
        let kept = json!({
            "rds_instance_address": "db.example",
            "pg_host": "db.example",
            "vpc_id": "vpc-1",
            "efs_filesystem_access_points": { "dropbox_area": { "id": "a" } },
        });
        assert_eq!(allowed(outputs(&given)), outputs(&kept));
        let odd = json!({ "efs_filesystem_access_points": ["fsap-1"] });
        assert_eq!(allowed(outputs(&odd)), Outputs::new());
    }
}
