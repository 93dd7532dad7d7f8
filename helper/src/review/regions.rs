//! Where AWS's regions are, as people say it.

use std::collections::BTreeMap;

use gigadb_engine::topology::Topology;

/// Codes and places, from
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>.
const PLACES: [(&str, &str); 34] = [
    ("af-south-1", "Cape Town"),
    ("ap-east-1", "Hong Kong"),
    ("ap-east-2", "Taipei"),
    ("ap-northeast-1", "Tokyo"),
    ("ap-northeast-2", "Seoul"),
    ("ap-northeast-3", "Osaka"),
    ("ap-south-1", "Mumbai"),
    ("ap-south-2", "Hyderabad"),
    ("ap-southeast-1", "Singapore"),
    ("ap-southeast-2", "Sydney"),
    ("ap-southeast-3", "Jakarta"),
    ("ap-southeast-4", "Melbourne"),
    ("ap-southeast-5", "Malaysia"),
    ("ap-southeast-6", "New Zealand"),
    ("ap-southeast-7", "Thailand"),
    ("ca-central-1", "Central Canada"),
    ("ca-west-1", "Calgary"),
    ("eu-central-1", "Frankfurt"),
    ("eu-central-2", "Zurich"),
    ("eu-north-1", "Stockholm"),
    ("eu-south-1", "Milan"),
    ("eu-south-2", "Spain"),
    ("eu-west-1", "Ireland"),
    ("eu-west-2", "London"),
    ("eu-west-3", "Paris"),
    ("il-central-1", "Tel Aviv"),
    ("me-central-1", "United Arab Emirates"),
    ("me-south-1", "Bahrain"),
    ("mx-central-1", "Mexico"),
    ("sa-east-1", "São Paulo"),
    ("us-east-1", "North Virginia"),
    ("us-east-2", "Ohio"),
    ("us-west-1", "North California"),
    ("us-west-2", "Oregon"),
];

/// The place of a region; the code itself for one that is not known.
pub(crate) fn place(code: &str) -> &str {
    PLACES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(code, |(_, place)| place)
}

/// What the topology says of a side, by the side's name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sides(BTreeMap<String, (String, String)>);

impl Sides {
    /// The sides of a topology; none where there is no topology.
    pub(crate) fn of(topology: Option<&Topology>) -> Self {
        let sides = topology
            .iter()
            .flat_map(|topology| &topology.infrastructures);
        Self(
            sides
                .map(|(name, side)| {
                    let place = place(&side.aws.region).to_owned();
                    (name.to_string(), (place, side.gitlab_project.clone()))
                })
                .collect(),
        )
    }

    /// Whether there is no topology.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the topology has a side of this name.
    pub(super) fn knows(&self, side: &str) -> bool {
        self.0.contains_key(side)
    }

    /// The place of a side, such as `Hong Kong`.
    pub(crate) fn region(&self, side: &str) -> Option<&str> {
        self.0.get(side).map(|(region, _)| region.as_str())
    }

    /// The GitLab project of a side.
    pub(crate) fn project(&self, side: &str) -> Option<&str> {
        self.0.get(side).map(|(_, project)| project.as_str())
    }
}
