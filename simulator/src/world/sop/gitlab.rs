//! The two projects: eight role variables each, among rows that are none of a swap's business.

use std::collections::BTreeMap;

use super::{
    ALT_PROJECT, ALT_PROJECT_ID, GITLAB_DEVELOPER_TOKEN, GITLAB_EXPIRED_TOKEN, GITLAB_READ_TOKEN,
    GITLAB_TOKEN, PROJECT, PROJECT_ID, SECRET_VARIABLE_VALUE,
};
use crate::world::{
    AccessLevel, Deployable, Deployment, Environment, FreezePeriod, Gitlab, GitlabToken,
    GitlabTokenStatus, Job, MergeRequest, Pipeline, Project, Release, TerraformState, Variable,
    VariableType,
};

const REVISION: &str = "5f3c1d0e9b8a79685746352413029f8e7d6c5b4a";

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

pub(super) fn gitlab() -> Gitlab {
    let maintainer = |value: &str, username: &str| GitlabToken {
        value: value.to_owned(),
        username: username.to_owned(),
        scopes: vec!["api".to_owned()],
        status: GitlabTokenStatus::Active,
        access: BTreeMap::from([
            (PROJECT.to_owned(), AccessLevel::Maintainer),
            (ALT_PROJECT.to_owned(), AccessLevel::Maintainer),
        ]),
        expires_at: None,
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
        archived: false,
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
        jobs: vec![Job {
            id: id * 1000 + 1,
            name: "ld_gigadb".to_owned(),
            status: "manual".to_owned(),
            pipeline: id * 100 + 1,
            ..Job::default()
        }],
        releases: vec![Release {
            tag_name: release.to_owned(),
            name: format!("Release {release}"),
            released_at: "2026-08-01T07:00:00.000Z".to_owned(),
        }],
        merge_requests: vec![MergeRequest {
            iid: 7,
            notes: Vec::new(),
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
