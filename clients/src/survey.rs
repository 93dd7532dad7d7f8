//! What is there before anybody has written a topology: read for a first one, never decided on.

use std::{collections::BTreeMap, time::Duration};

use gigadb_engine::{
    draft::{SideSurvey, Survey, SurveyedVariable},
    topology::Aws,
    world::Failure,
};
use tokio_util::sync::CancellationToken;

use crate::{Apis, http::Budget};

/// How long a region may take.
const REGION: Duration = Duration::from_secs(20);

impl Apis {
    /// The AWS profiles of this machine, each with its region where the files name one.
    pub async fn aws_profiles(&self) -> Result<Vec<(String, Option<String>)>, Failure> {
        Box::pin(self.ec2.profiles()).await
    }

    /// Reads what a first topology is guessed from. Of variables only those are kept whose value is the name of a
    /// host in one of the zones, or a URL of one.
    pub async fn survey(
        &self,
        profiles: &[Aws],
        projects: &[String],
        cancel: &CancellationToken,
    ) -> Survey {
        let mut survey = Survey {
            has_all_records: true,
            ..Survey::default()
        };
        let mut unread = Vec::new();
        for aws in profiles {
            match Box::pin(self.ec2.everything(aws, REGION)).await {
                Ok(found) => survey.sides.push(SideSurvey {
                    profile: aws.profile.clone(),
                    region: aws.region.clone(),
                    found,
                }),
                Err(failure) => unread.push(format!(
                    "Profile `{}` could not be read: {failure}.",
                    aws.profile
                )),
            }
        }
        let budget = || Budget::new(self.timing().call, Some(cancel));
        match self.cloudflare.list_zones(budget()).await {
            Ok(zones) => {
                for zone in zones.into_iter().filter(|zone| zone.active) {
                    match self.cloudflare.list_records(&zone, budget()).await {
                        Ok((records, _)) => survey.records.extend(records),
                        Err(error) => {
                            survey.has_all_records = false;
                            unread.push(format!(
                                "The records of zone `{}` could not be read: {}.",
                                zone.name,
                                error.failure()
                            ));
                        }
                    }
                    survey.zones.push(zone.name);
                }
            }
            Err(error) => {
                survey.has_all_records = false;
                unread.push(format!("The zones could not be read: {}.", error.failure()));
            }
        }
        let mut found: BTreeMap<String, Vec<SurveyedVariable>> = BTreeMap::new();
        for project in projects {
            let rows = self
                .gitlab
                .hosts_in_variables(project, &survey.zones, budget());
            match rows.await {
                Ok(rows) => {
                    found.insert(project.clone(), rows);
                }
                Err(error) => unread.push(format!(
                    "The variables of project `{project}` could not be read: {}.",
                    error.failure()
                )),
            }
        }
        survey.projects = found;
        survey.unread = unread;
        survey
    }
}
