//! Names of AWS regions: what they look like, and which one was probably meant.

use crate::nearest::nearest;

/// Regions that every account has; in all others a refusal may mean "not enabled".
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const ENABLED_BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Regions that each account must enable, or that belong to another partition.
const OTHERS: [&str; 21] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "us-gov-east-1",
    "us-gov-west-1",
];

fn known() -> impl Iterator<Item = &'static str> {
    ENABLED_BY_DEFAULT.into_iter().chain(OTHERS)
}

/// Whether every account has the region.
pub fn is_enabled_by_default(region: &str) -> bool {
    ENABLED_BY_DEFAULT.contains(&region)
}

/// Whether the region is one that is known here. AWS opens new ones.
pub fn is_known(region: &str) -> bool {
    known().any(|one| one == region)
}

/// Whether a text has the form of a region: words of small letters, then a number.
pub fn is_well_formed(region: &str) -> bool {
    let mut parts: Vec<&str> = region.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let word = |part: &&str| part.len() > 1 && part.bytes().all(|b| b.is_ascii_lowercase());
    parts.len() >= 2
        && parts.iter().all(word)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// The region that was probably meant by one that is not known.
pub fn meant(region: &str) -> Option<&'static str> {
    nearest(region, known())
}

/// Whether a region that is not known is a slip: its number aside, no region is called so, but one
/// nearly is. A new number of a place that is known is none.
pub fn is_slip(region: &str) -> bool {
    let place = |region: &str| {
        let at = region.trim_end_matches(|c: char| c.is_ascii_digit());
        at.to_owned()
    };
    !is_known(region) && known().all(|one| place(one) != place(region)) && meant(region).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_new_regions() {
        for (region, formed, slip, near) in [
            ("ap-east-1", true, false, Some("ap-east-1")),
            ("ap-east1", false, true, Some("ap-east-1")),
            ("ap-esat-1", true, true, Some("ap-east-1")),
            ("ap-east-9", true, false, Some("ap-east-1")),
            ("AP-EAST-1", false, true, Some("ap-east-1")),
            ("ap_east_1", false, true, Some("ap-east-1")),
            ("hk", false, false, None),
            ("xx-somewhere-1", true, false, None),
            ("us-gov-west-1", true, false, Some("us-gov-west-1")),
        ] {
            assert_eq!(is_well_formed(region), formed, "{region}");
            assert_eq!(is_slip(region), slip, "{region}");
            assert_eq!(meant(region), near, "{region}");
        }
    }
}
