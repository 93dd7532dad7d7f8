//! The world of GigaDB's own procedure for deploying to production: two projects, two regions, two
//! zones, with `gigadb-website` as production.
//!
//! Addresses are of the ranges kept for documentation. The names of the procedure's DNS table are kept
//! as they stand there, `files.alt-live.gigadb.org` among them.

use std::collections::BTreeMap;

use super::cloudflare::hex_id;
use super::{
    AccessKey, AccessLevel, AccountRegion, Address, Aws, AwsAccount, Cloudflare, CloudflareAccount,
    CloudflareToken, Deployable, Deployment, DnsAccess, Environment, FreezePeriod, Gitlab,
    GitlabToken, GitlabTokenStatus, Instance, InstanceState, OptIn, Pipeline, Plan, Project,
    Release, TerraformState, TokenOwner, TokenStatus, Variable, VariableType, World, Zone,
};

/// Cloudflare token that may read and write both zones.
pub const CLOUDFLARE_TOKEN: &str = "cfut_PLANTED_write_0a1b2c3d4e5f60718293a4b5";
/// Cloudflare token without DNS Write.
pub const CLOUDFLARE_READ_TOKEN: &str = "cfut_PLANTED_read_0a1b2c3d4e5f60718293a4b5";
/// Cloudflare token that sees `gigadb.org` only.
pub const CLOUDFLARE_ONE_ZONE_TOKEN: &str = "cfut_PLANTED_onezone_0a1b2c3d4e5f60718293";
/// Cloudflare token whose address filter refuses loopback.
pub const CLOUDFLARE_IP_BLOCKED_TOKEN: &str = "cfut_PLANTED_ipblocked_0a1b2c3d4e5f607182";
/// Cloudflare token that was switched off.
pub const CLOUDFLARE_REVOKED_TOKEN: &str = "cfut_PLANTED_revoked_0a1b2c3d4e5f60718293";
/// Cloudflare token owned by the account; may read and write both zones.
pub const CLOUDFLARE_ACCOUNT_TOKEN: &str = "cfat_PLANTED_account_0a1b2c3d4e5f60718293";
/// GitLab token of a maintainer of both projects.
pub const GITLAB_TOKEN: &str = "glpat-PLANTED-maintainer-0a1b2c3d4e";
/// GitLab token of a developer of both projects.
pub const GITLAB_DEVELOPER_TOKEN: &str = "glpat-PLANTED-developer-0a1b2c3d4e";
/// GitLab token of a maintainer, scope `read_api`.
pub const GITLAB_READ_TOKEN: &str = "glpat-PLANTED-readonly-0a1b2c3d4e";
/// GitLab token past its end of life.
pub const GITLAB_EXPIRED_TOKEN: &str = "glpat-PLANTED-expired-0a1b2c3d4e";
/// Access key of profile `Upstream`.
pub const ACCESS_KEY_ID_UPSTREAM: &str = "AKIAPLANTEDUPSTREAM1";
/// Secret key of profile `Upstream`.
pub const SECRET_KEY_UPSTREAM: &str = "PLANTED/upstream/secret/0a1b2c3d4e5f6071";
/// Access key of profile `UpstreamAlt`.
pub const ACCESS_KEY_ID_ALT: &str = "AKIAPLANTEDALTSTREAM";
/// Secret key of profile `UpstreamAlt`.
pub const SECRET_KEY_ALT: &str = "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";
/// Value of every unrelated secret variable and Terraform output: no client has business showing it.
pub const SECRET_VARIABLE_VALUE: &str = "PLANTED-unrelated-secret-0a1b2c3d4e";

/// Every secret of this world: none may appear in any output, log, plan or state.
pub const PLANTED: [&str; 13] = [
    CLOUDFLARE_TOKEN,
    CLOUDFLARE_READ_TOKEN,
    CLOUDFLARE_ONE_ZONE_TOKEN,
    CLOUDFLARE_IP_BLOCKED_TOKEN,
    CLOUDFLARE_REVOKED_TOKEN,
    CLOUDFLARE_ACCOUNT_TOKEN,
    GITLAB_TOKEN,
    GITLAB_DEVELOPER_TOKEN,
    GITLAB_READ_TOKEN,
    GITLAB_EXPIRED_TOKEN,
    SECRET_KEY_UPSTREAM,
    SECRET_KEY_ALT,
    SECRET_VARIABLE_VALUE,
];

