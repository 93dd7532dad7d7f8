//! `gigadb-roles verify`.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use gigadb_clients::{Lookout, probe::ask_endpoints};
use gigadb_engine::{
    answer::{Answer, Question, fault},
    foreign::Foreign,
    message::Message,
    name::{Hostname, InfrastructureName},
    observation::Observation,
    topology::Protocol,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    endpoints::EndpointArgs,
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    planning::https,
    session::dns_settings,
    ui::Ui,
};

/// The version of the document. New keys do not change it.
const FORMAT_VERSION: u32 = 1;
const HEADER: [&str; 5] = ["NAME", "PROTOCOL", "ADDRESS", "SIDE", "ANSWER"];

/// Ask every name of production, and say what answered.
///
/// Each name is asked by the protocols of its endpoint in the topology, at every address that its
/// zone's servers give: the status and the days that its certificate has left (https), the host
/// keys' fingerprints (ssh), the greeting (ftp), or whether a connection is accepted (tcp).
/// Nothing is logged in to, and nothing is changed. Exits with 3 where something is not as it should be.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles verify --environment live
  gigadb-roles verify -e live --format json")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    endpoints: EndpointArgs,

    /// Wait this long for each answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

/// What was asked of one name.
#[derive(Serialize)]
struct Name {
    hostname: String,
    endpoint: String,
    /// Why it could not be asked: a clause.
    fault: Option<String>,
    asked: Vec<Asked>,
}

/// One answer.
#[derive(Serialize)]
struct Asked {
    protocol: Protocol,
    address: IpAddr,
    /// Whose address it is, where that is known.
    infrastructure: Option<String>,
    answer: Option<gigadb_engine::answer::Answered>,
    /// What is wrong with it, or why there is none: a clause.
    fault: Option<String>,
    /// What is worth knowing of it: a clause.
    doubt: Option<String>,
    #[serde(skip)]
    shown: String,
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    environment: &'a str,
    production: Option<&'a str>,
    well: bool,
    names: &'a [Name],
}

/// Asks, and prints what answered.
pub(super) async fn run(
    args: &VerifyArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let asking = args.endpoints.open(global)?;
    let (topology, environment) = (&asking.session.topology, &asking.environment);
    let table = asking.table()?;
    let names = &table.production.hostnames;
    let dns = dns_settings()?;
    let source = dns.source();
    let hostnames: BTreeSet<&Hostname> = names.keys().collect();
    let leading = async {
        let lookout = Lookout::find(dns, &hostnames, &[]).await?;
        Ok::<_, String>(lookout.addresses().await)
    };
    let (leading, observation) = tokio::join!(leading, asking.observe(cancel));
    let leading = leading.map_err(|why| {
        let what = format!("It is not known where the names of production lead: {why}.");
        asking.without_dns(what, &source)
    })?;
    let observation = observation?;
    let apex = observation.apex(table);
    let questions: Vec<Question> = names
        .iter()
        .flat_map(|(hostname, endpoint)| {
            let protocols = topology.protocols(environment, apex, endpoint);
            let protocols = asking.ports.of(protocols);
            let addresses = leading.get(hostname).and_then(|found| found.as_ref().ok());
            addresses.into_iter().flatten().flat_map(move |address| {
                let protocols = protocols.clone().into_iter();
                protocols.map(move |protocol| Question {
                    hostname: hostname.clone(),
                    address: *address,
                    protocol,
                })
            })
        })
        .collect();
    let limit = Duration::from_secs(args.timeout);
    let answers = ask_endpoints(&questions, args.endpoints.ca_file.as_deref(), limit).await;
    let answers = answers.map_err(|error| https::impossible(&error))?;
    let holder = observation.apex_holder(table);
    let mut asked: BTreeMap<Hostname, Vec<Asked>> = BTreeMap::new();
    for (question, answer) in answers {
        let one = judged(&question, answer, &observation, holder);
        asked.entry(question.hostname).or_default().push(one);
    }
    let names: Vec<Name> = names
        .iter()
        .map(|(hostname, endpoint)| Name {
            hostname: hostname.to_string(),
            endpoint: endpoint.to_string(),
            fault: match leading.get(hostname) {
                Some(Ok(addresses)) if addresses.is_empty() => {
                    Some("DNS has no address for it".to_owned())
                }
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(format!("where it leads is not known: {why}")),
                None => Some("where it leads is not known".to_owned()),
            },
            asked: asked.remove(hostname).unwrap_or_default(),
        })
        .collect();
    let wrong = wrong(&names);
    let text = match global.format {
        Format::Json => {
            let document = Document {
                format_version: FORMAT_VERSION,
                environment: environment.as_str(),
                production: holder.map(InfrastructureName::as_str),
                well: wrong.is_empty(),
                names: &names,
            };
            // Strings and numbers only: this cannot fail.
            serde_json::to_string_pretty(&document).unwrap_or_default()
        }
        _ => render(&names),
    };
    ui.answer(&text)?;
    for name in &names {
        for (one, doubt) in name
            .asked
            .iter()
            .filter_map(|a| Some((a, a.doubt.as_ref()?)))
        {
            ui.warning(&format!(
                "`{}` by {} at {}: {}.",
                name.hostname,
                one.protocol,
                one.address,
                Foreign(doubt)
            ));
        }
    }
    if wrong.is_empty() {
        return Ok(Exit::Success);
    }
    Err(Failure::with(
        Exit::PartlyApplied,
        Message::nothing_changed(
            format!("Not everything answers as it should: {}.", wrong.join("; ")),
            format!("environment `{environment}`"),
            "Look at the machines that are named; `gigadb-roles status` shows whether the records \
             are as the topology says.",
        ),
    )
    .answered())
}

