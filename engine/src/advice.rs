//! What to do about a failure, derived from what it comes from: the one place for it.
//!
//! **Invariant.** A failure of this machine, of the credentials, of the topology, or of all sides
//! alike never ends in advice to fail over.

use crate::world::{Cause, Failure, FailureKind, Origin, Whose};

/// What was asked for when the failure came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Zones and records, of Cloudflare.
    Records,
    /// Something of a GitLab project.
    Project(&'a str),
    /// GitLab, about no project.
    Gitlab,
    /// A side's machines, of EC2.
    Region {
        /// The AWS profile.
        profile: &'a str,
        /// The region.
        region: &'a str,
    },
}

impl Asked<'_> {
    fn api(self) -> &'static str {
        match self {
            Self::Records => "Cloudflare",
            Self::Project(_) | Self::Gitlab => "GitLab",
            Self::Region { .. } => "EC2",
        }
    }

    fn status_page(self) -> &'static str {
        match self {
            Self::Records => "https://www.cloudflarestatus.com",
            Self::Project(_) | Self::Gitlab => "https://status.gitlab.com",
            Self::Region { .. } => "https://health.aws.amazon.com",
        }
    }

    fn base_url(self, origin: Option<&Origin>) -> String {
        let (usual, ends) = match self {
            Self::Records => ("`CLOUDFLARE_BASE_URL`", ", which must end in `/client/v4`"),
            Self::Project(_) | Self::Gitlab => {
                ("`GITLAB_BASE_URL`", ", which must end in `/api/v4`")
            }
            Self::Region { .. } => ("`AWS_ENDPOINT_URL_EC2` or `AWS_ENDPOINT_URL`", ""),
        };
        let named = origin.and_then(|origin| origin.address.as_deref());
        format!("{}{ends}", named.unwrap_or(usual))
    }

    /// What the credentials must be allowed to do.
    fn needs(self) -> String {
        match self {
            Self::Records => {
                "Zone: Read and DNS: Edit on the zones of the topology's hostnames".to_owned()
            }
            Self::Project(project) => format!("scope `api` and the role Maintainer in `{project}`"),
            Self::Gitlab => "scope `api` and the role Maintainer in the projects".to_owned(),
            Self::Region { region, .. } => {
                format!("ec2:DescribeAddresses and ec2:DescribeInstances in {region}")
            }
        }
    }

    /// What holds the credentials: a setting, or the files with the key of a profile.
    fn credentials(self, origin: Option<&Origin>) -> &str {
        let named = origin.and_then(|origin| origin.credentials.as_deref());
        named.unwrap_or(match self {
            Self::Records => "`CLOUDFLARE_API_TOKEN`",
            Self::Project(_) | Self::Gitlab => "`GITLAB_TOKEN`",
            Self::Region { .. } => "`~/.aws/config` and `~/.aws/credentials`",
        })
    }

    fn new_token(self, origin: Option<&Origin>) -> String {
        let place = self.credentials(origin);
        match self {
            Self::Records => format!(
                "Make a token in Cloudflare's dashboard (My Profile, API Tokens) with {}, and set {place} to it.",
                self.needs()
            ),
            Self::Project(_) | Self::Gitlab => format!(
                "Make an access token in GitLab with {}, and set {place} to it.",
                self.needs()
            ),
            Self::Region { profile, .. } => format!(
                "Compare the key of profile `{profile}` in {place} with the IAM console: it may be mistyped, deactivated or deleted."
            ),
        }
    }
}