/// Path of the project that starts as production.
pub const PROJECT: &str = "gigascience/upstream/gigadb-website";
/// Numeric id of [`PROJECT`].
pub const PROJECT_ID: u64 = 4_101;
/// Path of the project that starts as hot standby.
pub const ALT_PROJECT: &str = "gigascience/upstream/alt-gigadb-website";
/// Numeric id of [`ALT_PROJECT`].
pub const ALT_PROJECT_ID: u64 = 4_102;
/// AWS account of both access keys.
pub const ACCOUNT_ID: &str = "111122223333";
/// AWS profile of `gigadb-website`.
pub const PROFILE_UPSTREAM: &str = "Upstream";
/// AWS profile of `alt-gigadb-website`.
pub const PROFILE_ALT: &str = "UpstreamAlt";
/// Region of `gigadb-website`, one that accounts must opt in to.
pub const REGION_UPSTREAM: &str = "ap-east-1";
/// Region of `alt-gigadb-website`.
pub const REGION_ALT: &str = "ap-southeast-2";

const CLOUDFLARE_ACCOUNT: &str = "5e1f0c2d3b4a59687786958493021100";
const REVISION: &str = "5f3c1d0e9b8a79685746352413029f8e7d6c5b4a";

/// Returns the Elastic IP of an endpoint (`web`, `bastion`, `files`) in an environment (`live`,
/// `staging`) on the side of a region.
///
/// # Panics
///
/// When one of the three names is none of this world.
pub fn sop_address(region: &str, environment: &str, endpoint: &str) -> String {
    let network = match region {
        REGION_UPSTREAM => "198.51.100",
        REGION_ALT => "203.0.113",
        other => panic!("no region {other} in this world"),
    };
    let ten = match environment {
        "live" => 10,
        "staging" => 20,
        other => panic!("no environment {other} in this world"),
    };
    let one = match endpoint {
        "web" => 0,
        "bastion" => 1,
        "files" => 2,
        other => panic!("no endpoint {other} in this world"),
    };
    format!("{network}.{}", ten + one)
}

impl World {
    /// Returns the world of the procedure, with `gigadb-website` as production in both environments.
    pub fn sop() -> Self {
        Self {
            cloudflare: cloudflare(),
            gitlab: gitlab(),
            aws: aws(),
        }
    }
}

/// One row of the DNS tables, with attributes that a swap must keep.
struct Row {
    name: &'static str,
    endpoint: &'static str,
    environment: &'static str,
    region: &'static str,
    ttl: u64,
    proxied: bool,
    comment: Option<&'static str>,
    tags: &'static [&'static str],
}

const fn row(
    name: &'static str,
    endpoint: &'static str,
    environment: &'static str,
    region: &'static str,
) -> Row {
    Row {
        name,
        endpoint,
        environment,
        region,
        ttl: 1,
        proxied: false,
        comment: None,
        tags: &[],
    }
}

