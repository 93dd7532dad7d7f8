//! AWS's part of the world.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Accounts by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Aws {
    /// Accounts, keys and regions.
    pub accounts: Vec<AwsAccount>,
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsAccount {
    /// Twelve digits.
    pub id: String,
    /// Access keys. A key that is not here is unknown to the API.
    pub keys: Vec<AccessKey>,
    /// Regions by name; a region that is not here does not exist for the account.
    pub regions: BTreeMap<String, AccountRegion>,
}

/// One access key with what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// Public half.
    pub id: String,
    /// Secret half, against which signatures are verified.
    pub secret: String,
    /// IAM user.
    pub user: String,
    /// Profile that [`Aws::write_profiles`] writes it under, and that profile's region.
    #[serde(default)]
    pub profile: Option<(String, String)>,
    /// Actions that IAM denies, such as `ec2:DescribeInstances`.
    #[serde(default)]
    pub denied: Vec<String>,
    /// Regions that IAM's policy allows; `None` means all.
    #[serde(default)]
    pub regions: Option<Vec<String>>,
}

/// One region as an account sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountRegion {
    /// Whether the account may use it.
    pub opt_in: OptIn,
    /// Elastic IPs.
    pub addresses: Vec<Address>,
    /// Instances, terminated ones too.
    pub instances: Vec<Instance>,
}

/// Whether an account may use a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptIn {
    /// Enabled for everybody.
    #[default]
    OptInNotRequired,
    /// Enabled by this account.
    OptedIn,
    /// Not enabled: EC2 answers `AuthFailure`, STS `InvalidClientTokenId`.
    NotOptedIn,
}

impl OptIn {
    /// Returns the word the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptInNotRequired => "opt-in-not-required",
            Self::OptedIn => "opted-in",
            Self::NotOptedIn => "not-opted-in",
        }
    }
}

/// One Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// IPv4 address.
    pub public_ip: String,
    /// `eipalloc-` and 17 hexadecimal characters.
    pub allocation_id: String,
    /// Instance it is associated with.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// Associated with something that is no instance (a NAT gateway): an association without instance.
    #[serde(default)]
    pub other_association: bool,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// `i-` and 17 hexadecimal characters.
    pub id: String,
    /// Life cycle.
    #[serde(default)]
    pub state: InstanceState,
    /// Private IPv4 address.
    pub private_ip: String,
    /// Auto-assigned public address; an associated Elastic IP goes before it.
    #[serde(default)]
    pub public_ip: Option<String>,
    /// Such as `ap-east-1a`.
    pub availability_zone: String,
    /// Tags by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Life cycle of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Up.
    #[default]
    Running,
    /// Being terminated.
    ShuttingDown,
    /// Gone, still listed for about an hour.
    Terminated,
    /// Being stopped.
    Stopping,
    /// Stopped.
    Stopped,
}

impl InstanceState {
    /// Returns the API's code and word.
    pub fn code_and_name(self) -> (u32, &'static str) {
        match self {
            Self::Pending => (0, "pending"),
            Self::Running => (16, "running"),
            Self::ShuttingDown => (32, "shutting-down"),
            Self::Terminated => (48, "terminated"),
            Self::Stopping => (64, "stopping"),
            Self::Stopped => (80, "stopped"),
        }
    }
}

impl AccountRegion {
    /// Returns the addresses whose `Name` tag is exactly that.
    pub fn addresses_named(&self, name: &str) -> Vec<&Address> {
        self.addresses
            .iter()
            .filter(|address| address.tags.get("Name").is_some_and(|tag| tag == name))
            .collect()
    }
}

impl Aws {
    /// Returns a region by name, of the first account that has it.
    pub fn region_mut(&mut self, region: &str) -> Option<&mut AccountRegion> {
        self.accounts
            .iter_mut()
            .find_map(|account| account.regions.get_mut(region))
    }

    /// Returns a region by name, of the first account that has it.
    pub fn region(&self, region: &str) -> Option<&AccountRegion> {
        self.accounts
            .iter()
            .find_map(|account| account.regions.get(region))
    }

    /// Returns the account and the key that an access key id names.
    pub fn key(&self, access_key_id: &str) -> Option<(&AwsAccount, &AccessKey)> {
        self.accounts.iter().find_map(|account| {
            let key = account.keys.iter().find(|key| key.id == access_key_id)?;
            Some((account, key))
        })
    }

    /// Writes `config` and `credentials` files with every key's profile into a folder; returns both paths.
    pub fn write_profiles(&self, folder: &Path) -> std::io::Result<(PathBuf, PathBuf)> {
        let (mut config, mut credentials) = (String::new(), String::new());
        for key in self.accounts.iter().flat_map(|account| &account.keys) {
            let Some((profile, region)) = &key.profile else {
                continue;
            };
            let _ = writeln!(
                config,
                "[profile {profile}]\nregion={region}\noutput=json\n"
            );
            let _ = writeln!(
                credentials,
                "[{profile}]\naws_access_key_id={}\naws_secret_access_key={}\n",
                key.id, key.secret
            );
        }
        let named = |path: &Path, error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        std::fs::create_dir_all(folder).map_err(|error| named(folder, error))?;
        let paths = (folder.join("config"), folder.join("credentials"));
        for (path, text) in [(&paths.0, config), (&paths.1, credentials)] {
            std::fs::write(path, text).map_err(|error| named(path, error))?;
        }
        Ok(paths)
    }
}
