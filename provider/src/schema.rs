//! What the provider, its resource and its data sources take and give.

use tfplug::{Attribute, NestedType, Schema, Type};

/// The version of the resource's state.
pub(crate) const STATE_VERSION: u32 = 0;

/// The provider block.
pub(crate) fn provider() -> Schema {
    let cloudflare = NestedType::single([
        (
            "api_token",
            Attribute::optional(Type::String).sensitive().describe(
                "API token with Zone Read and DNS Write on the zones concerned. Default: `CLOUDFLARE_API_TOKEN`. \
                 Terraform keeps a literal here in its plan files, so prefer the environment variable.",
            ),
        ),
        (
            "base_url",
            Attribute::optional(Type::String).describe(
                "Base URL of the API. Default: `CLOUDFLARE_BASE_URL`, else `https://api.cloudflare.com/client/v4`. \
                 Plain http is accepted for loopback addresses only.",
            ),
        ),
    ]);
    let gitlab = NestedType::single([
        (
            "token",
            Attribute::optional(Type::String).sensitive().describe(
                "Token with scope `api` of a Maintainer of each side's project. Default: `GITLAB_TOKEN`, else `GITLAB_PRIVATE_TOKEN`. \
                 Terraform keeps a literal here in its plan files, so prefer an environment variable.",
            ),
        ),
        (
            "base_url",
            Attribute::optional(Type::String).describe(
                "Base URL of the API. Default: `GITLAB_BASE_URL`, else `https://gitlab.com/api/v4`. \
                 Plain http is accepted for loopback addresses only.",
            ),
        ),
    ]);
    let aws = NestedType::single([
        (
            "endpoint_url",
            Attribute::optional(Type::String).describe(
                "Endpoint that replaces every region's. Default: `AWS_ENDPOINT_URL_EC2`, else `AWS_ENDPOINT_URL`.",
            ),
        ),
        (
            "shared_config_files",
            Attribute::optional(Type::list(Type::String)).describe(
                "Files that replace `~/.aws/config`. Default: `AWS_CONFIG_FILE`. Profiles and regions are named by the topology.",
            ),
        ),
        (
            "shared_credentials_files",
            Attribute::optional(Type::list(Type::String)).describe(
                "Files that replace `~/.aws/credentials`. Default: `AWS_SHARED_CREDENTIALS_FILE`.",
            ),
        ),
    ]);
    Schema::new(
        0,
        [
            (
                "topology_file",
                Attribute::optional(Type::String).describe(
                    "Path of the topology file. Default: `GIGADB_TOPOLOGY`, else `topology.yaml` in the working directory. `~` is the home folder.",
                ),
            ),
            (
                "cloudflare",
                Attribute::optional(cloudflare).describe("How Cloudflare's API is reached. The token is `api_token` here, and `token` in `gitlab`. Terraform drops a key that is not listed there, without a word: check the spelling."),
            ),
            (
                "gitlab",
                Attribute::optional(gitlab).describe("How GitLab's API is reached. The URL is `base_url`. Terraform drops a key that is not listed there, without a word: check the spelling."),
            ),
            (
                "aws",
                Attribute::optional(aws).describe("How EC2 is reached. Terraform drops a key that is not listed there, without a word: check the spelling."),
            ),
        ],
    )
    .describe(
        "Swaps production and hot standby: DNS records at Cloudflare and CI/CD variables at GitLab, \
         by the Elastic IPs that EC2 reports.",
    )
}