#[rustfmt::skip]
const ROWS: [Row; 16] = [
    Row { proxied: true, comment: Some("public site"), tags: &["team:web", "tier:production"], ..row("gigadb.org", "web", "live", REGION_UPSTREAM) },
    Row { ttl: 300, comment: Some("ssh entry of production"), ..row("bastion.gigadb.org", "bastion", "live", REGION_UPSTREAM) },
    Row { ttl: 120, tags: &["team:data"], ..row("files.gigadb.org", "files", "live", REGION_UPSTREAM) },
    Row { ttl: 3600, ..row("portainer.gigadb.org", "web", "live", REGION_UPSTREAM) },
    Row { ttl: 60, comment: Some("staging of production"), ..row("staging.gigadb.org", "web", "staging", REGION_UPSTREAM) },
    Row { ttl: 600, ..row("bastion-stg.gigadb.host", "bastion", "staging", REGION_UPSTREAM) },
    row("files.staging.gigadb.org", "files", "staging", REGION_UPSTREAM),
    Row { proxied: true, ..row("portainer.staging.gigadb.org", "web", "staging", REGION_UPSTREAM) },
    Row { proxied: true, comment: Some("hot standby"), ..row("alt-live.gigadb.host", "web", "live", REGION_ALT) },
    Row { ttl: 300, ..row("bastion.alt-live.gigadb.host", "bastion", "live", REGION_ALT) },
    Row { ttl: 900, comment: Some("kept in the .org zone"), tags: &["team:data", "tier:standby"], ..row("files.alt-live.gigadb.org", "files", "live", REGION_ALT) },
    row("portainer.alt-live.gigadb.host", "web", "live", REGION_ALT),
    Row { ttl: 60, ..row("alt-staging.gigadb.host", "web", "staging", REGION_ALT) },
    Row { comment: Some("jump host"), ..row("bastion.alt-staging.gigadb.host", "bastion", "staging", REGION_ALT) },
    Row { ttl: 7200, ..row("files.alt-staging.gigadb.host", "files", "staging", REGION_ALT) },
    Row { proxied: true, ..row("portainer.alt-staging.gigadb.host", "web", "staging", REGION_ALT) },
];

fn cloudflare() -> Cloudflare {
    let mut org = Zone::new(CLOUDFLARE_ACCOUNT, "gigadb.org", Plan::Pro);
    let mut host = Zone::new(CLOUDFLARE_ACCOUNT, "gigadb.host", Plan::Free);
    for row in &ROWS {
        let zone = match row.name.rsplit('.').next() {
            Some("host") => &mut host,
            _ => &mut org,
        };
        let address = sop_address(row.region, row.environment, row.endpoint);
        let record = zone.add("A", row.name, &address);
        record.ttl = row.ttl;
        record.proxied = row.proxied;
        record.comment = row.comment.map(str::to_owned);
        record.tags = row.tags.iter().map(|tag| (*tag).to_owned()).collect();
    }

    org.add("MX", "gigadb.org", "mail.example.net").priority = Some(10);
    org.add("TXT", "gigadb.org", "\"v=spf1 include:example.net -all\"")
        .ttl = 3600;
    org.add("CNAME", "www.gigadb.org", "gigadb.org").proxied = true;
    org.add("A", "rounds.gigadb.org", "192.0.2.71").ttl = 300;
    org.add("A", "rounds.gigadb.org", "192.0.2.72").ttl = 300;
    org.add("AAAA", "ipv6.gigadb.org", "2001:db8::71");
    org.add("A", "dev.gigadb.org", "192.0.2.80").comment = Some("not ours to touch".to_owned());
    host.add("CNAME", "docs.gigadb.host", "pages.example.net");
    host.add("A", "gigadb.host", "192.0.2.90");

    let account = CloudflareAccount {
        id: CLOUDFLARE_ACCOUNT.to_owned(),
        name: "GigaScience".to_owned(),
    };
    Cloudflare {
        accounts: vec![account],
        tokens: vec![
            CloudflareToken::all_zones(CLOUDFLARE_TOKEN),
            CloudflareToken {
                dns: DnsAccess::Read,
                ..CloudflareToken::all_zones(CLOUDFLARE_READ_TOKEN)
            },
            CloudflareToken {
                zones: Some(vec!["gigadb.org".to_owned()]),
                ..CloudflareToken::all_zones(CLOUDFLARE_ONE_ZONE_TOKEN)
            },
            CloudflareToken {
                ip_blocked: true,
                ..CloudflareToken::all_zones(CLOUDFLARE_IP_BLOCKED_TOKEN)
            },
            CloudflareToken {
                status: TokenStatus::Disabled,
                ..CloudflareToken::all_zones(CLOUDFLARE_REVOKED_TOKEN)
            },
            CloudflareToken {
                owner: TokenOwner::Account(CLOUDFLARE_ACCOUNT.to_owned()),
                ..CloudflareToken::all_zones(CLOUDFLARE_ACCOUNT_TOKEN)
            },
        ],
        zones: vec![org, host],
    }
}