/// What to do about `failure`, in full sentences.
pub fn next(asked: Asked<'_>, failure: &Failure) -> String {
    let api = asked.api();
    let origin = failure.origin.as_deref();
    match &failure.cause {
        Cause::Unknown => general(asked, failure.kind),
        Cause::Setting => match asked {
            Asked::Region { .. } => "Set or correct what is named.".to_owned(),
            _ => format!(
                "Set or correct what is named; the token needs {}.",
                asked.needs()
            ),
        },
        Cause::Proxy { variable } => format!(
            "Look at the proxy that `{variable}` names: its address, its port, and whether it lets connections to {api} through. `NO_PROXY` names hosts that are reached without it."
        ),
        Cause::Roots => "Install the package `ca-certificates`, or set `SSL_CERT_FILE` to a file of trusted certificates in PEM form.".to_owned(),
        Cause::Untrusted => {
            let aws = match asked {
                Asked::Region { .. } => " (or `AWS_CA_BUNDLE`, or `ca_bundle` in the profile)",
                _ => "",
            };
            format!(
                "If a proxy of your network opens TLS, set `SSL_CERT_FILE`{aws} to a file that holds its authority's certificate beside the public ones. Otherwise somebody stands between: give away no token."
            )
        }
        Cause::OtherName => format!(
            "Look at {} and at the proxy: another server answers than the one that is meant.",
            asked.base_url(origin)
        ),
        Cause::Authority => "That certificate is an authority's: whoever runs that server or proxy must give it a certificate for servers, signed by that authority.".to_owned(),
        Cause::Outdated => "Compare this machine's clock with the right time, and set it where it is wrong. If it is right, whoever runs that server or proxy must renew the certificate.".to_owned(),
        Cause::ClientCertificate => format!(
            "Certificates of clients are not supported: reach {api} another way, see `HTTPS_PROXY` and {}.",
            asked.base_url(origin)
        ),
        Cause::Clock => "Set this machine's clock: it differs from the server's.".to_owned(),
        Cause::ProfileFile => "Correct that file at that line; `aws configure list` reads the same files.".to_owned(),
        Cause::Profile => match asked {
            Asked::Region { profile, .. } => format!(
                "Correct profile `{profile}` in {}, or its name in the topology.",
                asked.credentials(origin)
            ),
            _ => "Correct the AWS profile, or its name in the topology.".to_owned(),
        },
        Cause::Program => match asked {
            Asked::Region { profile, .. } => format!(
                "Run the `credential_process` of profile `{profile}` by hand, and sign in or correct it as it says."
            ),
            _ => "Run the `credential_process` by hand, and sign in or correct it as it says.".to_owned(),
        },
        Cause::Token => asked.new_token(origin),
        Cause::Ended => match asked {
            Asked::Region { profile, .. } => {
                format!("Sign in again, so that profile `{profile}` has new keys.")
            }
            _ => asked.new_token(origin),
        },
        Cause::Permission => permission(asked),
        Cause::Role => match asked {
            Asked::Region { profile, .. } => format!(
                "Allow `sts:AssumeRole` on the role of profile `{profile}` to the key that its `source_profile` or `credential_source` gives, and name that user in the role's trust policy."
            ),
            _ => permission(asked),
        },
        Cause::From => format!(
            "Allow this machine's address in the token's list of addresses at {api}, or run from one that is on it."
        ),
        Cause::NotEnabled => match asked {
            Asked::Region { profile, region } => format!(
                "See in the AWS console that {region} is enabled for the account of profile `{profile}`, and that its key is in force."
            ),
            _ => asked.new_token(origin),
        },
        Cause::Account => format!("Ask {api}'s support: the account itself is held up."),
        Cause::BaseUrl => format!("Correct {}.", asked.base_url(origin)),
        Cause::Route => match asked {
            Asked::Project(project) => format!(
                "Write the numeric id of `{project}` as `gitlab_project` in the topology, or correct the proxy before GitLab: it decodes the `%2F` in paths."
            ),
            _ => format!("Correct {}.", asked.base_url(origin)),
        },
        Cause::NotThere => match asked {
            Asked::Project(project) => format!(
                "Correct `gitlab_project` in the topology, or make the token's user a Maintainer of `{project}`: GitLab says the same of a project that is not there and of one that the token may not see."
            ),
            _ => format!("Correct the name in the topology, or give the token {}.", asked.needs()),
        },
        Cause::Moved => "Write the new path, or the project's numeric id, as `gitlab_project` in the topology.".to_owned(),
        Cause::Region { meant } => match meant {
            Some(meant) => format!("Write `{meant}` as `region` in the topology, if that is meant."),
            None => "Correct `region` in the topology.".to_owned(),
        },
        Cause::WebPage => format!(
            "A proxy, a filter or a sign-in page stands between this machine and {api}: see `HTTPS_PROXY` and {}.",
            asked.base_url(origin)
        ),
        Cause::RateLimit { until } => match until {
            Some(until) => format!(
                "Wait until {until}. Whatever else uses the same credentials uses up the same allowance."
            ),
            None => "Wait a few minutes. Whatever else uses the same credentials uses up the same allowance.".to_owned(),
        },
        Cause::Back { until } => format!("Wait until {until}."),
        Cause::Request => format!(
            "Run it again. If it stays so, something between this machine and {api} may have changed the request, or another server answers: see `HTTPS_PROXY` and {}.",
            asked.base_url(origin)
        ),
        Cause::Incomplete => format!(
            "Run it again: the list may have changed while it was read. If it stays so, something between this machine and {api} cuts its answers."
        ),
        Cause::Nonsense | Cause::Vendor => format!(
            "Try again in a few minutes, and see {} for trouble.",
            asked.status_page()
        ),
        Cause::NoAnswer | Cause::NoConnection => general(asked, FailureKind::Unreachable),
        Cause::Stopped => "Run the command again.".to_owned(),
    }
}