/// Resource `gigadb_role_assignment`.
pub(crate) fn role_assignment() -> Schema {
    let inputs = [
        (
            "environment",
            Attribute::required(Type::String)
                .describe("A key of `environments` in the topology. Changing it forces a replacement, which changes no record and no variable."),
        ),
        (
            "production",
            Attribute::required(Type::String)
                .describe("The infrastructure that shall be production, a key of `infrastructures` in the topology."),
        ),
        (
            "hot_standby",
            Attribute::optional_computed(Type::String)
                .describe("The infrastructure that shall be the hot standby. Default: the other one; required where the topology has more than two."),
        ),
        (
            "mode",
            Attribute::optional_computed(Type::String).describe(
                "`switchover`: both sides must be well, all or nothing. `failover`: only the promoted side must be well; \
                 what concerns the lost side is best effort, and reported as owed. Default: `switchover`.",
            ),
        ),
        (
            "prepare",
            Attribute::optional(Type::String).describe(
                "The infrastructure that shall carry production's variables already, while no record moves: \
                 for the rebuild between validation and swap.",
            ),
        ),
        (
            "on_failure",
            Attribute::optional_computed(Type::String).describe(
                "What to do when a write fails before the last DNS batch was sent. `revert`: undo what this run changed. \
                 `stop`: leave things as they stand. Default: `revert`.",
            ),
        ),
        (
            "on_external_swap",
            Attribute::optional_computed(Type::String).describe(
                "What to plan when roles were traded outside Terraform. `error`: refuse. `revert`: trade them back. \
                 `keep`: plan nothing for this environment, with a warning. Default: `error`.",
            ),
        ),
        ("https_check", https_check()),
        (
            "overrides",
            Attribute::optional(Type::set(Type::String))
                .describe("Names of rules that are waived, one by one. Take them out again after the apply."),
        ),
        (
            "reason",
            Attribute::optional(Type::String)
                .describe("Why, in a few words, for those who read the history. Stored as written."),
        ),
    ];
    let computed = [
        (
            "id",
            Attribute::computed(Type::String).describe("The environment."),
        ),
        (
            "arrangement",
            Attribute::computed(Type::String).describe(
                "Who has which role, in one line: `production gigadb-website, hot standby alt-gigadb-website`. \
                 Terraform shows it first, so a plan opens with what happens.",
            ),
        ),
        ("status", status()),
        ("hostnames", hostnames()),
        ("variables", variables()),
    ];
    Schema::new(STATE_VERSION, inputs.into_iter().chain(computed)).describe(
        "Says which infrastructure is production and which is hot standby in one environment, and trades the roles when `production` changes. \
         Creating it adopts what is there and changes no present value (what is missing is created where the topology's `policy` says so); destroying it forgets and changes nothing.",
    )
}

/// Data source `gigadb_role_assignment`.
pub(crate) fn role_assignment_data() -> Schema {
    Schema::new(
        0,
        [
            (
                "environment",
                Attribute::required(Type::String)
                    .describe("A key of `environments` in the topology."),
            ),
            (
                "production",
                Attribute::computed(Type::String).describe(
                    "The infrastructure that holds the environment's apex; null where that is not clear.",
                ),
            ),
            (
                "hot_standby",
                Attribute::computed(Type::String).describe(
                    "The other infrastructure; null where that is not clear.",
                ),
            ),
            ("status", status()),
            ("hostnames", hostnames()),
            ("variables", variables()),
        ],
    )
    .describe("Tells who is production and who is hot standby in one environment, from the records as they are now.")
}

/// Data source `gigadb_infrastructure`.
pub(crate) fn infrastructure_data() -> Schema {
    let computed = |text: &str| Attribute::computed(Type::String).describe(text);
    Schema::new(
        0,
        [
            (
                "infrastructure",
                Attribute::required(Type::String)
                    .describe("A key of `infrastructures` in the topology."),
            ),
            (
                "environment",
                Attribute::required(Type::String)
                    .describe("A key of `environments` in the topology."),
            ),
            (
                "endpoint",
                Attribute::required(Type::String).describe("A key of `endpoints` in the topology."),
            ),
            ("address", computed("The Elastic IP.")),
            (
                "private_address",
                computed("The instance's private address; null without an instance."),
            ),
            (
                "instance_id",
                computed("The instance that the Elastic IP is associated with; null without one."),
            ),
            (
                "instance_state",
                computed("The instance's state, such as `running`; null without an instance."),
            ),
            (
                "role",
                computed("`production` or `hot_standby`, by the records; null where the roles are not clear, and for a third side."),
            ),
        ],
    )
    .describe("Tells where one machine of one infrastructure is, and which role its side has now.")
}