/// Key, environment, value of production, value of hot standby.
const VARIABLES: [(&str, &str, &str, &str); 8] = [
    (
        "HOME_URL",
        "live",
        "https://gigadb.org",
        "http://alt-live.gigadb.host",
    ),
    (
        "REMOTE_HOME_URL",
        "live",
        "https://gigadb.org",
        "http://alt-live.gigadb.host",
    ),
    (
        "REMOTE_HOSTNAME",
        "live",
        "gigadb.org",
        "alt-live.gigadb.host",
    ),
    (
        "remote_fileserver_hostname",
        "live",
        "files.gigadb.org",
        "files.alt-live.gigadb.host",
    ),
    (
        "HOME_URL",
        "staging",
        "https://staging.gigadb.org",
        "http://alt-staging.gigadb.host",
    ),
    (
        "REMOTE_HOME_URL",
        "staging",
        "https://staging.gigadb.org",
        "http://alt-staging.gigadb.host",
    ),
    (
        "REMOTE_HOSTNAME",
        "staging",
        "staging.gigadb.org",
        "alt-staging.gigadb.host",
    ),
    (
        "remote_fileserver_hostname",
        "staging",
        "files.staging.gigadb.org",
        "files.alt-staging.gigadb.host",
    ),
];

fn gitlab() -> Gitlab {
    let maintainer = |value: &str, username: &str| GitlabToken {
        value: value.to_owned(),
        username: username.to_owned(),
        scopes: vec!["api".to_owned()],
        status: GitlabTokenStatus::Active,
        access: BTreeMap::from([
            (PROJECT.to_owned(), AccessLevel::Maintainer),
            (ALT_PROJECT.to_owned(), AccessLevel::Maintainer),
        ]),
    };
    let developer = GitlabToken {
        access: BTreeMap::from([
            (PROJECT.to_owned(), AccessLevel::Developer),
            (ALT_PROJECT.to_owned(), AccessLevel::Developer),
        ]),
        ..maintainer(GITLAB_DEVELOPER_TOKEN, "developer")
    };
    let reader = GitlabToken {
        scopes: vec!["read_api".to_owned()],
        ..maintainer(GITLAB_READ_TOKEN, "reader")
    };
    let expired = GitlabToken {
        status: GitlabTokenStatus::Expired,
        ..maintainer(GITLAB_EXPIRED_TOKEN, "former")
    };
    Gitlab {
        tokens: vec![
            maintainer(GITLAB_TOKEN, "deployer"),
            developer,
            reader,
            expired,
        ],
        projects: vec![
            project(PROJECT_ID, PROJECT, true),
            project(ALT_PROJECT_ID, ALT_PROJECT, false),
        ],
        renamed: BTreeMap::from([(
            "gigascience/former/gigadb-website".to_owned(),
            PROJECT.to_owned(),
        )]),
    }
}

