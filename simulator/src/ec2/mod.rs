//! EC2's Query API, read side, and what of STS a client may ask, at `POST /`.
//!
//! One address serves every region: account and region come from the credential scope of the signature,
//! which is verified against the secret key.

mod addresses;
mod filter;
mod instances;
mod regions;
mod signature;
mod xml;

use crate::http::{Reply, Request};
use crate::log::Api;
use crate::world::{AccountRegion, Aws, AwsAccount, OptIn};

pub(crate) use signature::Scope;
use xml::Xml;

/// EC2's text for a key that is unknown, or a region that is not enabled for its account.
pub(crate) const NOT_VALIDATED: &str =
    "AWS was not able to validate the provided access credentials";

/// What a request to `POST /` asks, before anything about it is checked.
pub(crate) struct Asked {
    pub(crate) api: Api,
    pub(crate) action: String,
    pub(crate) scope: Option<Scope>,
}

/// Returns what a request asks of which service.
pub(crate) fn asked(request: &Request) -> Asked {
    let scope = Scope::of(request);
    let action = request
        .form()
        .into_iter()
        .find(|(name, _)| name == "Action")
        .map(|(_, value)| value);
    let sts = scope.as_ref().is_some_and(|scope| scope.service == "sts");
    Asked {
        api: if sts { Api::Sts } else { Api::Ec2 },
        action: action.unwrap_or_else(|| "unknown".to_owned()),
        scope,
    }
}

/// Answers one request. Nothing here changes the world; `number` makes the request id.
pub(crate) fn handle(world: &Aws, request: &Request, asked: &Asked, number: u64) -> Reply {
    let id = format!("5a1f3c9e-0000-4444-8888-{number:012x}");
    let answer = match asked.api {
        Api::Sts => sts(world, request, asked, &id),
        _ => ec2(world, request, asked, &id),
    };
    answer.unwrap_or_else(|failure| failure.into_reply(asked.api, &id))
}

fn ec2(world: &Aws, request: &Request, asked: &Asked, id: &str) -> Result<Reply, Failure> {
    let not_validated = || Failure::new(401, "AuthFailure", NOT_VALIDATED);
    let scope = asked.scope.as_ref().ok_or_else(|| {
        Failure::new(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
    })?;
    let (account, key) = world.key(&scope.access_key_id).ok_or_else(not_validated)?;
    signature::verify(request, scope, &key.secret)?;
    // A region that does not exist and one that is not enabled look the same, as with wrong keys.
    let region = account
        .regions
        .get(&scope.region)
        .filter(|region| region.opt_in != OptIn::NotOptedIn)
        .ok_or_else(not_validated)?;
    let denied = key
        .denied
        .iter()
        .any(|action| action == "ec2:*" || *action == format!("ec2:{}", asked.action));
    let elsewhere = key
        .regions
        .as_ref()
        .is_some_and(|regions| !regions.contains(&scope.region));
    if denied || elsewhere {
        let message = format!(
            "You are not authorized to perform this operation. User: arn:aws:iam::{}:user/{} is not authorized to perform: ec2:{} because no identity-based policy allows the ec2:{} action",
            account.id, key.user, asked.action, asked.action
        );
        return Err(Failure::new(403, "UnauthorizedOperation", message));
    }

    let form = request.form();
    let known = ["DescribeAddresses", "DescribeInstances", "DescribeRegions"];
    if !known.contains(&asked.action.as_str()) {
        let message = format!(
            "The action {} is not valid for this web service.",
            asked.action
        );
        return Err(Failure::new(400, "InvalidAction", message));
    }
    if form
        .iter()
        .any(|(name, value)| name == "DryRun" && value == "true")
    {
        return Err(Failure::new(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        ));
    }
    let place = Place {
        account,
        region,
        name: &scope.region,
    };
    let inner = match asked.action.as_str() {
        "DescribeAddresses" => addresses::describe(&place, &form)?,
        "DescribeInstances" => instances::describe(&place, &form)?,
        _ => regions::describe(account, &form)?,
    };
    let mut document = Xml::document();
    document.open_with(
        &format!("{}Response", asked.action),
        "http://ec2.amazonaws.com/doc/2016-11-15/",
    );
    document.text("requestId", id);
    document.raw(&inner);
    document.close(&format!("{}Response", asked.action));
    Ok(Reply::xml(200, document.finish()))
}

fn sts(world: &Aws, request: &Request, asked: &Asked, id: &str) -> Result<Reply, Failure> {
    let invalid = || {
        Failure::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
        )
    };
    let scope = asked.scope.as_ref().ok_or_else(invalid)?;
    let (account, key) = world.key(&scope.access_key_id).ok_or_else(invalid)?;
    signature::verify(request, scope, &key.secret)?;
    let region = account.regions.get(&scope.region);
    if region.is_none_or(|region| region.opt_in == OptIn::NotOptedIn) {
        return Err(invalid());
    }
    if asked.action != "GetCallerIdentity" {
        let message = format!("Could not find operation {}", asked.action);
        return Err(Failure::new(400, "InvalidAction", message));
    }
    let mut document = Xml::document();
    document.open_with(
        "GetCallerIdentityResponse",
        "https://sts.amazonaws.com/doc/2011-06-15/",
    );
    document.open("GetCallerIdentityResult");
    document.text(
        "Arn",
        &format!("arn:aws:iam::{}:user/{}", account.id, key.user),
    );
    document.text("UserId", "AIDAPLANTEDUSER000001");
    document.text("Account", &account.id);
    document.close("GetCallerIdentityResult");
    document.open("ResponseMetadata");
    document.text("RequestId", id);
    document.close("ResponseMetadata");
    document.close("GetCallerIdentityResponse");
    Ok(Reply::xml(200, document.finish()))
}

/// Account and region that a request is about.
struct Place<'a> {
    account: &'a AwsAccount,
    region: &'a AccountRegion,
    name: &'a str,
}

/// One refusal.
#[derive(Debug, Clone, PartialEq)]
struct Failure {
    status: u16,
    code: String,
    message: String,
}

impl Failure {
    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    fn into_reply(self, api: Api, id: &str) -> Reply {
        let mut document = Xml::document();
        if api == Api::Sts {
            document.open_with("ErrorResponse", "https://sts.amazonaws.com/doc/2011-06-15/");
            document.open("Error");
            document.text(
                "Type",
                if self.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                },
            );
            document.text("Code", &self.code);
            document.text("Message", &self.message);
            document.close("Error");
            document.text("RequestId", id);
            document.close("ErrorResponse");
        } else {
            document.open("Response");
            document.open("Errors");
            document.open("Error");
            document.text("Code", &self.code);
            document.text("Message", &self.message);
            document.close("Error");
            document.close("Errors");
            document.text("RequestID", id);
            document.close("Response");
        }
        Reply::xml(self.status, document.finish())
    }
}

const FAULT_ID: &str = "5a1f3c9e-0000-4444-8888-ffffffffffff";

/// Returns a failure in EC2's shape.
pub(crate) fn failure(status: u16, code: &str, message: &str) -> Reply {
    Failure::new(status, code, message).into_reply(Api::Ec2, FAULT_ID)
}

/// Returns a failure in the shape of STS.
pub(crate) fn sts_failure(status: u16, code: &str, message: &str) -> Reply {
    Failure::new(status, code, message).into_reply(Api::Sts, FAULT_ID)
}