/// Data source `gigadb_preflight`.
pub(crate) fn preflight_data() -> Schema {
    let text = |text: &str| Attribute::computed(Type::String).describe(text);
    let finding = NestedType::list([
        (
            "rule",
            text("The rule's name; `ttl`, `proxied`, `pipelines` or `mode` for what no plan says."),
        ),
        (
            "severity",
            text("`error` or `warning`. An error stops a plan, unless it is waived."),
        ),
        (
            "object",
            text(
                "What the finding is about: a hostname, a variable with its project and scope, an Elastic IP.",
            ),
        ),
        (
            "message",
            text(
                "What failed, on which object, what was changed (nothing), and what to do next; several lines.",
            ),
        ),
        (
            "waived",
            Attribute::computed(Type::Bool).describe("Whether `overrides` names the rule."),
        ),
    ]);
    Schema::new(
        0,
        [
            (
                "environment",
                Attribute::required(Type::String)
                    .describe("A key of `environments` in the topology."),
            ),
            (
                "production",
                Attribute::required(Type::String)
                    .describe("The infrastructure that would be production."),
            ),
            (
                "hot_standby",
                Attribute::optional(Type::String).describe(
                    "The infrastructure that would be the hot standby. Default: the other one; required where the topology has more than two.",
                ),
            ),
            (
                "mode",
                Attribute::optional(Type::String)
                    .describe("`switchover` or `failover`, as in `gigadb_role_assignment`. Default: `switchover`."),
            ),
            ("https_check", https_check()),
            (
                "overrides",
                Attribute::optional(Type::set(Type::String))
                    .describe("Names of rules that are waived, one by one."),
            ),
            (
                "ok",
                Attribute::computed(Type::Bool)
                    .describe("Whether nothing stands in the way: no error that is not waived."),
            ),
            (
                "findings",
                Attribute::computed(finding).describe(
                    "What the rules and the hints say, rules first. Empty where the arrangement already holds.",
                ),
            ),
        ],
    )
    .describe(
        "Tells what would stand in the way of an arrangement, without planning it: for `check` blocks and reviews. \
         It fails only where the configuration is wrong; whatever the world is like is a finding.",
    )
}

fn https_check() -> Attribute {
    let check = NestedType::single([
        (
            "mode",
            Attribute::optional(Type::String).describe(
                "What a probe that fails means: `require` stops the plan and the apply before anything is written, `warn` warns, \
                 and `off` makes no probe. Default: `GIGADB_HTTPS_CHECK`, else `warn`.",
            ),
        ),
        (
            "path",
            Attribute::optional(Type::String).describe("Path that is asked for. Redirects are not followed. Default: `/`."),
        ),
        (
            "port",
            Attribute::optional(Type::Number).describe("Port. Default: 443."),
        ),
        (
            "expected_status",
            Attribute::optional(Type::set(Type::Number))
                .describe("Statuses that are well. Default: any 2xx or 3xx."),
        ),
        (
            "expected_text",
            Attribute::optional(Type::String).describe("Text that the first MiB of the answer must hold."),
        ),
        (
            "timeout",
            Attribute::optional(Type::String)
                .describe("How long one probe may take in all, such as `5s`, at most `60s`. Default: `5s`."),
        ),
        (
            "min_days",
            Attribute::optional(Type::Number)
                .describe("Days that the certificate must still be valid. Default: 14."),
        ),
        (
            "ca_file",
            Attribute::optional(Type::String)
                .describe(
                    "PEM file of authorities that are trusted in addition to the system's, relative to where Terraform runs.",
                ),
        ),
    ]);
    Attribute::optional(check)
        .describe(
            "Probes the promoted side over HTTPS as if it already were production: by address, with production's names. \
             It happens in plan, before the first write, and after the swap, where a failure is a warning. \
             Terraform drops a key that is not listed there, without a word: check the spelling.",
        )
}

fn status() -> Attribute {
    Attribute::computed(Type::String).describe(
        "One word, judged with the apex's holder as production. `consistent`: every record and variable is as the topology says. \
         `prepared`: records are, and the standby's variables all hold production's values. \
         `unknown`: a hostname has not exactly one A record, or leads to neither side; or variables could not be read, and nothing that could be is wrong. `mixed`: anything else.",
    )
}

fn hostnames() -> Attribute {
    let text = |text: &str| Attribute::computed(Type::String).describe(text);
    let name = NestedType::map([
        (
            "role",
            text("The role that publishes the name: `production` or `hot_standby`."),
        ),
        ("endpoint", text("The endpoint that the name leads to.")),
        (
            "infrastructure",
            text("The side that the address belongs to, or null."),
        ),
        (
            "address",
            text(
                "The address; null unless there is exactly one A record and no AAAA or CNAME beside it.",
            ),
        ),
        ("zone", text("The DNS zone that holds the name.")),
    ]);
    Attribute::computed(name)
        .describe("Every managed hostname of the environment, by its full name.")
}

fn variables() -> Attribute {
    Attribute::computed(Type::map(Type::String)).describe(
        "The value of every role variable of the two sides in this environment's exact scope, by `infrastructure/KEY`; \
         null where there is no readable row.",
    )
}