fn project(id: u64, path: &str, production: bool) -> Project {
    let mut variables = Vec::new();
    // Unrelated rows come first and are many, so that the role variables are not on page one.
    if production {
        for number in 1..=112 {
            let mut filler = Variable::new(&format!("UNRELATED_{number:03}"), "*", "unrelated");
            filler.description = Some("one of many".to_owned());
            variables.push(filler);
        }
    }
    variables.extend(unrelated());
    for (key, scope, of_production, of_standby) in VARIABLES {
        let value = if production {
            of_production
        } else {
            of_standby
        };
        let mut row = Variable::new(key, scope, value);
        match key {
            "HOME_URL" => {
                row.protected = true;
                row.description = Some("Public URL of this infrastructure's role".to_owned());
            }
            "REMOTE_HOME_URL" => {
                row.masked = true;
                row.protected = true;
            }
            "REMOTE_HOSTNAME" => {
                row.raw = true;
                row.description = Some(String::new());
            }
            _ => {}
        }
        variables.push(row);
    }
    let release = if production {
        "v4.3.4"
    } else {
        "v0337-alt-upstream-beta"
    };
    let environments = ["live", "staging"].iter().zip(1..);
    Project {
        id,
        path: path.to_owned(),
        variables,
        environments: environments
            .map(|(name, number)| Environment {
                id: id * 10 + number,
                name: (*name).to_owned(),
                state: "available".to_owned(),
                tier: if *name == "live" {
                    "production"
                } else {
                    "staging"
                }
                .to_owned(),
                external_url: None,
            })
            .collect(),
        deployments: vec![
            deployment(id * 10 + 1, 1, "staging", "success", release),
            deployment(id * 10 + 2, 2, "live", "failed", "v4.3.3"),
            deployment(id * 10 + 3, 3, "live", "success", release),
        ],
        pipelines: vec![Pipeline {
            id: id * 100 + 1,
            status: "success".to_owned(),
            reference: release.to_owned(),
            sha: REVISION.to_owned(),
            updated_at: "2026-08-01T08:09:00.000Z".to_owned(),
        }],
        releases: vec![Release {
            tag_name: release.to_owned(),
            name: format!("Release {release}"),
            released_at: "2026-08-01T07:00:00.000Z".to_owned(),
        }],
        freeze_periods: vec![FreezePeriod {
            id: id * 10 + 1,
            freeze_start: "0 18 * * 5".to_owned(),
            freeze_end: "0 8 * * 1".to_owned(),
            cron_timezone: "Asia/Hong_Kong".to_owned(),
        }],
        terraform_states: ["live", "staging"]
            .iter()
            .map(|environment| (format!("{environment}_infra"), outputs(environment, id)))
            .collect(),
    }
}

/// Rows beside the role variables: wildcard scopes of the same keys, and secrets.
fn unrelated() -> Vec<Variable> {
    let secret = |key: &str, scope: &str| Variable {
        masked: true,
        protected: true,
        ..Variable::new(key, scope, SECRET_VARIABLE_VALUE)
    };
    let certificate =
        "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    vec![
        Variable::new("HOME_URL", "*", "http://localhost:9170"),
        Variable::new("REMOTE_HOSTNAME", "review/*", "review.example.org"),
        secret("gigadb_db_password", "live"),
        secret("gigadb_db_password", "staging"),
        Variable {
            hidden: true,
            ..secret("DEPLOY_TOKEN", "*")
        },
        Variable {
            variable_type: VariableType::File,
            ..Variable::new("tls_fullchain_pem", "live", certificate)
        },
        Variable {
            variable_type: VariableType::File,
            protected: true,
            ..Variable::new("tls_privkey_pem", "live", SECRET_VARIABLE_VALUE)
        },
        Variable::new("GREETING", "*", "two words $HOME"),
    ]
}

fn deployment(id: u64, iid: u64, environment: &str, status: &str, reference: &str) -> Deployment {
    Deployment {
        id,
        iid,
        environment: environment.to_owned(),
        status: status.to_owned(),
        reference: reference.to_owned(),
        sha: REVISION.to_owned(),
        created_at: format!("2026-08-0{iid}T08:00:00.000Z"),
        updated_at: format!("2026-08-0{iid}T08:09:00.000Z"),
        deployable: Some(Deployable {
            id: id * 10,
            name: format!("deploy_{environment}"),
            tag: true,
            pipeline: id * 100,
        }),
    }
}

/// A Terraform state with the outputs that playbooks read, and one secret.
fn outputs(environment: &str, project: u64) -> TerraformState {
    let text = serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 7,
        "lineage": format!("0f7a4c1e-1111-2222-3333-{project:012}"),
        "outputs": {
            "rds_instance_address": { "type": "string", "value": format!("rds-server-{environment}-{project}.example.net") },
            "vpc_database_password": { "type": "string", "value": SECRET_VARIABLE_VALUE, "sensitive": true },
        },
        "resources": [], "check_results": null,
    });
    TerraformState {
        versions: BTreeMap::from([(7, text.to_string())]),
        lock: None,
    }
}

