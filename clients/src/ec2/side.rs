//! The Elastic IPs and instances of one side, by their Name tags.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_ec2::{
    Client,
    types::{self, Filter},
};
use gigadb_engine::{
    topology::{Aws, NameTags},
    world::{Cause, ElasticIp, Failure, FailureKind, Instance, Side},
};
use tokio::time::Instant;

use super::{
    Ec2, GRACE,
    failure::place,
    trace,
    wire::{elastic_ip, instance, literal},
};
use crate::http::{list, seconds};

/// The most values that one filter may have.
const VALUES_A_FILTER: usize = 200;
/// The largest page of instances.
const INSTANCES_A_PAGE: i32 = 1000;

impl Ec2 {
    /// Reads one side in two concurrent calls. `limit` bounds both together.
    pub(crate) async fn read_side(
        &self,
        aws: &Aws,
        wanted: &NameTags,
        limit: Duration,
    ) -> Result<Side, Failure> {
        if wanted.elastic_ips.is_empty() && wanted.instances.is_empty() {
            return Ok(Side::default());
        }
        let client = Box::pin(self.client(aws)).await?;
        let limit = limit.min(self.timing.call);
        let reading = async {
            futures::future::try_join(
                Box::pin(self.elastic_ips(&client, aws, wanted, limit)),
                Box::pin(self.instances(&client, aws, limit)),
            )
            .await
        };
        let reading = tokio::time::timeout(limit + GRACE, reading).await;
        let (elastic_ips, mut instances) = match reading {
            Ok(read) => read?,
            Err(_) => {
                let message = format!("{} did not answer within {}", place(aws), seconds(limit));
                let failure = Failure::new(FailureKind::Unreachable, message);
                return Err(failure.because(Cause::NoAnswer));
            }
        };
        let associated: BTreeSet<_> = elastic_ips
            .iter()
            .filter_map(|eip| eip.instance_id.as_ref())
            .collect();
        instances.retain(|i| wanted.instances.contains(&i.name) || associated.contains(&i.id));
        instances.sort();
        instances.dedup();
        Ok(Side {
            elastic_ips,
            instances,
        })
    }

    async fn elastic_ips(
        &self,
        client: &Client,
        aws: &Aws,
        wanted: &NameTags,
        limit: Duration,
    ) -> Result<Vec<ElasticIp>, Failure> {
        let names = &wanted.elastic_ips;
        let filter = (names.len() <= VALUES_A_FILTER).then(|| {
            Filter::builder()
                .name("tag:Name")
                .set_values(Some(names.iter().map(|name| literal(name)).collect()))
                .build()
        });
        let mut found = self.addresses(client, aws, filter, limit).await?;
        found.retain(|eip| names.contains(&eip.name));
        found.sort();
        Ok(found)
    }

    /// The Elastic IPs that a filter leaves, or all of them.
    pub(super) async fn addresses(
        &self,
        client: &Client,
        aws: &Aws,
        filter: Option<Filter>,
        limit: Duration,
    ) -> Result<Vec<ElasticIp>, Failure> {
        let call = client
            .describe_addresses()
            .set_filters(filter.map(|filter| vec![filter]))
            .customize()
            .config_override(self.limits(limit + GRACE));
        let started = Instant::now();
        let result = call.send().await;
        trace("DescribeAddresses", aws, started, &result);
        let output = result.map_err(|e| self.failure("DescribeAddresses", aws, limit, &e))?;
        Ok(output.addresses().iter().filter_map(elastic_ip).collect())
    }

    /// Every instance that is not terminated, whatever its name: an Elastic IP may be associated
    /// with one that is named otherwise, and asking for it would take a third call.
    pub(super) async fn instances(
        &self,
        client: &Client,
        aws: &Aws,
        limit: Duration,
    ) -> Result<Vec<Instance>, Failure> {
        let present = Filter::builder()
            .name("instance-state-name")
            .set_values(Some(
                ["pending", "running", "stopping", "stopped"]
                    .map(str::to_owned)
                    .to_vec(),
            ))
            .build();
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        let mut pages = BTreeSet::new();
        loop {
            let call = client
                .describe_instances()
                .filters(present.clone())
                .max_results(INSTANCES_A_PAGE)
                .set_next_token(page.clone())
                .customize()
                .config_override(self.limits(limit + GRACE));
            let started = Instant::now();
            let result = call.send().await;
            trace("DescribeInstances", aws, started, &result);
            let output = result.map_err(|e| self.failure("DescribeInstances", aws, limit, &e))?;
            found.extend(
                output
                    .reservations()
                    .iter()
                    .flat_map(types::Reservation::instances)
                    .filter_map(instance),
            );
            page = output
                .next_token()
                .filter(|t| !t.is_empty())
                .map(str::to_owned);
            let Some(next) = &page else {
                return Ok(found);
            };
            // A page may be empty and go on all the same.
            let why = if !pages.insert(next.clone()) {
                "a page names one as the next that came already".to_owned()
            } else if pages.len() as u64 >= list::MOST_PAGES {
                format!("it has more than {} pages", list::MOST_PAGES)
            } else {
                continue;
            };
            let message = format!(
                "the list that {} gave for DescribeInstances is incomplete: {why}",
                place(aws)
            );
            let failure = Failure::new(FailureKind::Unreachable, message);
            return Err(failure.because(Cause::Incomplete));
        }
    }
}