/// Where no more is known than the kind.
fn general(asked: Asked<'_>, kind: FailureKind) -> String {
    match kind {
        FailureKind::Misconfigured => "Set or correct what is named.".to_owned(),
        FailureKind::Refused => permission(asked),
        FailureKind::Unreachable => match asked {
            Asked::Region { region, .. } => format!(
                "Check this machine's connection to EC2 in {region}, and see {} for trouble there.",
                asked.status_page()
            ),
            _ => format!(
                "Check this machine's connection to {}, and see {} for trouble there.",
                asked.api(),
                asked.status_page()
            ),
        },
    }
}

fn permission(asked: Asked<'_>) -> String {
    match asked {
        Asked::Records => format!(
            "Give the token {} in Cloudflare's dashboard (My Profile, API Tokens).",
            asked.needs()
        ),
        Asked::Project(project) => format!(
            "Give the token {}. If it has both, `{project}` may be archived: `gigadb-roles check` tells.",
            asked.needs()
        ),
        Asked::Gitlab => format!("Give the token {}.", asked.needs()),
        Asked::Region { profile, .. } => {
            format!("Give the key of profile `{profile}` {}.", asked.needs())
        }
    }
}

/// Whether a side that failed so may be lost, so that a failover is the way on. `others` are the
/// failures of all other sides.
pub fn may_be_lost<'a>(
    failure: &Failure,
    others: impl IntoIterator<Item = Option<&'a Failure>>,
) -> bool {
    failure.whose() == Whose::Vendor
        && others
            .into_iter()
            .any(|other| other.is_none_or(|other| other.whose() != Whose::Vendor))
}