fn aws() -> Aws {
    let key = |id: &str, secret: &str, profile: &str, region: &str| AccessKey {
        id: id.to_owned(),
        secret: secret.to_owned(),
        user: "Gigadb".to_owned(),
        profile: Some((profile.to_owned(), region.to_owned())),
        denied: Vec::new(),
        regions: None,
    };
    Aws {
        accounts: vec![AwsAccount {
            id: ACCOUNT_ID.to_owned(),
            keys: vec![
                key(
                    ACCESS_KEY_ID_UPSTREAM,
                    SECRET_KEY_UPSTREAM,
                    PROFILE_UPSTREAM,
                    REGION_UPSTREAM,
                ),
                key(ACCESS_KEY_ID_ALT, SECRET_KEY_ALT, PROFILE_ALT, REGION_ALT),
            ],
            regions: BTreeMap::from([
                (
                    REGION_UPSTREAM.to_owned(),
                    region(REGION_UPSTREAM, OptIn::OptedIn),
                ),
                (
                    REGION_ALT.to_owned(),
                    region(REGION_ALT, OptIn::OptInNotRequired),
                ),
                ("us-east-1".to_owned(), AccountRegion::default()),
                (
                    "ap-southeast-3".to_owned(),
                    AccountRegion {
                        opt_in: OptIn::NotOptedIn,
                        ..AccountRegion::default()
                    },
                ),
            ]),
        }],
    }
}

fn region(name: &str, opt_in: OptIn) -> AccountRegion {
    let mut region = AccountRegion {
        opt_in,
        ..AccountRegion::default()
    };
    let long_id = |prefix: &str, parts: &[&str]| {
        let mut hex = hex_id(parts);
        hex.truncate(17);
        format!("{prefix}-{hex}")
    };
    for (environment, third) in [("live", 0), ("staging", 16)] {
        for (endpoint, machine, fourth) in [
            ("web", "gigadb_webserver", 10),
            ("bastion", "bastion_server", 11),
            ("files", "gigadb_filesserver", 12),
        ] {
            let instance_name = format!("{machine}_{environment}_gigadb");
            let address_name = match endpoint {
                "web" => format!("eip-gigadb-{environment}-gigadb"),
                other => format!("eip-gigadb-{other}-{environment}-gigadb"),
            };
            let tags = |name: &str| {
                BTreeMap::from([
                    ("Name".to_owned(), name.to_owned()),
                    ("Environment".to_owned(), environment.to_owned()),
                    ("Owner".to_owned(), "gigadb".to_owned()),
                    ("System".to_owned(), machine.to_owned()),
                ])
            };
            let instance_id = long_id("i", &[name, &instance_name]);
            region.instances.push(Instance {
                id: instance_id.clone(),
                state: InstanceState::Running,
                // The two sides are built alike: their private addresses are the same.
                private_ip: format!("10.99.{third}.{fourth}"),
                public_ip: None,
                availability_zone: format!("{name}a"),
                tags: tags(&instance_name),
            });
            region.addresses.push(Address {
                public_ip: sop_address(name, environment, endpoint),
                allocation_id: long_id("eipalloc", &[name, &address_name]),
                instance_id: Some(instance_id),
                other_association: false,
                tags: tags(&address_name),
            });
        }
    }
    let tags = BTreeMap::from([("Name".to_owned(), "gigadb_webserver_live_gigadb".to_owned())]);
    region.instances.push(Instance {
        id: long_id("i", &[name, "terminated"]),
        state: InstanceState::Terminated,
        private_ip: String::new(),
        public_ip: None,
        availability_zone: format!("{name}a"),
        tags,
    });
    let tags = BTreeMap::from([("Name".to_owned(), "nat-gateway".to_owned())]);
    region.addresses.push(Address {
        public_ip: match name {
            REGION_UPSTREAM => "198.51.100.200".to_owned(),
            _ => "203.0.113.200".to_owned(),
        },
        allocation_id: long_id("eipalloc", &[name, "nat"]),
        instance_id: None,
        other_association: true,
        tags,
    });
    region
}