/// An answer with what is wrong with it. A name that leads to another side than the apex is wrong
/// whatever answers there.
fn judged(
    question: &Question,
    answer: Answer,
    observation: &Observation,
    holder: Option<&InfrastructureName>,
) -> Asked {
    let owner = match question.address {
        IpAddr::V4(address) => observation.owner(address),
        IpAddr::V6(_) => None,
    };
    let elsewhere = match (owner, holder) {
        (Some(owner), Some(holder)) if owner != holder => Some(format!(
            "it leads to `{owner}`, and production is `{holder}`"
        )),
        _ => None,
    };
    let fault = elsewhere.or_else(|| fault(&answer));
    let (answer, shown) = match answer {
        Ok(answered) => (Some(answered.clone()), answered.in_words()),
        Err(why) => (None, why),
    };
    Asked {
        protocol: question.protocol,
        address: question.address,
        infrastructure: owner.map(ToString::to_string),
        doubt: answer.as_ref().and_then(|answered| answered.doubt()),
        answer,
        fault,
        shown,
    }
}

fn wrong(names: &[Name]) -> Vec<String> {
    let unknown = names.iter().filter_map(|name| {
        let why = name.fault.as_ref()?;
        Some(format!("`{}`: {}", name.hostname, Foreign(why)))
    });
    let asked = names.iter().flat_map(|name| {
        name.asked.iter().filter_map(|one| {
            let why = one.fault.as_ref()?;
            let Asked {
                protocol, address, ..
            } = one;
            let why = Foreign(why);
            Some(format!(
                "`{}` by {protocol} at {address}: {why}",
                name.hostname
            ))
        })
    });
    unknown.chain(asked).collect()
}

fn render(names: &[Name]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(HEADER);
    for name in names {
        if name.asked.is_empty() {
            let why = match &name.fault {
                Some(why) => Foreign(why).to_string(),
                None => format!("not asked: endpoint {} names no protocols", name.endpoint),
            };
            table.add_row([&name.hostname, "", "", "", &why]);
        }
        for one in &name.asked {
            table.add_row([
                name.hostname.clone(),
                one.protocol.to_string(),
                one.address.to_string(),
                one.infrastructure.clone().unwrap_or_default(),
                Foreign(&one.shown).to_string(),
            ]);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
