//! Everything that a region has of Elastic IPs and instances, for whoever writes a first topology.

use std::time::Duration;

use gigadb_engine::{
    topology::Aws,
    world::{Failure, Side},
};

use super::{Ec2, files::unspelt};

impl Ec2 {
    /// The profiles of the shared files, each with its region where they name one.
    pub(crate) async fn profiles(&self) -> Result<Vec<(String, Option<String>)>, Failure> {
        let files = self.files().await;
        let files = files.map_err(|error| self.unreadable(&error))?;
        let names = files.profiles.profiles();
        let mut found: Vec<(String, Option<String>)> = names
            .map(|name| {
                let profile = files.profiles.get_profile(name);
                let region = profile.and_then(|one| one.get("region"));
                (unspelt(name), region.map(str::to_owned))
            })
            .collect();
        found.sort();
        Ok(found)
    }

    /// Every Elastic IP with a name, and every instance.
    pub(crate) async fn everything(&self, aws: &Aws, limit: Duration) -> Result<Side, Failure> {
        let client = Box::pin(self.client(aws)).await?;
        let mut elastic_ips = Box::pin(self.addresses(&client, aws, None, limit)).await?;
        elastic_ips.retain(|one| !one.name.is_empty());
        let instances = Box::pin(self.instances(&client, aws, limit)).await?;
        Ok(Side {
            elastic_ips,
            instances,
        })
    }
}