/// What to look at where every side failed, and all of them for one reason; `None` where a side
/// was read, or the reasons differ.
pub fn alike<'a>(failures: impl IntoIterator<Item = Option<&'a Failure>>) -> Option<&'static str> {
    let failures: Option<Vec<&Failure>> = failures.into_iter().collect();
    let failures = failures.filter(|all| all.len() > 1)?;
    let (first, rest) = failures.split_first()?;
    let same = rest
        .iter()
        .all(|one| one.cause == first.cause && one.kind == first.kind);
    let on_the_way = matches!(first.whose(), Whose::Vendor | Whose::Between)
        || matches!(first.cause, Cause::Untrusted | Cause::OtherName);
    (same && on_the_way).then_some(
        "All sides failed alike: look at this machine's network, proxy and certificates first.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: Asked<'_> = Asked::Project("a/b");
    const REGION: Asked<'_> = Asked::Region {
        profile: "Upstream",
        region: "ap-east-1",
    };

    fn failure(cause: &Cause) -> Failure {
        let kind = match cause.whose(FailureKind::Unreachable) {
            Whose::Machine => FailureKind::Misconfigured,
            Whose::Credentials | Whose::Topology => FailureKind::Refused,
            _ => FailureKind::Unreachable,
        };
        Failure::new(kind, "it failed").because(cause.clone())
    }

    #[test]
    fn every_cause_has_advice_of_its_own_words() {
        let named = |cause: &Cause, asked: Asked<'_>| -> &'static [&'static str] {
            match (cause, asked) {
                (Cause::Proxy { .. }, _) => &["`HTTPS_PROXY`", "NO_PROXY"],
                (Cause::Roots, _) => &["ca-certificates", "SSL_CERT_FILE"],
                (Cause::Untrusted, Asked::Region { .. }) => {
                    &["SSL_CERT_FILE", "AWS_CA_BUNDLE", "ca_bundle"]
                }
                (Cause::Untrusted, _) => &["SSL_CERT_FILE"],
                (Cause::Clock, _) => &["clock"],
                (Cause::Authority, _) => &["for servers"],
                (Cause::Outdated, _) => &["clock", "renew"],
                (Cause::ClientCertificate, _) => &["not supported"],
                (Cause::Role, Asked::Region { .. }) => &["sts:AssumeRole", "trust policy"],
                (Cause::Back { .. }, _) => &["Wait until Thu, 01 Jan 2026 00:05:00 GMT."],
                (Cause::Request, _) => &["again"],
                (Cause::Token, Asked::Records) => &["CLOUDFLARE_API_TOKEN", "DNS: Edit"],
                (Cause::Token | Cause::Ended, Asked::Project(_)) => {
                    &["GITLAB_TOKEN", "`api`", "Maintainer in `a/b`"]
                }
                (Cause::Token, Asked::Region { .. }) => &["`Upstream`", "IAM"],
                (Cause::Permission, Asked::Records) => &["Zone: Read", "DNS: Edit"],
                (Cause::Permission, Asked::Project(_)) => &["`api`", "Maintainer", "archived"],
                (Cause::Permission, Asked::Region { .. }) => &["ec2:DescribeAddresses"],
                (Cause::Profile | Cause::Program, Asked::Region { .. }) => &["`Upstream`"],
                (Cause::BaseUrl, Asked::Project(_)) => &["`/api/v4`"],
                (Cause::BaseUrl, Asked::Records) => &["`/client/v4`"],
                (Cause::Route, Asked::Project(_)) => &["numeric id", "%2F"],
                (Cause::Moved, _) => &["new path", "`gitlab_project`"],
                (Cause::NotThere, Asked::Project(_)) => &["`gitlab_project`"],
                (Cause::Region { .. }, _) => &["`ap-east-1`"],
                (Cause::RateLimit { .. }, _) => &["Wait until Thu, 01 Jan 2026 00:05:00 GMT."],
                (Cause::WebPage, _) => &["proxy", "filter"],
                (Cause::Incomplete, _) => &["again"],
                (Cause::Stopped, _) => &["Run the command again."],
                (Cause::NotEnabled, Asked::Region { .. }) => &["enabled", "ap-east-1"],
                _ => &[],
            }
        };
        for cause in Cause::all() {
            for asked in [Asked::Records, PROJECT, Asked::Gitlab, REGION] {
                let next = next(asked, &failure(&cause));
                for word in named(&cause, asked) {
                    assert!(next.contains(word), "{cause:?} {asked:?}: {next}");
                }
                assert!(next.ends_with('.'), "{cause:?} {asked:?}: {next}");
                assert!(!next.contains("failover"), "{cause:?} {asked:?}: {next}");
                // Nobody is sent to make a token for a fault that no token heals.
                let credentials = matches!(
                    cause.whose(FailureKind::Refused),
                    Whose::Credentials | Whose::Topology
                ) || cause == Cause::Setting;
                if !credentials {
                    assert!(!next.contains("_TOKEN"), "{cause:?} {asked:?}: {next}");
                }
            }
        }
    }

    #[test]
    fn a_failover_is_for_what_may_be_lost_and_for_nothing_else() {
        for cause in Cause::all() {
            let one = failure(&cause);
            let lost = matches!(
                cause,
                Cause::Unknown
                    | Cause::Nonsense
                    | Cause::Vendor
                    | Cause::NoAnswer
                    | Cause::NoConnection
            );
            assert_eq!(may_be_lost(&one, [None]), lost, "{cause:?}");
            assert!(!may_be_lost(&one, [Some(&one)]), "{cause:?}");
            let on_the_way = matches!(one.whose(), Whose::Between | Whose::Vendor)
                || matches!(cause, Cause::Untrusted | Cause::OtherName);
            let told = alike([Some(&one), Some(&one)]).is_some();
            assert_eq!(told, on_the_way, "{cause:?}");
            assert_eq!(alike([Some(&one), None]), None, "{cause:?}");
        }
        let refused = failure(&Cause::Token);
        let silent = failure(&Cause::NoAnswer);
        assert!(may_be_lost(&silent, [Some(&refused)]));
        assert_eq!(alike([Some(&silent), Some(&refused)]), None);
    }
}
