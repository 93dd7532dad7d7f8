//! Data source `gigadb_infrastructure`: one machine of one side, and the role that the side has.

use std::sync::Arc;

use gigadb_engine::{
    advice::{self, Asked},
    message::Message,
    name::{EndpointName, EnvironmentName, InfrastructureName, Role},
    nearest::nearest,
    observation::{EndpointObservation, Observation, environment_of},
    view,
    world::{Failure, Reading},
};
use tfplug::{
    DataSource, Diagnostic, Diagnostics, ReadDataRequest, ReadDataResponse, Schema,
    ValidateConfigRequest, Value, async_trait,
};

use crate::{
    diagnostics, schema,
    session::{Ready, Session},
    validate,
};

pub(crate) struct InfrastructureData(pub(crate) Arc<Session>);

#[async_trait]
impl DataSource for InfrastructureData {
    fn type_name(&self) -> &'static str {
        "gigadb_infrastructure"
    }

    fn schema(&self) -> Schema {
        schema::infrastructure_data()
    }

    async fn validate_config(&self, request: ValidateConfigRequest) -> Diagnostics {
        validate::infrastructure_data(&request.config)
    }

    async fn read(&self, request: ReadDataRequest) -> ReadDataResponse {
        self.found(&request)
            .await
            .unwrap_or_else(ReadDataResponse::failed)
    }
}

impl InfrastructureData {
    async fn found(&self, request: &ReadDataRequest) -> Result<ReadDataResponse, Diagnostics> {
        let unset = validate::given(
            &request.config,
            &["environment", "infrastructure", "endpoint"],
        );
        if unset.has_errors() {
            return Err(unset);
        }
        let ready = self.0.ready()?;
        let topology = &ready.topology;
        let config = &request.config;
        let environment: EnvironmentName = text(config, "environment")
            .parse()
            .map_err(|error| validate::invalid_name("environment", &error))?;
        let side = known(
            config,
            "infrastructure",
            topology.infrastructures.keys(),
            InfrastructureName::as_str,
        )?;
        let endpoint = known(
            config,
            "endpoint",
            topology.endpoints.keys(),
            EndpointName::as_str,
        )?;
        let observation = ready
            .observe(&environment, None, &request.context.cancel)
            .await?;
        let machine = machine(&ready, &observation, side, endpoint)?;
        let instance = machine
            .elastic_ips
            .first()
            .and_then(|eip| eip.instance_id.as_ref())
            .and_then(|id| machine.instances.iter().find(|instance| instance.id == *id));
        let attributes = [
            ("address", machine.address().map(|a| a.to_string())),
            (
                "private_address",
                instance.and_then(|i| i.private_address.map(|a| a.to_string())),
            ),
            ("instance_id", instance.map(|i| i.id.to_string())),
            ("instance_state", instance.map(|i| i.state.clone())),
            ("role", role(&ready, &observation, side).map(str::to_owned)),
        ];
        let data = attributes
            .into_iter()
            .fold(config.clone(), |data, (name, value)| {
                data.with(name, Value::from(value))
            });
        Ok(ReadDataResponse::new(data))
    }
}

fn role(
    ready: &Ready,
    observation: &Observation,
    side: &InfrastructureName,
) -> Option<&'static str> {
    let environment = environment_of(&ready.topology, &observation.environment).ok()?;
    view::roles(&ready.topology, environment, observation)
        .ok()?
        .role_of(side)
        .map(Role::as_str)
}

/// What to do where a side could not be read.
fn unread_next(ready: &Ready, side: &InfrastructureName, failure: &Failure) -> String {
    let next = match ready.topology.infrastructures.get(side) {
        Some(side) => {
            let (profile, region) = (side.aws.profile.as_str(), side.aws.region.as_str());
            advice::next(Asked::Region { profile, region }, failure)
        }
        None => String::new(),
    };
    format!("{next} Then plan again.").trim_start().to_owned()
}

/// The machine, with exactly one Elastic IP.
fn machine<'a>(
    ready: &Ready,
    observation: &'a Observation,
    side: &InfrastructureName,
    endpoint: &EndpointName,
) -> Result<&'a EndpointObservation, Diagnostic> {
    let environment = &observation.environment;
    let reading = observation.sides.get(side);
    if let Some(failure) = reading.and_then(Reading::failure) {
        return Err(diagnostics::error_at(
            "infrastructure",
            format!("{environment}: `{side}` could not be read"),
            &Message::nothing_changed(
                format!("The Elastic IPs and instances of `{side}` could not be read: {failure}."),
                format!("infrastructure `{side}`"),
                unread_next(ready, side, failure),
            ),
        ));
    }
    let machine = reading
        .and_then(Reading::known)
        .and_then(|machines| machines.get(endpoint));
    let count = machine.map_or(0, |machine| machine.elastic_ips.len());
    match machine {
        Some(machine) if count == 1 => Ok(machine),
        _ => {
            let name = ready
                .topology
                .eip_name(side, environment, endpoint)
                .unwrap_or_default();
            let addresses: Vec<String> = machine
                .into_iter()
                .flat_map(|machine| &machine.elastic_ips)
                .map(|eip| format!("{} ({})", eip.address, eip.allocation_id))
                .collect();
            let listed = if addresses.is_empty() {
                String::new()
            } else {
                format!(": {}", addresses.join(", "))
            };
            Err(diagnostics::error_at(
                "endpoint",
                format!("{environment}: `{side}` has {count} Elastic IPs named `{name}`"),
                &Message::nothing_changed(
                    format!(
                        "`{side}` has {count} Elastic IPs with the Name tag `{name}`, where there must be one."
                    ),
                    format!("Elastic IP `{name}` of `{side}`{listed}"),
                    "Leave the Name tag on exactly one Elastic IP, or correct `eip` (or this side's `eips`) in the topology.",
                ),
            ))
        }
    }
}

fn text<'a>(config: &'a Value, name: &str) -> &'a str {
    config.get(name).as_str().unwrap_or_default()
}

/// The name of the topology that an attribute means.
fn known<'a, T>(
    config: &Value,
    attribute: &str,
    names: impl Iterator<Item = &'a T> + Clone,
    as_str: impl Fn(&'a T) -> &'a str,
) -> Result<&'a T, Diagnostic> {
    let wanted = text(config, attribute);
    names
        .clone()
        .find(|name| as_str(name) == wanted)
        .ok_or_else(|| {
            let next = match nearest(wanted, names.map(&as_str)) {
                Some(nearest) => format!(
                    "Write `{nearest}` if that is meant, or add the {attribute} to the topology."
                ),
                None => format!("Name an {attribute} of the topology."),
            };
            diagnostics::error_at(
                attribute,
                format!("no {attribute} `{wanted}` in the topology"),
                &Message::nothing_changed(
                    format!("The topology has no {attribute} `{wanted}`."),
                    format!("attribute `{attribute}`"),
                    next,
                ),
            )
        })
}
